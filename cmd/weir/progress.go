package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progressBar shows how far long work is, on a terminal only.
type progressBar struct {
	out   io.Writer // nil: nobody looks
	began time.Time
	next  time.Time
	shown bool
}

func newProgressBar(w io.Writer) *progressBar {
	b := &progressBar{began: time.Now()}
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		b.out = w
	}
	return b
}

// show draws the bar, ten times a second at most. of is 0 where the whole is not
// known.
func (b *progressBar) show(done, of int64) {
	now := time.Now()
	if b.out == nil || now.Before(b.next) {
		return
	}
	b.next, b.shown = now.Add(100*time.Millisecond), true
	if of <= 0 {
		fmt.Fprintf(b.out, "\r\x1b[K%d so far, %s", done, now.Sub(b.began).Round(time.Second))
		return
	}
	const width = 40
	part := min(float64(done)/float64(of), 1)
	full := int(part * width)
	left := ""
	if part > 0.01 {
		left = ", " + time.Duration(float64(now.Sub(b.began))*(1-part)/part).Round(time.Second).String() + " left"
	}
	fmt.Fprintf(b.out, "\r\x1b[K[%s%s] %3.0f %%%s", strings.Repeat("#", full), strings.Repeat(".", width-full), part*100, left)
}

// clear takes the bar away.
func (b *progressBar) clear() {
	if b.shown {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
}
