package commands

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
)

const (
	someID  = "0123456789abcdef0123456789abcdef"
	otherID = "f123456789abcdef0123456789abcdef"
)

func silence(name string, end event.Time) Silence {
	m, err := NewMatcher("labels.site", "=", "Hamburg")
	if err != nil {
		panic(err)
	}
	return Silence{Kind: KindSilence, Name: name, Matchers: []Matcher{m}, Start: 1, End: end, Author: "kim"}
}

// apply puts records of key and value into a set; no value takes back.
func apply(t *testing.T, s *Set, offset int64, key, value string) {
	t.Helper()
	var v []byte
	if value != "" {
		v = []byte(value)
	}
	require.NoError(t, s.Apply(offset, []byte(key), v))
}

// What is written is read as it was, and as docs/SEMANTICS.md has it.
func TestRecords(t *testing.T) {
	ack := Ack{ID: someID, Rule: "too-warm", Whose: Whose{Device: "truck-7"}, Author: "kim", Reason: `"door" open`, At: 1_772_366_400_123}
	require.Equal(t, "ack/"+someID, ack.Key())
	require.Equal(t, `{"schema":"weir.command/1","kind":"ack","id":"`+someID+`","rule":"too-warm","device":"truck-7","author":"kim","reason":"\"door\" open","at":"2026-03-01T12:00:00.123Z"}`,
		string(ack.AppendValue(nil)))
	c, err := Parse(ack.Key(), ack.AppendValue(nil))
	require.NoError(t, err)
	require.Equal(t, Command{Kind: KindAck, Ack: ack}, c)

	s := silence("night.2026", 2_000)
	s.Kind = KindMaintenance
	require.Equal(t, "maintenance/night.2026", s.Key())
	require.Equal(t, `{"schema":"weir.command/1","kind":"maintenance","matchers":[{"name":"labels.site","op":"=","value":"Hamburg"}],"start":"1970-01-01T00:00:00.001Z","end":"1970-01-01T00:00:02.000Z","author":"kim","at":"1970-01-01T00:00:00.000Z"}`,
		string(s.AppendValue(nil)))
	c, err = Parse(s.Key(), s.AppendValue(nil))
	require.NoError(t, err)
	require.Equal(t, s.AppendValue(nil), c.Silence.AppendValue(nil))
	require.Equal(t, KindMaintenance, c.Kind)

	i := Inhibit{Rule: "no power", Level: "critical", Label: "site", Text: "Köln/2", Whose: Whose{Group: "all", By: "all"}}
	require.Equal(t, "inhibit/no%20power/site/K%C3%B6ln%2F2/all", i.Key())
	require.Equal(t, `{"schema":"weir.command/1","kind":"inhibit","rule":"no power","level":"critical","label":"site","text":"Köln/2","group":"all","by":"all"}`, string(i.AppendValue(nil)))
	c, err = Parse(i.Key(), i.AppendValue(nil))
	require.NoError(t, err)
	require.Equal(t, Command{Kind: KindInhibit, Inhibit: i}, c)
}

func TestWhatIsNoCommand(t *testing.T) {
	const head = `{"schema":"weir.command/1","kind":`
	const matchers = `"matchers":[{"name":"rule","op":"=","value":"x"}]`
	times := func(start, end string) string { return fmt.Sprintf(`,"start":%q,"end":%q}`, start, end) }
	good := times("2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z")
	for _, c := range []struct{ key, value, want string }{
		{"", `{}`, "the key must be ack/ID, silence/NAME"},
		{"ack", `{}`, "the key must be"},
		{"ack/", `{}`, "the key must be"},
		{"mute/x", `{}`, "the key must be"},
		{"silence/x", `[]`, "cannot unmarshal array"},
		{"silence/x", `{`, "unexpected end of JSON input"},
		{"silence/x", `{}`, `schema "" must be weir.command/1`},
		{"silence/x", head + `"ack"}`, `kind "ack" does not fit the key`},
		{"silence/x", head + `"silence"` + good, `matchers are missing: a silence of everything has rule =~ ".*"`},
		{"silence/x", head + `"silence"` + strings.Replace(good, `,"start"`, `,"matchers":[],"start"`, 1), `matchers are missing`},
		{"silence/x", head + `"silence",` + matchers + `}`, "start is missing"},
		{"silence/x", head + `"silence",` + matchers + times("today", "2026-03-01T12:00:00Z"), `start "today" must be a time such as`},
		{"silence/x", head + `"silence",` + matchers + times("1969-03-01T12:00:00Z", "2026-03-01T12:00:00Z"), "must not be before 1970"},
		{"silence/x", head + `"silence",` + matchers + times("2026-03-01T12:00:00Z", "2026-03-01T12:00:00.0009Z"), "end 2026-03-01T12:00:00.000Z must be later than start"},
		{"silence/a b", head + `"silence",` + matchers + good, "must be 1 to 100 letters"},
		{"silence/" + strings.Repeat("x", 101), head + `"silence",` + matchers + good, "must be 1 to 100 letters"},
		{"silence/x", head + `"silence","matchers":[{"name":"site","op":"=","value":"x"}]` + good, `matcher "site": the name must be rule, device, group, level or labels.NAME`},
		{"silence/x", head + `"silence","matchers":[{"name":"labels.","op":"=","value":"x"}]` + good, `matcher "labels."`},
		{"silence/x", head + `"silence","matchers":[{"name":"rule","op":"~","value":"x"}]` + good, `matcher rule: op "~" must be =, !=, =~ or !~`},
		{"silence/x", head + `"silence","matchers":[{"name":"rule","op":"=~","value":"a)(b"}]` + good, "unexpected )"},
		{"silence/x", head + `"silence","matchers":[` + strings.Repeat(`{"name":"rule","op":"=","value":"x"},`, 100) + `{"name":"rule","op":"=","value":"x"}]` + good, "101 matchers are too many"},
		{"silence/x", head + `"silence","reason":"` + strings.Repeat("x", MaxRecord) + `"}`, "bytes, at most 65536"},
		{"silence/" + strings.Repeat("x", MaxKey), `{}`, "the key has 8200 bytes, at most 8192"},
		{"ack/x", head + `"ack"}`, "an episode's id is 32 hexadecimal digits"},
		{"ack/" + strings.ToUpper(someID), head + `"ack"}`, "an episode's id is 32 hexadecimal digits"},
		{"ack/" + someID, head + `"ack","id":"` + otherID + `"}`, "does not fit the key"},
		{"ack/" + someID, head + `"ack","id":"` + someID + `"}`, "rule is missing"},
		{"ack/" + someID, head + `"ack","id":"` + someID + `","rule":"r"}`, "device, or group and by, is missing"},
		{"ack/" + someID, head + `"ack","id":"` + someID + `","rule":"r","group":"g"}`, "by is missing"},
		{"ack/" + someID, head + `"ack","id":"` + someID + `","rule":"r","device":"d","group":"g"}`, "device and group exclude each other"},
		{"ack/" + someID, head + `"ack","id":"` + someID + `","rule":"r","device":"d"}`, "at is missing"},
		{"inhibit/r/l/t/d", head + `"inhibit","rule":"r","level":"x","label":"l","device":"d"}`, "text is missing"},
		{"inhibit/r/l/t/e", head + `"inhibit","rule":"r","level":"x","label":"l","text":"t","device":"d"}`, `the key of what it says is "inhibit/r/l/t/d"`},
	} {
		_, err := Parse(c.key, []byte(c.value))
		require.ErrorContains(t, err, c.want, "%s %.200s", c.key, c.value)
		require.ErrorContains(t, err, fmt.Sprintf("command %.200q", c.key))
	}
}

func TestMatchers(t *testing.T) {
	alert := Subject{Rule: "too-warm", Device: "press-12", Level: "warn", Label: func(name string) string {
		return map[string]string{"site": "Hamburg"}[name]
	}}
	for text, want := range map[string]bool{
		"rule = too-warm":              true,
		"rule = warm":                  false,
		"rule != too-warm":             false,
		"device =~ press-.*":           true,
		"device =~ press":              false, // the whole text
		"device =~ a|press-1|press-12": true,  // and so all of the choice
		"device !~ press-.*":           false,
		"device !~ pump-.*":            true,
		"level = warn":                 true,
		"group = ":                     true,
		"group =~ .+":                  false,
		"labels.site = Hamburg":        true,
		"labels.city = ":               true,
		"labels.city != Hamburg":       true,
	} {
		f := strings.SplitN(text, " ", 3)
		m, err := NewMatcher(f[0], f[1], f[2])
		require.NoError(t, err)
		require.Equal(t, want, m.Fits(alert), text)
	}
	m, err := NewMatcher("labels.site", "=", "")
	require.NoError(t, err)
	require.True(t, m.Fits(Subject{}), "without labels")
	require.Equal(t, `labels.site=""`, m.String())

	s := silence("x", 10)
	level, err := NewMatcher("level", "=~", "crit.*")
	require.NoError(t, err)
	require.True(t, s.Fits(alert))
	s.Matchers = append(s.Matchers, level)
	require.False(t, s.Fits(alert), "all of them have to")
	require.False(t, s.Covers(0))
	require.True(t, s.Covers(1))
	require.True(t, s.Covers(9))
	require.False(t, s.Covers(10))
}

func TestVersions(t *testing.T) {
	var s Set
	none := s.Version()
	require.Zero(t, none.Offset())
	ack := Ack{ID: someID, Rule: "r", Whose: Whose{Device: "d"}, At: 5}
	apply(t, &s, 7, ack.Key(), string(ack.AppendValue(nil)))
	one := s.Version()
	require.Same(t, one, s.Version())
	require.Equal(t, int64(8), one.Offset())
	got, ok := one.Ack(someID)
	require.True(t, ok)
	require.Equal(t, ack, got)
	_, ok = one.Ack(otherID)
	require.False(t, ok)
	_, ok = none.Ack(someID)
	require.False(t, ok, "a version does not change")

	apply(t, &s, 8, "ack/"+otherID, "")
	require.Same(t, one, s.Version(), "nothing was there to take back")
	apply(t, &s, 9, "silence/z", string(silence1(t)))
	apply(t, &s, 10, "maintenance/z", strings.Replace(string(silence1(t)), `"silence"`, `"maintenance"`, 1))
	two := s.Version()
	require.Equal(t, int64(11), two.Offset())
	require.Equal(t, []string{"maintenance/z", "silence/z"}, keysOf(two.Silences()))
	apply(t, &s, 11, ack.Key(), "")
	apply(t, &s, 12, "silence/z", "")
	require.Equal(t, []string{"maintenance/z"}, keysOf(s.Version().Silences()))
	require.Empty(t, s.Version().Acks())
	require.Len(t, two.Acks(), 1)
	require.Len(t, two.Silences(), 2)

	require.Error(t, s.Apply(13, []byte("silence/q"), []byte("{}")))
	require.Equal(t, int64(13), s.Offset(), "what is no command has no effect")
	require.Error(t, s.Apply(14, []byte("maintenance/z"), []byte("{}")))
	require.Empty(t, s.Version().Silences(), "but what stood under its key will be gone after compaction, so it is now")
	require.Equal(t, int64(15), s.Offset())
}

func silence1(t *testing.T) []byte {
	t.Helper()
	s := silence("z", 10)
	return s.AppendValue(nil)
}

func keysOf(list []Silence) (keys []string) {
	for i := range list {
		keys = append(keys, list[i].Key())
	}
	return keys
}

func TestInhibits(t *testing.T) {
	var s Set
	offset := int64(0)
	put := func(i Inhibit) {
		apply(t, &s, offset, i.Key(), string(i.AppendValue(nil)))
		offset++
	}
	a := Inhibit{Rule: "power", Level: "warn", Label: "site", Text: "Hamburg", Whose: Whose{Device: "a"}}
	put(a)
	put(Inhibit{Rule: "power", Level: "critical", Label: "site", Text: "Hamburg", Whose: Whose{Device: "b"}})
	put(Inhibit{Rule: "power", Level: "critical", Label: "site", Text: "Hamburg-2", Whose: Whose{Device: "c"}})
	put(Inhibit{Rule: "other", Level: "critical", Label: "site", Text: "Hamburg", Whose: Whose{Device: "d"}})
	v := s.Version()
	require.Len(t, v.Sources("power", "site", "Hamburg"), 2)
	require.Len(t, v.Inhibitors(), 4)
	require.Empty(t, v.Sources("power", "city", "Hamburg"))
	require.Empty(t, v.Sources("zzz", "site", "Hamburg"))
	require.Empty(t, new(Version).Sources("power", "site", "Hamburg"))
	critical := func(level string) bool { return level == "critical" }
	ask := Inhibition{Rule: "power", Label: "site", Text: "Hamburg", Target: Whose{Device: "b"}, TargetRule: "power", Counts: critical}
	require.False(t, v.Inhibits(ask), "not by itself, and a only warns")
	ask.Counts = nil
	require.True(t, v.Inhibits(ask))
	ask.Counts, ask.TargetRule = critical, "warm"
	require.True(t, v.Inhibits(ask), "another rule of the same device")
	require.Zero(t, testing.AllocsPerRun(100, func() { v.Inhibits(ask) }))
	require.Zero(t, testing.AllocsPerRun(100, func() { v.Ack(someID) }))
}

func TestTooManySilences(t *testing.T) {
	var s Set
	for i := range MaxSilences + 1 {
		one := silence(fmt.Sprintf("s%05d", MaxSilences-i), 10)
		require.NoError(t, s.Apply(int64(i), []byte(one.Key()), one.AppendValue(nil)))
	}
	list := s.Version().Silences()
	require.Len(t, list, MaxSilences)
	require.Equal(t, "s00000", list[0].Name, "the least keys, in whatever order they came")
}

// Whatever records come: compaction before reading changes nothing but the offset, and
// versions given out stay as they were.
func TestCompactionChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := map[string][]string{}
		for _, name := range []string{"a", "b"} {
			one := silence(name, 10)
			two := silence(name, 20)
			values[one.Key()] = []string{string(one.AppendValue(nil)), string(two.AppendValue(nil)), "", "{}"}
		}
		for _, id := range []string{someID, otherID} {
			a := Ack{ID: id, Rule: "r", Whose: Whose{Device: "d"}, At: 5}
			values[a.Key()] = []string{string(a.AppendValue(nil)), "", "nonsense"}
		}
		for _, device := range []string{"x", "y"} {
			i := Inhibit{Rule: "r", Level: "l", Label: "s", Text: "t", Whose: Whose{Device: device}}
			values[i.Key()] = []string{string(i.AppendValue(nil)), ""}
		}
		keys := slices.Sorted(maps.Keys(values))
		type entry struct{ key, value string }
		var log []entry
		for range rapid.IntRange(0, 30).Draw(t, "records") {
			key := rapid.SampledFrom(keys).Draw(t, "key")
			log = append(log, entry{key, rapid.SampledFrom(values[key]).Draw(t, "value")})
		}
		feed := func(s *Set, offset int, e entry) {
			var value []byte
			if e.value != "" {
				value = []byte(e.value)
			}
			_ = s.Apply(int64(offset), []byte(e.key), value)
		}
		text := func(v *Version) string { return fmt.Sprint(v.acks, keysOf(v.silences), v.silences, v.inhibits) }
		var whole Set
		var versions []*Version
		var texts []string
		for i, e := range log {
			feed(&whole, i, e)
			versions = append(versions, whole.Version())
			texts = append(texts, text(whole.Version()))
		}
		for i, v := range versions {
			require.Equal(t, texts[i], text(v))
		}
		var compacted Set
		for i, e := range log {
			if !slices.ContainsFunc(log[i+1:], func(later entry) bool { return later.key == e.key }) {
				feed(&compacted, i, e)
			}
		}
		require.Equal(t, text(whole.Version()), text(compacted.Version()))
	})
}

// Whatever Parse takes it writes so that it takes it again as the same.
func FuzzParse(f *testing.F) {
	ack := Ack{ID: someID, Rule: "r", Whose: Whose{Device: "d"}, At: 5}
	s := silence("x", 10)
	i := Inhibit{Rule: "r", Level: "l", Label: "s", Text: "t", Whose: Whose{Device: "ö/"}}
	f.Add(ack.Key(), ack.AppendValue(nil))
	f.Add(s.Key(), s.AppendValue(nil))
	f.Add(i.Key(), i.AppendValue(nil))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		c, err := Parse(key, value)
		if err != nil {
			return
		}
		write := func(c *Command) (string, []byte) {
			switch c.Kind {
			case KindAck:
				return c.Ack.Key(), c.Ack.AppendValue(nil)
			case KindInhibit:
				return c.Inhibit.Key(), c.Inhibit.AppendValue(nil)
			default:
				return c.Silence.Key(), c.Silence.AppendValue(nil)
			}
		}
		again, text := write(&c)
		require.Equal(t, key, again)
		if len(text) > MaxRecord {
			return
		}
		c, err = Parse(again, text)
		require.NoError(t, err)
		_, same := write(&c)
		require.Equal(t, string(text), string(same))
	})
}
