package architecture

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// outside is a package that reaches out of the fold.
type outside struct {
	path    string // the package and its tree
	but     []string
	instead string
}

func outsides() []outside {
	return []outside{
		{"os", nil, "take bytes in and hand bytes out; cmd reads and writes files"},
		{"net", []string{"net/url", "net/netip"}, "hand records out as data; adapters of layer 2 and the engine talk to the network"},
		{"syscall", nil, "leave the machine to adapters and the engine"},
		{"runtime", nil, "leave the machine to the engine"},
		{"sync", nil, "a fold runs on one goroutine; the engine owns it"},
		{"golang.org/x/sync", nil, "a fold runs on one goroutine; the engine owns it"},
		{"context", nil, "a fold is not cancelled; the engine stops calling it"},
		{"log", nil, "return an error or count it; engine and cmd log"},
		{"math/rand", nil, "take what is random as an argument, or derive it with a hash"},
		{"crypto/rand", nil, "take what is random as an argument, or derive it with a hash"},
		{"hash/maphash", nil, "its seed differs from run to run: use github.com/cespare/xxhash/v2 or hash/crc32"},
		{"github.com/twmb/franz-go", nil, "take records in and hand records out; the engine and ingest/kafka speak Kafka"},
		{"github.com/dgraph-io", nil, "hand changed cells out as data; statestore/badgerstore writes them"},
		{"github.com/eclipse/paho.mqtt.golang", nil, "take messages in as bytes; ingest/mqtt speaks MQTT"},
		{"github.com/prometheus", nil, "count in cells; the engine exports them"},
	}
}

// bannedNames are the names of otherwise pure packages that reach out.
func bannedNames(path, name string) (instead string) {
	switch path {
	case "time":
		switch name {
		case "Now", "Since", "Until":
			return "take the time as an argument (event.Time); wall time enters a task only as Advance"
		case "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Timer", "Ticker":
			return "hand the deadline out as data; the engine keeps the timers"
		case "Local":
			return "the machine's zone must not reach an output: use time.UTC"
		}
	case "fmt":
		switch name {
		case "Print", "Printf", "Println", "Scan", "Scanf", "Scanln":
			return "return the text; cmd reads and prints"
		}
	}
	return ""
}

// checkPurity finds what a fold must not do.
func checkPurity(m *module, u *unit, info *types.Info) []finding {
	var all []finding
	for _, file := range u.files {
		for _, spec := range file.Imports {
			if what, instead := impureImport(spec); what != "" {
				all = append(all, m.at(spec.Pos(), finding{rule: "purity", what: what, instead: instead}))
			}
		}
		utc := map[ast.Expr]bool{} // calls that are made independent of the machine's zone
		ast.Inspect(file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && !slices.Contains([]string{"Format", "AppendFormat", "String"}, sel.Sel.Name) {
				utc[sel.X] = true
			}
			if what, instead := impureNode(n, info, utc); what != "" {
				all = append(all, m.at(n.Pos(), finding{rule: "purity", what: what, instead: instead}))
			}
			return true
		})
	}
	return all
}

func impureImport(spec *ast.ImportSpec) (what, instead string) {
	path := importPath(spec)
	if spec.Name != nil && spec.Name.Name == "." {
		return "dot import of " + path, "name the package, so that what comes from it can be seen"
	}
	for _, o := range outsides() {
		if under(path, o.path) && !slices.Contains(o.but, path) {
			return "import of " + path, o.instead
		}
	}
	return "", ""
}

func impureNode(n ast.Node, info *types.Info, utc map[ast.Expr]bool) (what, instead string) {
	const noChannels = "return data (outputs, changed cells, deadlines); the engine moves it"
	switch n := n.(type) {
	case *ast.GoStmt:
		return "go statement", "a fold runs on its caller's goroutine; the engine starts them"
	case *ast.SelectStmt:
		return "select statement", noChannels
	case *ast.ChanType:
		return "channel type", noChannels
	case *ast.SendStmt:
		return "send to a channel", noChannels
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			return "receive from a channel", noChannels
		}
	case *ast.RangeStmt:
		if isChannel(info.TypeOf(n.X)) {
			return "receive from a channel", noChannels
		}
	case *ast.CallExpr:
		return impureCall(n, info, utc)
	case *ast.SelectorExpr:
		path := packageOf(info, n.X)
		if instead := bannedNames(path, n.Sel.Name); instead != "" {
			return path + "." + n.Sel.Name, instead
		}
	}
	return "", ""
}

func impureCall(call *ast.CallExpr, info *types.Info, utc map[ast.Expr]bool) (what, instead string) {
	switch fun := call.Fun.(type) {
	case *ast.Ident:
		if b, ok := info.Uses[fun].(*types.Builtin); ok && strings.HasPrefix(b.Name(), "print") {
			return "builtin " + b.Name(), "return the text; cmd prints"
		}
	case *ast.SelectorExpr:
		switch fun.Sel.Name {
		case "Unix", "UnixMilli", "UnixMicro":
			if packageOf(info, fun.X) == "time" && !utc[call] {
				return "time." + fun.Sel.Name + " in the machine's zone", "call .UTC() or .In(zone) on it at once"
			}
		}
	}
	return "", ""
}

func isChannel(t types.Type) bool {
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Chan)
	return ok
}
