//go:build real

package consoletest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/internal/realbrokers"
	"github.com/weirstream/weir/internal/rig"
)

// tab is one tab of a browser of its own.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	hosts    map[string]bool // that were asked for anything
	failures []string        // what the console of the browser says is wrong
}

func openTab(t *testing.T) *tab {
	t.Helper()
	path := realbrokers.Chromium(t)
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun}
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage", "hide-scrollbars"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	ctx, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	b := &tab{t: t, ctx: ctx, hosts: map[string]bool{}}
	require.NoError(t, chromedp.Do(ctx))
	require.NoError(t, chromedp.Listen(ctx, b.hear))
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	_, err = chromedp.Call(ctx, cdplog.Enable, cdp.Empty{})
	require.NoError(t, err)
	return b
}

// hear notes what should not be: errors, and requests to others.
func (b *tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err == nil && u.Host != "" {
			b.hosts[u.Host] = true
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			b.failures = append(b.failures, fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		b.failures = append(b.failures, "exception: "+text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			b.failures = append(b.failures, fmt.Sprintf("console.%s: %v", e.Type, e.Args))
		}
	}
}

// clean fails the test for what the browser found wrong, but for what the reason is known of.
func (b *tab) clean(known ...string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.failures {
		expected := false
		for _, k := range known {
			expected = expected || strings.Contains(f, k)
		}
		if !expected {
			b.t.Errorf("the browser says: %s", f)
		}
	}
	b.failures = nil
}

func (b *tab) open(url string) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.Navigate(url)))
}

// js is the value of an expression, as text.
func (b *tab) js(expression string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	require.NoError(b.t, err, expression)
	return text
}

func (b *tab) number(expression string) float64 {
	b.t.Helper()
	text := b.js(expression)
	n, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64)
	require.NoError(b.t, err, "%s is %q", expression, text)
	return n
}

// holds waits until an expression is true.
func (b *tab) holds(what, expression string) {
	b.t.Helper()
	rig.Await(b.t, what, 30*time.Second, func() (bool, string) {
		return b.js(expression) == "true", expression
	})
}

// text is what an element says; empty where there is none that can be seen.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return strings.Join(strings.Fields(b.js(fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector))), " ")
}

func (b *tab) says(selector, part string) {
	b.t.Helper()
	rig.Await(b.t, fmt.Sprintf("%s says %q", selector, part), 30*time.Second, func() (bool, string) {
		text := b.text(selector)
		return strings.Contains(text, part), "it says " + strconv.Quote(text)
	})
}

// click clicks with the mouse where an element is, as a person would: what lies over it gets the click.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.holds(selector+" is there", fmt.Sprintf("!!document.querySelector(%q)", selector))
	at := fmt.Sprintf("(() => { const e = document.querySelector(%q); e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()", selector)
	x, y := b.number(at+"[0]"), b.number(at+"[1]")
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.MouseClickXY(x, y)))
}

func (b *tab) keys(text string) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.KeyEvent(text)))
}

// screen is what the page is shown on.
type screen struct {
	name          string
	width, height int64
	phone, dark   bool
}

func screens() []screen {
	return []screen{
		{name: "desk-dark", width: 1440, height: 900, dark: true}, {name: "desk-light", width: 1440, height: 900},
		{name: "phone-dark", width: 390, height: 844, phone: true, dark: true}, {name: "phone-light", width: 390, height: 844, phone: true},
		{name: "small-phone", width: 360, height: 740, phone: true, dark: true},
	}
}

func (b *tab) show(s screen) {
	b.t.Helper()
	options := []chromedp.EmulateViewportOption{}
	if s.phone {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulateScale(2))
	}
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.EmulateViewport(s.width, s.height, options...)))
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	require.NoError(b.t, err)
	width := "innerWidth"
	if s.phone {
		width = "screen.width" // innerWidth is that of what has been laid out, were it wider
	}
	b.holds("the screen is "+s.name, fmt.Sprintf("%s === %d", width, s.width))
}

// picture leaves a picture where somebody wants to look at it.
func (b *tab) picture(name string) {
	b.t.Helper()
	dir := os.Getenv("WEIR_SCREENSHOTS")
	if dir == "" {
		return
	}
	require.NoError(b.t, os.MkdirAll(dir, 0o755))
	for file, take := range map[string]chromedp.Action[[]byte]{".png": chromedp.CaptureScreenshot(), "-all.png": chromedp.FullScreenshot(100)} { // unordered: two files
		image, err := chromedp.Run(b.ctx, take)
		require.NoError(b.t, err)
		require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+file), image, 0o644))
	}
	quality := int64(75) // for documents
	small, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: "jpeg", Quality: &quality})
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".jpg"), small.Data, 0o644))
}

// fits fails the test where the page is wider than the screen, or, on a phone, something to tap is smaller than a finger.
func (b *tab) fits(s screen) {
	b.t.Helper()
	require.LessOrEqual(b.t, b.number("document.documentElement.scrollWidth"), float64(s.width), "%s scrolls sideways: %s", s.name, b.js(fmt.Sprintf(`[...document.querySelectorAll('main *, header *')].filter(e => e.getBoundingClientRect().right > %d).slice(0, 5).map(e => e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 40)).join('; ')`, s.width+1)))
	if !s.phone {
		return
	}
	small := b.js(`[...document.querySelectorAll('a, button, input:not([type=radio]), select, summary, .choice label')].filter(e => e.offsetParent && !e.matches('.skip') && e.getBoundingClientRect().height < 40).map(e => e.tagName + ' ' + (e.textContent || e.id).slice(0, 40) + ' ' + e.getBoundingClientRect().height).join('; ')`)
	require.Empty(b.t, small, "%s: too small to tap", s.name)
}
