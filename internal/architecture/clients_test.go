package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const clientsInstead = "take []kgo.Opt from access.Kafka, which knows the address, TLS and the login of the pipeline file"

// sayWhere are the files that may tell a client where the brokers are, but for tests and what only tests use: elsewhere a client would be one
// that knows no TLS and no login.
func sayWhere() map[string]string {
	return map[string]string{
		"access/kafka.go":           "the one place",
		"engine/engine.go":          "with Options.ClientOptions behind it",
		"engine/commands.go":        "with CommandsOptions.ClientOptions behind it",
		"internal/fleet/publish.go": "OpenKafka, for tests; the program calls OpenKafkaWith",
	}
}

// forTests are packages that the program does not import.
func forTests() []string {
	return []string{"bench", "internal/brokers", "internal/chaos", "internal/killtest", "internal/realbrokers", "internal/rig", "internal/secured", "internal/simulation"}
}

// Every client of Kafka that the program makes gets its options from access: no other place says where brokers are, and who hands an engine its
// brokers hands it the rest too.
func TestEveryKafkaClientGetsInTheSameWay(t *testing.T) {
	root := "../.."
	allowed, seen := sayWhere(), map[string]bool{}
	clients := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		name = filepath.ToSlash(name)
		if err != nil || d.IsDir() && (strings.HasPrefix(d.Name(), ".") && name != "." || isOneOf(name, forTests())) {
			return filepathSkip(err)
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "kgo" && n.Sel.Name == "SeedBrokers" {
					require.Contains(t, allowed, name, "%s says where brokers are: %s", name, clientsInstead)
					seen[name] = true
				}
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "kgo" && n.Sel.Name == "NewClient" {
					clients++
				}
			case *ast.CompositeLit:
				of, ok := n.Type.(*ast.SelectorExpr)
				if ok && strings.HasPrefix(name, "cmd/") && (of.Sel.Name == "CommandsOptions" || isEngineOptions(of)) {
					require.Contains(t, keysOf(n), "ClientOptions", "%s makes an engine's clients: %s", name, clientsInstead)
					seen["engine"] = true
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.SelectorExpr); ok && strings.HasPrefix(name, "cmd/") && f.Sel.Name == "OpenKafka" {
					if name != "cmd/weir/demo.go" { // to the broker inside its own process
						t.Errorf("%s calls OpenKafka: %s", name, clientsInstead)
					}
				}
			}
			return true
		})
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, clients, 8, "the clients there are")
	require.True(t, seen["engine"])
	for name := range allowed {
		require.True(t, seen[name], "%s says nothing of brokers any more", name)
	}
}

func isEngineOptions(of *ast.SelectorExpr) bool {
	x, ok := of.X.(*ast.Ident)
	return ok && x.Name == "engine" && of.Sel.Name == "Options"
}

func keysOf(n *ast.CompositeLit) (keys []string) {
	for _, e := range n.Elts {
		if pair, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := pair.Key.(*ast.Ident); ok {
				keys = append(keys, key.Name)
			}
		}
	}
	return keys
}

func isOneOf(name string, list []string) bool {
	for _, one := range list {
		if name == one {
			return true
		}
	}
	return false
}

func filepathSkip(err error) error {
	if err != nil {
		return err
	}
	return filepath.SkipDir
}
