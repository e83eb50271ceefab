//go:build real

package consoletest

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a console shows that is hard to bring about: every kind of alert, a device that another process has, names that are markup, a
// token. On each screen nothing is cut off.
func TestLooks(t *testing.T) {
	f := startFake(t, "")
	b := openTab(t)
	b.show(screens()[0])
	b.open(f.URL)
	b.holds("alerts", "document.querySelectorAll('.alert').length === 8")
	b.says("#tile-throughput", "readings/s")
	b.holds("a rate", "parseFloat(document.querySelector('#tile-throughput b').innerText.replace(',', '')) > 1000")
	b.says("#law", "each in exactly one class")
	require.Contains(t, b.text("#alerts-list li:nth-child(2)"), hostile)
	require.Equal(t, "firing", b.js("document.querySelector('.alert').dataset.state"))
	require.Contains(t, b.text(".alert:nth-last-child(1)"), "pending")
	require.Contains(t, b.text("#pipelines"), "not ready")
	require.Equal(t, "null", b.js("document.querySelector('main img')"))
	for _, s := range screens() {
		b.show(s)
		if s.phone {
			b.js("document.getElementById('tasks').open = true")
		}
		b.says("#tasks", "10.0.0.7")
		require.Equal(t, "http://10.0.0.7:9464/#/", b.js("[...document.querySelectorAll('#tasks a')].map(a => a.href).join()"))
		b.fits(s)
		b.picture("overview-" + s.name)
	}
	pages := map[string]string{"device/truck-0012": "device", "device/truck-0044?pipeline=plant": "silent", "alert/a1b2c3d4e5f60718": "alert", "device/away": "elsewhere"}
	for hash, name := range pages { // unordered: each by itself
		b.js("location.hash = '#/" + hash + "'")
		switch name {
		case "device", "silent":
			b.holds("plots", "document.querySelectorAll('#device .chart path.line').length >= 5")
		case "alert":
			b.says("#alert", "number 812")
		default:
			b.says("#device", "Partition 4 is with weir-9f3a on 10.0.0.7.")
			require.Equal(t, "http://10.0.0.7:9464/#/device/away", b.js("document.querySelector('#device .out').href"))
		}
		for _, s := range screens() {
			b.show(s)
			b.fits(s)
			b.picture(name + "-" + s.name)
		}
	}
	b.show(screens()[0])
	b.js("location.hash = '#/device/nobody'")
	b.says("#device", "No device nobody here.")
	b.clean()
	require.Len(t, b.hosts, 1, "only this process is asked: %v", b.hosts)
}

// Whoever has no token is asked for it, once; a wrong one is asked for again.
func TestToken(t *testing.T) {
	f := startFake(t, "secret")
	b := openTab(t)
	b.open(f.URL)
	b.show(screens()[2])
	b.says("dialog", "This process answers only to who has its token.")
	b.picture("token")
	b.fits(screens()[2])
	b.keys("wrong\r")
	b.says("dialog", "not the one")
	b.keys("secret\r")
	b.holds("alerts", "document.querySelectorAll('.alert').length === 8")
	b.holds("no dialog", "!document.querySelector('dialog')")
	require.Equal(t, "secret", b.js("sessionStorage.getItem('weir-token')"))
	require.Equal(t, "true", b.js("JSON.stringify(localStorage).indexOf('secret') < 0"))
	b.clean("401")
}

// What is said of the alert of a group, or of a device whose name is markup, means just that. While the page changes five times a second the
// keyboard stays where it is.
func TestCommands(t *testing.T) {
	f := startFake(t, "")
	b := openTab(t)
	b.show(screens()[1])
	b.open(f.URL)
	b.holds("alerts", "document.querySelectorAll('.alert').length === 8")
	b.click(".alert[data-id=d1b2c3d4e5f60718] button[data-is=silence]")
	b.says("dialog", "site-warm of Hamburg (labels.site)")
	b.keys("kim\tfans are out\r")
	b.holds("said", "!document.querySelector('dialog')")
	require.JSONEq(t, `{"matchers": [{"name": "rule", "op": "=", "value": "site-warm"}, {"name": "group", "op": "=", "value": "Hamburg"}], "for": "1h", "author": "kim", "reason": "fans are out"}`, f.commands()[0])
	b.click(".alert[data-id=b1b2c3d4e5f60718] button[data-is=silence]")
	b.click("dialog input[value=who]")
	b.click("dialog input[value='7d']")
	b.click("dialog .go")
	b.holds("said", "!document.querySelector('dialog')")
	require.JSONEq(t, `{"matchers": [{"name": "device", "op": "=", "value": "<img src=x onerror=alert(1)>"}], "for": "7d", "author": "kim", "reason": ""}`, f.commands()[1])
	ack := ".alert[data-id=a1b2c3d4e5f60718] button[data-is=ack]"
	b.js("document.querySelector('" + ack + "').focus()")
	told := b.number("document.querySelector('[data-class=processed] .n').innerText.replaceAll(',', '')")
	b.holds("the page has changed", "Number(document.querySelector('[data-class=processed] .n').innerText.replaceAll(',', '')) > "+strconv.FormatFloat(told+1000, 'f', 0, 64))
	b.holds("the focus is where it was", "document.activeElement.matches('"+ack+"')")
	b.keys("\r")
	b.says("dialog", "Acknowledge")
	b.keys("\r")
	b.says(".alert[data-id=a1b2c3d4e5f60718]", "acknowledged by kim")
	require.JSONEq(t, `{"author": "kim", "reason": ""}`, f.commands()[2])
	b.clean()
}
