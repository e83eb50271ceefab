package architecture

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// house makes a module of files, given as "name\ntext" each.
func house(t *testing.T, files ...string) *module {
	t.Helper()
	tree := fstest.MapFS{"go.mod": {Data: []byte("module example.com/house\n\ngo 1.26\n")}}
	for _, file := range files {
		name, text, _ := strings.Cut(file, "\n")
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	m, err := parse(tree)
	require.NoError(t, err)
	return m
}

// places are "file:line: rule: what" of all findings; that each says what to do
// instead is checked on the way.
func places(t *testing.T, files ...string) []string {
	t.Helper()
	all := []string{}
	for _, f := range check(house(t, files...)) {
		require.NotEmpty(t, f.instead, f.what)
		place, _, _ := strings.Cut(f.String(), "; ")
		all = append(all, place)
	}
	return all
}

func TestFindingsReadWell(t *testing.T) {
	all := check(house(t, "alerts/a.go\n// Package alerts is here.\npackage alerts\n\nimport \"time\"\n\nfunc f() time.Time { return time.Now() }\n"))
	require.Len(t, all, 1)
	require.Equal(t, "alerts/a.go:6: purity: time.Now; take the time as an argument (event.Time); wall time enters a task only as Advance", all[0].String())
}

// TestTable imports one package of every kind from one of every kind.
func TestTable(t *testing.T) {
	folders := []string{
		"event", "operators", "operators/aggregate", "operators/window", "alerts", "statestore", "configs",
		"statestore/badgerstore", "ingest", "ingest/codec", "ingest/mqtt", "ingest/kafka",
		"engine/task", "engine", "internal/fleet", "alerts/commands",
	}
	want := map[string]string{ // x: may be imported, in the order of folders
		"event":                  ". . . . . . . . . . . . . . . .",
		"operators":              "x . . . . . . . . . . . . . . .",
		"operators/aggregate":    "x . . . . . . . . . . . . . . .",
		"operators/window":       "x . x . . . . . . . . . . . . .",
		"operators/expr":         "x . . . . . . . . . . . . . . .",
		"alerts":                 "x . . . . . . . . . . . . . . .",
		"alerts/commands":        "x . . . . . . . . . . . . . . .",
		"statestore":             "x . . . . . . . . . . . . . . .",
		"configs":                "x . x . . . . . . . . . . . . .",
		"statestore/badgerstore": "x . . . . x . . . . . . . . . .",
		"ingest":                 "x . . . . . . . . . . . . . . .",
		"ingest/codec":           "x . . . . . . . x . . . . . . .",
		"ingest/mqtt":            "x . . . . . . . x . . . . . . .",
		"ingest/kafka":           "x . . . . . . . x . . . . . . .",
		"engine/task":            "x x x x x x x . . x . . . . . x",
		"engine":                 "x x x x x x x . x x . . x x . x",
		"cmd/weir":               "x x x x x x x x x x x x x x x x",
		"internal/simulation":    "x x x x x x x x x x x x x x x x",
		"bench":                  "x x x x x x x x x x x x x x x x",
	}
	for from, row := range want {
		for i, allowed := range strings.Fields(row) {
			if folders[i] == from {
				continue
			}
			name := from[strings.LastIndex(from, "/")+1:]
			got := places(t, from+"/a.go\n// Package "+name+" is here.\npackage "+name+"\n\nimport _ \"example.com/house/"+folders[i]+"\"\n")
			if allowed == "x" {
				require.Empty(t, got, "%s may import %s", from, folders[i])
				continue
			}
			require.Equal(t, []string{from + "/a.go:4: table: " + from + " imports " + folders[i]}, got)
		}
	}
}

func TestInsteadFitsTheLayer(t *testing.T) {
	for from, want := range map[string]string{
		"event":  "event imports nothing of ours: move what needs both to a higher layer",
		"alerts": "allowed are event: declare a small interface here, or join the two in a higher layer",
		"engine": "declare the interface it needs here and let cmd/weir pass the adapter in",
	} {
		all := check(house(t, from+"/a.go\n// Package "+from+" is here.\npackage "+from+"\n\nimport _ \"example.com/house/statestore/badgerstore\"\n"))
		require.Len(t, all, 1)
		require.Contains(t, all[0].instead, want)
	}
	all := check(house(t, "engine/a.go\n// Package engine is here.\npackage engine\n\nimport _ \"example.com/house/internal/fleet\"\n"))
	require.Len(t, all, 1)
	require.Contains(t, all[0].instead, "internal/... serves cmd, bench and tests only")
}

// broken is a source, its folder's package clause left out, and what is found in it.
type broken struct {
	folder string
	source string // from line 3 on
	want   []string
}

func TestEachRuleIsSeenRed(t *testing.T) {
	for _, c := range []broken{
		// table
		{"tools", ``, []string{"2: table: package tools has no place in the house"}},

		// imports
		{"engine", `import _ "testing"`, []string{"3: imports: engine imports testing, which belongs to tests"}},
		{"internal/fleet", `import _ "testing/iotest"`, []string{"3: imports: internal/fleet imports testing/iotest, which belongs to tests"}},
		{"bench", `import _ "github.com/stretchr/testify/require"`, []string{"3: imports: bench imports github.com/stretchr/testify/require, which belongs to tests"}},
		{"cmd/weir", `import _ "pgregory.net/rapid"`, []string{"3: imports: cmd/weir imports pgregory.net/rapid, which belongs to tests"}},
		{"engine", `import _ "github.com/dgraph-io/badger/v4"`, []string{"3: imports: engine imports github.com/dgraph-io/badger/v4, which belongs to statestore/badgerstore"}},
		{"ingest/kafka", `import _ "github.com/eclipse/paho.mqtt.golang"`, []string{"3: imports: ingest/kafka imports github.com/eclipse/paho.mqtt.golang, which belongs to ingest/mqtt, outlets/mqtt"}},
		{"engine", `import _ "github.com/spf13/cobra"`, []string{"3: imports: engine imports github.com/spf13/cobra, which belongs to cmd"}},
		{"engine", `import _ "github.com/mochi-mqtt/server/v2"`, []string{"3: imports: engine imports github.com/mochi-mqtt/server/v2, which belongs to internal"}},

		// purity: imports
		{"event", `import _ "os"`, []string{"3: purity: import of os"}},
		{"event", `import _ "os/exec"`, []string{"3: purity: import of os/exec"}},
		{"operators", `import _ "net"`, []string{"3: purity: import of net"}},
		{"operators/window", `import _ "net/http"`, []string{"3: purity: import of net/http"}},
		{"operators/aggregate", `import _ "sync"`, []string{"3: purity: import of sync"}},
		{"alerts", `import _ "sync/atomic"`, []string{"3: purity: import of sync/atomic"}},
		{"statestore", `import _ "context"`, []string{"3: purity: import of context"}},
		{"configs", `import _ "log"`, []string{"3: purity: import of log"}},
		{"configs/examples", `import _ "log/slog"`, []string{"3: purity: import of log/slog"}},
		{"ingest/codec", `import _ "math/rand"`, []string{"3: purity: import of math/rand"}},
		{"engine/task", `import _ "math/rand/v2"`, []string{"3: purity: import of math/rand/v2"}},
		{"engine/task", `import _ "crypto/rand"`, []string{"3: purity: import of crypto/rand"}},
		{"engine/task", `import _ "hash/maphash"`, []string{"3: purity: import of hash/maphash"}},
		{"engine/task", `import _ "runtime"`, []string{"3: purity: import of runtime"}},
		{"engine/task", `import _ "syscall"`, []string{"3: purity: import of syscall"}},
		{"engine/task", `import _ "golang.org/x/sync/errgroup"`, []string{"3: purity: import of golang.org/x/sync/errgroup"}},
		{"engine/task", `import _ "github.com/twmb/franz-go/pkg/kgo"`, []string{"3: purity: import of github.com/twmb/franz-go/pkg/kgo"}},
		{"engine/task", `import _ "github.com/prometheus/client_golang/prometheus"`, []string{"3: purity: import of github.com/prometheus/client_golang/prometheus"}},
		{"statestore", `import _ "github.com/dgraph-io/badger/v4"`, []string{
			"3: imports: statestore imports github.com/dgraph-io/badger/v4, which belongs to statestore/badgerstore",
			"3: purity: import of github.com/dgraph-io/badger/v4"}},
		{"alerts", `import _ "github.com/eclipse/paho.mqtt.golang"`, []string{
			"3: imports: alerts imports github.com/eclipse/paho.mqtt.golang, which belongs to ingest/mqtt, outlets/mqtt",
			"3: purity: import of github.com/eclipse/paho.mqtt.golang"}},
		{"alerts", `import . "time"`, []string{"3: purity: dot import of time"}},

		// purity: clocks, the machine's zone, the terminal
		{"alerts", "import \"time\"\n\nfunc f(t time.Time) (a, b time.Duration) { return time.Since(t), time.Until(t) }", []string{"5: purity: time.Since", "5: purity: time.Until"}},
		{"alerts", "import clock \"time\"\n\nfunc f() int64 {\n\tnow := clock.Now\n\treturn now().Unix()\n}", []string{"6: purity: time.Now"}},
		{"alerts", "import \"time\"\n\nfunc f() {\n\ttime.Sleep(1)\n\ttime.AfterFunc(1, nil)\n\t_ = time.After\n\t_ = time.Tick\n\t_ = time.NewTimer\n\t_ = time.NewTicker\n}", []string{
			"6: purity: time.Sleep", "7: purity: time.AfterFunc", "8: purity: time.After", "9: purity: time.Tick", "10: purity: time.NewTimer", "11: purity: time.NewTicker"}},
		{"alerts", "import \"time\"\n\ntype t struct { a *time.Timer; b time.Ticker }", []string{"5: purity: time.Timer", "5: purity: time.Ticker"}},
		{"alerts", "import \"time\"\n\nfunc f(t time.Time) time.Time { return t.In(time.Local) }", []string{"5: purity: time.Local"}},
		{"alerts", "import \"time\"\n\nfunc f() string { return time.UnixMilli(5).Format(time.RFC3339) }", []string{"5: purity: time.UnixMilli in the machine's zone"}},
		{"alerts", "import \"time\"\n\nfunc f() time.Time { return time.Unix(5, 0) }", []string{"5: purity: time.Unix in the machine's zone"}},
		{"alerts", "import \"fmt\"\n\nfunc f() { fmt.Println(1) }", []string{"5: purity: fmt.Println"}},
		{"alerts", "func f() { println(1) }", []string{"3: purity: builtin println"}},

		// purity: goroutines and channels
		{"alerts", "func f() { go f() }", []string{"3: purity: go statement"}},
		{"alerts", "type c <-chan int", []string{"3: purity: channel type"}},
		{"alerts", "func f() { select {} }", []string{"3: purity: select statement"}},
		{"alerts", "func f(c chan int) {\n\tc <- 1\n\t<-c\n\tfor range c {\n\t}\n}", []string{
			"3: purity: channel type", "4: purity: send to a channel", "5: purity: receive from a channel", "6: purity: receive from a channel"}},

		// order
		{"alerts", "func f(m map[string]int) {\n\tfor range m {\n\t}\n}", []string{"4: order: range over a map"}},
		{"alerts", "type set map[int]bool\n\ntype s struct{ in set }\n\nfunc (s *s) f() {\n\tfor range s.in {\n\t}\n}", []string{"8: order: range over a map"}},
		{"alerts", "func g() map[int]int { return nil }\n\nfunc f() {\n\tfor range g() {\n\t}\n}", []string{"6: order: range over a map"}},
		{"alerts", "import \"net/url\"\n\nfunc f(v url.Values) {\n\tfor range v {\n\t}\n}", []string{"6: order: range over a map"}},
		{"alerts", "func f[M ~map[K]int, K comparable](m M) {\n\tfor range m {\n\t}\n}", []string{"4: order: range over a map"}},
		{"alerts", "type maps interface{ map[int]int }\n\nfunc f[M maps](m M) {\n\tfor range m {\n\t}\n}", []string{"6: order: range over a map"}},
		{"alerts", "// unordered:\nfunc f(m map[string]int) {\n\tfor range m { // unordered:\n\t}\n}", []string{"5: order: range over a map"}},
		{"alerts", "// unordered: too far away\n\nfunc f(m map[string]int) {\n\tfor range m {\n\t}\n}", []string{"6: order: range over a map"}},
		{"alerts", "import \"maps\"\n\nfunc f(m map[string]int) {\n\tfor range maps.Keys(m) {\n\t}\n\tfor range maps.Values(m) {\n\t}\n\tfor range maps.All(m) {\n\t}\n}", []string{
			"6: order: maps.Keys", "8: order: maps.Values", "10: order: maps.All"}},
		{"alerts", "import (\n\t\"maps\"\n\t\"slices\"\n)\n\nfunc f(m map[string]int) []string { return slices.Collect(maps.Keys(m)) }", []string{"8: order: maps.Keys"}},
		{"alerts", "import \"nowhere.example/what\"\n\nfunc f() {\n\tfor range what.Is() {\n\t}\n}", []string{"6: order: range over something of unknown type"}},

		// variables
		{"alerts", "var count int", []string{"3: variables: package-level variable count"}},
		{"statestore/badgerstore", "var a, _ = 1, 2", []string{"3: variables: package-level variable a"}},
		{"ingest/mqtt", "var (\n\t// table:\n\tnames = []string{}\n)", []string{"5: variables: package-level variable names"}},
		{"alerts", "var ErrCount = 5", []string{"3: variables: package-level variable ErrCount"}},
		{"alerts", "var ErrMade = f()\n\nfunc f() int { return 1 }", []string{"3: variables: package-level variable ErrMade"}},
		{"alerts", "import \"errors\"\n\nvar Gone = errors.New(\"gone\")", []string{"5: variables: package-level variable Gone"}},
		{"alerts", "import \"strings\"\n\nvar errText = strings.Clone(\"gone\")", []string{"5: variables: package-level variable errText"}},
		{"alerts", "var ErrNone int", []string{"3: variables: package-level variable ErrNone"}},
	} {
		name := c.folder[strings.LastIndex(c.folder, "/")+1:]
		var want []string
		for _, w := range c.want {
			want = append(want, c.folder+"/a.go:"+w)
		}
		got := places(t, c.folder+"/a.go\n// Package "+name+" is here.\npackage "+name+"\n"+c.source+"\n")
		require.Equal(t, want, got, c.source)
	}
}

func TestDocuments(t *testing.T) {
	require.Equal(t, []string{"alerts/a.go:2: documents: package alerts does not say what it is for"},
		places(t, "alerts/a.go\n\npackage alerts\n"))
	require.Equal(t, []string{"alerts/a.go:1: documents: the comment of package alerts does not begin with its name"},
		places(t, "alerts/a.go\n// This is alerts.\npackage alerts\n"))
	require.Equal(t, []string{"alerts/a.go:3: documents: package alerts does not say what it is for"},
		places(t, "alerts/a.go\n// Package alerts is too far away.\n\npackage alerts\n"))
	require.Equal(t, []string{"cmd/weir/main.go:1: documents: package main does not say what it is for"},
		places(t, "cmd/weir/main.go\npackage main\n"))
	require.Empty(t, places(t, "cmd/weir/main.go\n// Weir does it.\npackage main\n"))
	require.Empty(t, places(t, "alerts/a.go\npackage alerts\n", "alerts/doc.go\n// Package alerts is here.\npackage alerts\n"))
}

// What looks like a breach and is none.
func TestHonestSourcesPass(t *testing.T) {
	for _, source := range []string{
		"import (\n\t\"net/url\"\n\t\"time\"\n)\n\nfunc f(u url.URL) (time.Duration, string) { return time.Second, time.UnixMilli(5).UTC().Format(time.RFC3339) }",
		"type clock struct{ Now int }\n\nfunc f(time clock) int { return time.Now }",
		"func f(s []int, a [3]int, text string, n int, seq func(func(int) bool)) {\n\tfor range s {\n\t}\n\tfor range a {\n\t}\n\tfor range text {\n\t}\n\tfor range n {\n\t}\n\tfor range seq {\n\t}\n}",
		"func f(m map[string]int) (sum int) {\n\t// unordered: addition of integers commutes\n\tfor _, n := range m {\n\t\tsum += n\n\t}\n\tfor k := range m { // unordered: every key goes\n\t\tdelete(m, k)\n\t}\n\treturn sum\n}",
		"import (\n\t\"maps\"\n\t\"slices\"\n)\n\nfunc f(m map[string]int) []string { return slices.Sorted(maps.Keys(m)) }",
		"import (\n\t\"cmp\"\n\t\"maps\"\n\t\"slices\"\n)\n\nfunc f(m map[string]int) []string { return slices.SortedFunc[string](maps.Keys(m), cmp.Compare) }",
		"func f[S ~[]int](s S) {\n\tfor range s {\n\t}\n}",
		"import (\n\t\"slices\"\n\t\"strings\"\n)\n\nfunc f(s []int) {\n\tfor range slices.Values(s) {\n\t}\n\tfor range strings.SplitSeq(\"a b\", \" \") {\n\t}\n}",
		"func println(string) {}\n\nfunc f() { println(\"\") }",
		"import (\n\t\"errors\"\n\t\"fmt\"\n)\n\nvar ErrGone = errors.New(\"gone\")\n\nvar errAway = fmt.Errorf(\"away: %w\", ErrGone)\n\nvar ErrLate error = ErrGone\n\nvar _ fmt.Stringer = nil",
		"// table: powers of ten\nvar powers = [...]int{1, 10}\n\nvar tens = [...]int{10} // table: ten\n\n// The names.\n//\n// table: what they are\nvar (\n\ta = \"a\"\n\tb = \"b\"\n)",
		"import _ \"embed\"\n\n//go:embed schema.json\nvar schema []byte",
	} {
		require.Empty(t, places(t, "alerts/a.go\n// Package alerts is here.\npackage alerts\n"+source+"\n"), source)
	}
	// Shells may do all that the fold may not.
	require.Empty(t, places(t, "engine/a.go\n// Package engine is here.\npackage engine\n\nimport (\n\t\"os\"\n\t\"sync\"\n\t\"time\"\n)\n\nvar mu sync.Mutex\n\nfunc f(m map[int]int) {\n\tgo f(m)\n\tfor range m {\n\t}\n\tos.Exit(time.Now().Day())\n}\n"))
	require.Empty(t, places(t, "statestore/badgerstore/a.go\n// Package badgerstore is here.\npackage badgerstore\n\nimport _ \"github.com/dgraph-io/badger/v4\"\n"))
}

// A type from another package of ours is a map there as well.
func TestMapsOfOtherPackages(t *testing.T) {
	require.Equal(t, []string{"engine/task/a.go:7: order: range over a map"}, places(t,
		"event/a.go\n// Package event is here.\npackage event\n\ntype Set map[int]bool\n",
		"engine/task/a.go\n// Package task is here.\npackage task\n\nimport \"example.com/house/event\"\n\nfunc f(s struct{ in event.Set }) {\n\tfor range s.in {\n\t}\n}\n"))
}

// What the go command skips is skipped, and tests are free.
func TestOnlyTheProjectsSourceIsRead(t *testing.T) {
	require.Empty(t, places(t,
		"alerts/a.go\n// Package alerts is here.\npackage alerts\n",
		"alerts/a_test.go\npackage alerts\n\nimport _ \"os\"\n",
		"alerts/testdata/a.go\npackage nothing\n",
		".git/a.go\npackage nothing\n",
		"_old/a.go\npackage nothing\n",
		"vendor/a.go\npackage nothing\n",
		"other/go.mod\nmodule other\n",
		"other/a.go\npackage nothing\n"))
}

func TestParseErrors(t *testing.T) {
	_, err := parse(fstest.MapFS{"go.mod": {Data: []byte("module m\n")}, "a.go": {Data: []byte("package\n")}})
	require.ErrorContains(t, err, "parse: a.go:")
	_, err = parse(fstest.MapFS{})
	require.Error(t, err)
	_, err = parse(fstest.MapFS{"go.mod": {Data: []byte("go 1.26\n")}})
	require.EqualError(t, err, "go.mod names no module")
}
