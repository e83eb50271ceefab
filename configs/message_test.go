package configs

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestParseMessage(t *testing.T) {
	for s, want := range map[string][]Part{
		"":                                      nil,
		"plain } text {":                        {{Literal: "plain } text {"}},
		"{{device}}":                            {{Field: "device"}},
		"a {{ value }} b":                       {{Literal: "a "}, {Field: "value"}, {Literal: " b"}},
		"{{value}}{{level}}":                    {{Field: "value"}, {Field: "level"}},
		`{{value|printf "%.1f"}} C`:             {{Field: "value", Format: "%.1f"}, {Literal: " C"}},
		`{{ threshold | printf "%+08.3e %%" }}`: {{Field: "threshold", Format: "%+08.3e %%"}},
		"{{value | printf `%g`}}":               {{Field: "value", Format: "%g"}},
		"{{window.start}}-{{window.end}}":       {{Field: "window.start"}, {Literal: "-"}, {Field: "window.end"}},
	} {
		got, problem := parseMessage(s)
		assert.Empty(t, problem, s)
		assert.Equal(t, want, got, s)
	}
	for _, s := range []string{
		"{{", "{{}}", "{{device", "{{ device } }", "{{window}}", "{{value | printf}}", "{{value | printf %f}}", `{{value | printf ""}}`,
		`{{value | printf "%s"}}`, `{{value | printf "%"}}`, `{{value | printf "%f%f"}}`, `{{value | printf "%999f"}}`,
		`{{value | printf "%.99f"}}`, `{{value | printf "%1.2.3f"}}`, `{{value | printf "%*f"}}`, `{{value | printf "%[1]f"}}`, `{{value | html}}`,
	} {
		_, problem := parseMessage(s)
		assert.NotEmpty(t, problem, s)
	}
}

// Whatever format is let through shows a number without an error of fmt.
func FuzzLayout(f *testing.F) {
	for _, s := range []string{"%.1f", "%+08.3e %%", "%g C", "%d", "%1.2.3f", "%%%f", "%-#5.f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, layout string) {
		if badLayout(layout) != "" {
			return
		}
		if out := fmt.Sprintf(layout, 1.5); len(out) > len(layout)+400 || containsFmtError(out, layout) {
			t.Fatalf("%q gives %q", layout, out)
		}
	})
}

func containsFmtError(out, layout string) bool {
	for i := 0; i+1 < len(out); i++ {
		if out[i] == '%' && out[i+1] == '!' {
			// A literal %%! is no error.
			return fmt.Sprintf(layout+"%s", 1.5, "") != out
		}
	}
	return false
}
