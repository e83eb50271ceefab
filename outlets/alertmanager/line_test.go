package alertmanager

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/outlets"
)

// script is a partition of alerts, told in short, against a double. It has to run in a bubble: all times are virtual.
type script struct {
	t      *testing.T
	d      *double
	m      *Alertmanager
	line   *line
	offset int64
	seq    numbers
}

func newScript(t *testing.T, o Options) *script {
	t.Helper()
	o.URL = "http://alertmanager.example"
	m, err := New(o)
	require.NoError(t, err)
	d := newDouble()
	m.client.Transport = d
	return &script{t: t, d: d, m: m, line: newLine(m)}
}

// alert makes a record: "truck-7 firing warning".
func (s *script) alert(text string) *outlets.Alert {
	s.t.Helper()
	words := strings.Fields(text)
	require.Len(s.t, words, 3, text)
	device, status, level := words[0], words[1], words[2]
	s.offset++
	s.seq.devices++
	now := time.Now()
	a := &outlets.Alert{
		Offset: s.offset, Seq: s.seq.devices, ID: device, Pipeline: "p", Rule: "hot", Device: device, Status: status, Level: level,
		At: now.Add(-time.Second), StartsAt: now.Add(-time.Hour),
		Labels:      map[string]string{"alertname": "hot", "device": device, "pipeline": "p", "severity": level},
		Annotations: map[string]string{"summary": device + " is hot"},
	}
	if status == "resolved" {
		a.EndsAt = a.At
	}
	return a
}

// groupAlert makes a record of a window over several devices, which has numbers of its own: "north firing warning".
func (s *script) groupAlert(text string) *outlets.Alert {
	s.t.Helper()
	a := s.alert(text)
	s.seq.devices--
	s.seq.groups++
	a.Seq, a.Group, a.By, a.Device, a.Rule = s.seq.groups, a.Device, "labels.site", "", "fleet"
	a.Labels = map[string]string{"alertname": "fleet", "group": a.Group, "pipeline": "p", "severity": a.Level}
	return a
}

func (s *script) deliver(texts ...string) {
	s.t.Helper()
	var batch []*outlets.Alert
	for _, text := range texts {
		batch = append(batch, s.alert(text))
	}
	s.deliverAll(batch)
}

func (s *script) deliverAll(batch []*outlets.Alert) outlets.Result {
	s.t.Helper()
	r, err := s.line.Deliver(s.t.Context(), batch)
	require.NoError(s.t, err)
	require.Equal(s.t, len(batch), r.Done)
	return r
}

// repeat says what is due, once, and reports whether anything was.
func (s *script) repeat() bool {
	s.t.Helper()
	at, ok := s.line.Due()
	if !ok || at.After(time.Now()) {
		return false
	}
	_, err := s.line.Repeat(s.t.Context())
	require.NoError(s.t, err)
	return true
}

func (s *script) firing() []string { return s.d.firing(time.Now()) }

func (s *script) wait(d time.Duration) {
	timer := time.NewTimer(d) // virtual
	<-timer.C
}

func TestAFiringAlertIsSentAgainUntilItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t, Options{})
		s.deliver("a pending warning", "a firing warning")
		require.Len(t, s.d.posts, 1)
		a := s.d.posts[0][0]
		assert.Equal(t, map[string]string{"alertname": "hot", "device": "a", "pipeline": "p", "severity": "warning"}, a.Labels)
		assert.Equal(t, map[string]string{"summary": "a is hot", "description": "a is hot"}, a.Annotations)
		assert.Equal(t, time.Now().Add(-time.Hour).UTC(), a.StartsAt)
		assert.Equal(t, time.Now().Add(3*time.Minute).UTC(), a.EndsAt)
		for range 100 {
			s.wait(time.Minute)
			require.True(t, s.repeat())
			require.False(t, s.repeat())
			require.Equal(t, []string{"a warning"}, s.firing())
		}
		require.Len(t, s.d.posts, 101)

		s.deliver("a resolved warning")
		require.Empty(t, s.firing())
		last := s.d.posts[101][0]
		assert.Equal(t, time.Now().Add(-time.Second).UTC(), last.EndsAt)
		for range 3 {
			s.wait(time.Minute)
			require.True(t, s.repeat())
			require.Equal(t, last, s.d.posts[len(s.d.posts)-1][0], "the end is said again as it was")
		}
		_, due := s.line.Due()
		assert.False(t, due)
		assert.Empty(t, s.line.said)
	})
}

func TestAChangeOfLevelEndsTheOldAlertInTheSameRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t, Options{})
		s.deliver("a firing warning")
		s.wait(10 * time.Second)
		s.deliver("a firing critical")
		require.Len(t, s.d.posts, 2)
		require.Len(t, s.d.posts[1], 2)
		assert.Equal(t, "warning", s.d.posts[1][0].Labels["severity"])
		assert.Equal(t, time.Now().Add(-time.Second).UTC(), s.d.posts[1][0].EndsAt)
		require.Equal(t, []string{"a critical"}, s.firing())
		// Back again: what was ended of "warning" is not said any more.
		s.deliver("a firing warning")
		for range 5 {
			s.wait(time.Minute)
			s.repeat()
			require.Equal(t, []string{"a warning"}, s.firing())
		}
		s.deliver("a resolved warning")
		require.Empty(t, s.firing())
	})
}

// The end goes to the labels that fired, also when the roster has changed since.
func TestAnEndHasTheLabelsThatFired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t, Options{})
		began := s.alert("a firing warning")
		began.Labels["site"] = "north"
		s.deliverAll([]*outlets.Alert{began})
		end := s.alert("a resolved warning")
		end.Labels["site"] = "south"
		s.deliverAll([]*outlets.Alert{end})
		require.Empty(t, s.firing())
		require.Equal(t, "north", s.d.posts[1][0].Labels["site"])
	})
}

// Alertmanager takes an end that is still to come for no end, and refuses what ends before it starts.
func TestDeviceClocksAheadOfTheMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t, Options{})
		began := s.alert("a firing warning")
		began.StartsAt = time.Now().Add(2 * time.Hour)
		require.Zero(t, s.deliverAll([]*outlets.Alert{began}).Refused)
		require.Equal(t, []string{"a warning"}, s.firing())
		end := s.alert("a resolved warning")
		end.EndsAt = time.Now().Add(3 * time.Hour)
		require.Zero(t, s.deliverAll([]*outlets.Alert{end}).Refused)
		require.Empty(t, s.firing())
	})
}

func TestAtMostAHundredAlertsInARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t, Options{})
		var texts []string
		for i := range 250 {
			texts = append(texts, fmt.Sprintf("d%03d firing warning", i))
		}
		s.deliver(texts...)
		require.Len(t, s.firing(), 250)
		s.wait(time.Minute)
		require.True(t, s.repeat())
		require.Len(t, s.d.posts, 6)
		for _, post := range s.d.posts {
			require.LessOrEqual(t, len(post), 100)
		}
	})
}

// One request never holds two statements of one alert, and they stay in order.
func TestAnAlertThatComesAndGoesArrivesAsBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t, Options{})
		s.deliver("a firing warning", "b firing warning", "a resolved warning", "a firing warning", "b resolved warning")
		require.Equal(t, []string{"a warning"}, s.firing())
		require.Len(t, s.d.posts, 3)
	})
}

func TestPoisonIsLeftOutAndBlocksNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t, Options{})
		var batch []*outlets.Alert
		for i := range 50 {
			a := s.alert(fmt.Sprintf("d%02d firing warning", i))
			if i == 17 {
				a.Labels["poison"] = "yes"
			}
			batch = append(batch, a)
		}
		r := s.deliverAll(batch)
		require.Equal(t, 1, r.Refused)
		require.Len(t, s.firing(), 49)
		seen := s.d.seen
		s.wait(time.Minute)
		require.True(t, s.repeat())
		require.Equal(t, seen+1, s.d.seen, "what was refused is not sent again")
		require.Len(t, s.firing(), 49)
	})
}

// What may pass is no refusal: neither a dead receiver nor a wrong password throws alerts away.
func TestTroubleIsTriedAgain(t *testing.T) {
	for _, status := range []int{301, 401, 403, 404, 429, 500, 503} {
		synctest.Test(t, func(t *testing.T) {
			s := newScript(t, Options{Username: "weir", Password: "secret"})
			s.d.answer(status)
			batch := []*outlets.Alert{s.alert("a firing warning"), s.alert("a resolved warning"), s.alert("b firing critical")}
			r, err := s.line.Deliver(t.Context(), batch)
			require.Error(t, err, status)
			require.Zero(t, r)
			s.d.answer(0)
			s.deliverAll(batch)
			require.Equal(t, []string{"b critical"}, s.firing())
			assert.Equal(t, "Basic d2VpcjpzZWNyZXQ=", s.d.header.Get("Authorization"))
			s.wait(time.Minute)
			s.d.answer(status)
			_, err = s.line.Repeat(t.Context())
			require.Error(t, err)
			s.wait(time.Hour)
			require.Empty(t, s.firing(), "what nobody repeats ends by itself")
			s.d.answer(0)
			require.True(t, s.repeat())
			require.Equal(t, []string{"b critical"}, s.firing())
		})
	}
}

// An alert that nobody will end is ended here.

// The numbers of a partition begin anew with its state.
func TestAlertsOfAStateThatWasDroppedAreEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t, Options{})
		s.deliver("a firing warning", "b firing warning", "c firing warning")
		again := s.alert("c2 firing warning")
		again.Seq, again.Device, again.Labels["device"] = 1, "c", "c"
		s.deliverAll([]*outlets.Alert{again})
		require.Equal(t, []string{"c warning"}, s.firing())
		for range 5 {
			s.wait(time.Minute)
			s.repeat()
			require.Equal(t, []string{"c warning"}, s.firing())
		}
	})
}

// Devices and groups are numbered apart in one partition: neither begins anew because the other is behind it.
func TestAlertsOfGroupsAreNumberedApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t, Options{})
		s.deliver("a firing warning", "b firing warning", "c firing warning")
		s.deliverAll([]*outlets.Alert{s.groupAlert("north firing warning"), s.alert("d firing warning"), s.groupAlert("south firing warning")})
		all := []string{"a warning", "b warning", "c warning", "d warning", "north warning", "south warning"}
		require.Equal(t, all, s.firing())

		s.line = newLine(s.m)
		s.offset, s.seq = 0, numbers{}
		for _, text := range []string{"a", "b", "c"} {
			s.line.Recall(s.alert(text + " firing warning"))
		}
		s.line.Recall(s.groupAlert("north firing warning"))
		s.line.Recall(s.alert("d firing warning"))
		s.line.Recall(s.groupAlert("south firing warning"))
		s.line.Recalled()
		s.repeat()
		require.Equal(t, all, s.firing())

		// The state of groups begins anew: theirs are ended, those of devices are not.
		s.seq.groups = 0
		s.deliverAll([]*outlets.Alert{s.groupAlert("west firing warning")})
		require.Equal(t, []string{"a warning", "b warning", "c warning", "d warning", "west warning"}, s.firing())
	})
}

func TestTheBearerTokenAndTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t, Options{Token: "abc", GeneratorURL: "http://grafana/d?device={{device}}&rule={{rule}}"})
		a := s.alert("a firing warning")
		a.Device = "a&b c"
		s.deliverAll([]*outlets.Alert{a})
		assert.Equal(t, "Bearer abc", s.d.header.Get("Authorization"))
		assert.Equal(t, "http://grafana/d?device=a%26b+c&rule=hot", s.d.posts[0][0].GeneratorURL)
		s.deliverAll([]*outlets.Alert{s.groupAlert("north firing warning")})
		assert.Equal(t, "http://grafana/d?device=north&rule=fleet", s.d.posts[1][0].GeneratorURL)
	})
}

func TestLabelNames(t *testing.T) {
	assert.Equal(t,
		map[string]string{"site": "n", "Serial_No_": "1", "Serial_No__": "2", "_9lives": "3", "stra_e": "4"},
		labelsOf(map[string]string{"site": "n", "Serial No.": "1", "Serial No:": "2", "9lives": "3", "straße": "4", "none": ""}))
	assert.NotEqual(t, keyOf(map[string]string{"a": "b", "c": "d"}), keyOf(map[string]string{"a": `b","c":"d`}))
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{{}, {URL: "localhost:9093"}, {URL: "ftp://x"}, {URL: "http://x?y"}, {URL: "http://x", Resend: 1}, {URL: "http://x", GeneratorURL: "{{x}}"}} {
		_, err := New(o)
		assert.Error(t, err, o)
	}
	m, err := New(Options{URL: "https://x/prefix/"})
	require.NoError(t, err)
	assert.Equal(t, "https://x/prefix/api/v2/alerts", m.target)
}

// For Alertmanager a suppressed alert has ended: what fired is ended, and nothing is sent
// until it is not suppressed any more, or of its end.
func TestWhatIsSuppressedIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t, Options{})
		suppressed := func(text string) {
			a := s.alert(text)
			a.SuppressedBy = []string{"silence/x"}
			s.deliverAll([]*outlets.Alert{a})
		}
		suppressed("truck-7 firing warning")
		suppressed("truck-7 resolved warning")
		assert.Empty(t, s.d.posts)
		s.deliver("truck-8 firing warning")
		assert.Equal(t, []string{"truck-8 warning"}, s.firing())
		suppressed("truck-8 firing warning")
		assert.Empty(t, s.firing())
		suppressed("truck-8 firing critical")
		assert.Empty(t, s.firing())
		s.deliver("truck-8 firing critical")
		assert.Equal(t, []string{"truck-8 critical"}, s.firing())
		suppressed("truck-8 resolved critical")
		assert.Empty(t, s.firing())
	})
}
