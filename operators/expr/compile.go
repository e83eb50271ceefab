package expr

import (
	"fmt"
	"reflect"
	"slices"
	"unicode/utf8"

	lang "github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"

	"github.com/weirstream/weir/operators/roster"
)

// MaxLength is the length of the longest expression, in characters.
const MaxLength = 2000

// Want is what an expression must give.
type Want uint8

// What an expression can give.
const (
	Number Want = iota
	Condition
	Either // a number; a condition counts as 1 where it is true and as 0 where not
)

// Environment is what an expression may name beside device, metric, value and
// time, and what it must give.
type Environment struct {
	// Fields are the fields of a wide message: numbers, named as they are. One that is
	// called device, metric, value, time or labels cannot be named. A name may be two
	// words with a dot between, temp_5m.mean.
	Fields []string
	Labels []roster.Label // of the roster, named labels.NAME
	Want   Want
	// Bare leaves device, metric, value and time out: there is no one reading that the
	// expression is about. A field may be called so then.
	Bare bool
}

// Program is a compiled expression. It holds scratch: one goroutine may use it at
// a time.
type Program struct {
	source string
	want   Want
	fields []int
	labels []int

	quick quick // the closures; empty where the VM has to work it out
	slow  slow
}

// Compile checks a text and compiles it. Its errors are of type *Error.
func Compile(source string, e Environment) (*Program, error) {
	if err := fitting(source); err != nil {
		return nil, err
	}
	tree, err := parser.Parse(source)
	if err != nil {
		return nil, foreign(source, err)
	}
	s, err := surveyed(source, &tree.Node, &e)
	if err != nil {
		return nil, err
	}
	program, err := lang.Compile(source, options(s, &e)...)
	if err != nil {
		return nil, foreign(source, err)
	}
	if err := fits(source, program.Node(), e.Want); err != nil {
		return nil, err
	}
	p := &Program{source: source, want: e.Want}
	for i, name := range e.Fields {
		if slices.Contains(s.fields, name) {
			p.fields = append(p.fields, i)
		}
	}
	for i, l := range e.Labels {
		if slices.Contains(s.labels, l.Name) {
			p.labels = append(p.labels, i)
		}
	}
	p.slow = newSlow(program, p, &e)
	p.quick = newQuick(program.Node(), p, &e)
	return p, nil
}

// fitting refuses what is too long.
func fitting(source string) error {
	if n := utf8.RuneCountInString(source); n > MaxLength {
		return &Error{Message: fmt.Sprintf("the expression has %d characters; the most is %d", n, MaxLength)}
	}
	return nil
}

// options tell the language what there is. Its optimizer stays off: it leaves out
// parts whose errors would count.
func options(s *survey, e *Environment) []lang.Option {
	names := types.Map{"device": types.String, "metric": types.String, "value": types.Float64, "time": types.Int}
	if e.Bare {
		clear(names)
	}
	for _, name := range s.fields {
		names[name] = types.Float64
	}
	labels := types.Map{}
	for _, l := range e.Labels {
		if slices.Contains(s.labels, l.Name) {
			labels[l.Name] = [...]types.Type{roster.Text: types.String, roster.Number: types.Float64, roster.Bool: types.Bool}[l.Kind]
		}
	}
	if len(labels) > 0 {
		names["labels"] = labels
	}
	all := []lang.Option{
		lang.Env(names), lang.Optimize(false), lang.DisableAllBuiltins(), lang.Patch(&join{s.fields}), lang.Patch(new(unify)),
		lang.Function("int", whole, new(func(float64) int), new(func(int) int)),
	}
	for _, name := range functions() {
		if name != "int" {
			all = append(all, lang.EnableBuiltin(name))
		}
	}
	return all
}

// fits checks that a tree gives what is wanted, and that no text is named, for
// texts that are doubled again and again would grow beyond all memory.
func fits(source string, root ast.Node, want Want) error {
	lets := new(letters)
	ast.Walk(&root, lets)
	if lets.found != nil {
		return at(source, lets.found.Location(), Error{Message: "let is for numbers and conditions only"})
	}
	gives := kindOf(root)
	switch {
	case want == Condition && gives != truth:
		return &Error{Message: "must be a condition, true or false, and is " + gives.String()}
	case want == Number && gives != fraction && gives != integer:
		return &Error{Message: "must be a number, and is " + gives.String()}
	case want == Either && gives != fraction && gives != integer && gives != truth:
		return &Error{Message: "must be a number or a condition, and is " + gives.String()}
	}
	return nil
}

// letters finds a let of something that is neither a number nor a condition. It
// implements ast.Visitor.
type letters struct{ found ast.Node }

// Visit implements ast.Visitor.
func (l *letters) Visit(node *ast.Node) {
	if n, ok := (*node).(*ast.VariableDeclaratorNode); ok && l.found == nil {
		if k := kindOf(n.Value); k == letter || k == other {
			l.found = n
		}
	}
}

// kind is the kind of a value, as it is known before anything is worked out.
type kind uint8

const (
	other kind = iota
	fraction
	integer
	truth
	letter // text
)

func (k kind) String() string {
	return [...]string{other: "of no certain kind", fraction: "a number", integer: "a whole number", truth: "a condition", letter: "a text"}[k]
}

func kindOf(n ast.Node) kind {
	switch n.Type().Kind() {
	case reflect.Float64:
		return fraction
	case reflect.Int:
		return integer
	case reflect.Bool:
		return truth
	case reflect.String:
		return letter
	default:
		return other
	}
}

// Source is the text the program was compiled from.
func (p *Program) Source() string { return p.source }

// Fast reports whether the program is worked out by closures, without allocation.
func (p *Program) Fast() bool { return p.quick.ok }

// Fields are the fields it names, as ascending indexes into Environment.Fields.
func (p *Program) Fields() []int { return p.fields }

// Labels are the labels it names, as ascending indexes into Environment.Labels.
func (p *Program) Labels() []int { return p.labels }

// Number works out a program compiled for a number, or for either. The result is finite unless
// there is an error.
func (p *Program) Number(in *Input) (float64, error) {
	if p.quick.ok {
		return finite(p.quick.number(in))
	}
	return finite(p.slow.number(in))
}

// Condition works out a program compiled for a condition.
func (p *Program) Condition(in *Input) (bool, error) {
	if p.quick.ok {
		return p.quick.condition(in)
	}
	return p.slow.condition(in)
}

func finite(v float64, err error) (float64, error) {
	if err == nil && v-v != 0 {
		return 0, ErrNotFinite
	}
	return v, err
}
