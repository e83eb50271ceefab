package configs

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

const (
	largestFile    = 128 << 10
	deepestNesting = 40
)

// tree parses src into the mapping of its only document. Where it cannot, it
// says so and returns nil.
func (d *decoder) tree(src []byte) ast.Node {
	src = []byte(strings.TrimPrefix(string(src), "\ufeff"))
	if !d.readable(src) {
		return nil
	}
	file, err := parseYAML(src)
	if err != nil {
		d.syntax(err, src)
		return nil
	}
	var body ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case body != nil:
			d.errorf(placeOf(doc.Body), "a second document begins here; write one pipeline a file")
			return nil
		default:
			body = doc.Body
		}
	}
	if body == nil {
		d.errorf(place{1, 1}, "%s", d.kind.empty())
		return nil
	}
	if _, ok := body.(ast.MapNode); !ok {
		d.errorf(placeOf(body), "%s", d.kind.shape())
		return nil
	}
	return body
}

// readable refuses what the YAML parser would take unreasonably long for, or
// misread.
func (d *decoder) readable(src []byte) bool {
	if len(src) > largestFile {
		d.errorf(place{1, 1}, "the file has %d bytes; the largest pipeline file is %d bytes", len(src), largestFile)
		return false
	}
	for i, line := range strings.Split(string(src), "\n") {
		line = strings.TrimSuffix(line, "\r")
		for col, r := range []rune(line) {
			if r == utf8.RuneError || r < ' ' && r != '\t' || r == 0x7f {
				d.errorf(place{i + 1, col + 1}, "the file holds a character that is not text; save it as UTF-8 without control characters")
				return false
			}
		}
	}
	if at := tooDeep(src); at != (place{}) {
		d.errorf(at, "brackets or dashes are nested more than %d deep", deepestNesting)
		return false
	}
	return true
}

// tooDeep returns where indicators that open a level are nested too deep. It
// counts without regard to quotes, which errs on the safe side: the YAML parser
// recurses, and takes quadratic time, over exactly these.
func tooDeep(src []byte) place {
	depth, line, col := 0, 1, 0
	run := 0 // indicators in a row: - - - -
	comment := false
	previous := byte('\n')
	for _, c := range src {
		col++
		switch {
		case c == '\n':
			line, col, run, comment = line+1, 0, 0, false
		case comment:
		case c == '#' && strings.IndexByte(" \t\n", previous) >= 0:
			comment = true
		case c == '[' || c == '{':
			depth++
		case (c == ']' || c == '}') && depth > 0:
			depth--
		case strings.IndexByte("-?!&*:,|>", c) >= 0:
			run++
		case c != ' ' && c != '\t':
			run = 0
		}
		if depth > deepestNesting || run > 3*deepestNesting {
			return place{line, col}
		}
		previous = c
	}
	return place{}
}

// parseYAML turns a panic of the YAML parser over a malformed file into an
// error: the file is wrong, not the program.
func parseYAML(src []byte) (file *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			file, err = nil, errors.New("the file is not YAML")
		}
	}()
	return parser.ParseBytes(src, 0, parser.AllowDuplicateMapKey())
}

// syntax reports the error of the YAML parser in our words, with advice for
// the mistakes people make.
func (d *decoder) syntax(err error, src []byte) {
	at, message := place{1, 1}, err.Error()
	if e, ok := errors.AsType[yaml.Error](err); ok {
		message = e.GetMessage()
		if t := e.GetToken(); t != nil && t.Position != nil {
			at = place{max(1, t.Position.Line), max(1, t.Position.Column)}
		}
	}
	lines := strings.Split(string(src), "\n")
	line := ""
	if at.line <= len(lines) {
		line = lines[at.line-1]
	}
	d.errorf(at, "the file is not YAML: %s%s", message, syntaxAdvice(message, line))
}

func syntaxAdvice(message, line string) string {
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	switch {
	case strings.Contains(indent, "\t") || strings.Contains(message, "tab character"):
		return "; indent with spaces, not tabs"
	case strings.Contains(line, "{{"):
		return "; put a text with {{ }} in quotes"
	case strings.Contains(line, "${"):
		return "; inside { } and [ ], put a text with ${ } in quotes"
	case strings.Count(line, "[") != strings.Count(line, "]") || strings.Count(line, "{") != strings.Count(line, "}"):
		return "; a bracket on this line is not closed"
	case strings.Contains(message, "mapping value is not allowed"):
		return "; put a text with a colon and a space in quotes"
	case strings.Contains(message, "value is not allowed in this context"):
		return "; the line is not indented like its neighbours"
	case strings.Contains(message, "reserved character"):
		return "; put the text in quotes"
	case strings.Contains(message, "must be specified"):
		return "; a bracket before this place is not closed"
	case strings.Contains(message, "end character of"):
		return "; the quote that opens here is not closed"
	default:
		return ""
	}
}

// placeOf returns where a node begins.
func placeOf(n ast.Node) place {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return placeOf(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return placeOf(n.Key)
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return place{max(1, t.Position.Line), max(1, t.Position.Column)}
	}
	return place{1, 1}
}

// kindOf says what a node is, for messages.
func kindOf(n ast.Node) string {
	switch n.(type) {
	case ast.MapNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	default:
		return "a single value"
	}
}

// scalarOf returns a node's scalar, unexpanded; false where it is none.
func scalarOf(n ast.Node) (scalar, bool) {
	s := scalar{at: placeOf(n)}
	switch n := n.(type) {
	case *ast.StringNode:
		s.text = n.Value
		if t := n.GetToken().Type.String(); strings.HasSuffix(t, "Quote") {
			s.kind = quotedText
		}
	case *ast.LiteralNode:
		s.text, s.kind = n.Value.Value, quotedText
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		s.text, s.kind = n.GetToken().Value, plainNumber
	case *ast.BoolNode:
		s.text, s.kind = n.GetToken().Value, plainBool
	default:
		return s, false
	}
	s.raw = s.text
	return s, true
}

// joined puts a text such as localhost:9092 together again. Within [ ] inside
// { } the YAML parser takes it for a mapping, which it is only with a space
// behind the colon.
func joined(n ast.Node) ast.Node {
	all := pairs(n)
	if len(all) != 1 {
		return n
	}
	if m, ok := n.(*ast.MappingNode); ok && m.IsFlowStyle && m.GetToken().Value == "{" {
		return n
	}
	key, isText := all[0].Key.(*ast.StringNode)
	after, isScalar := scalarOf(all[0].Value)
	colon := all[0].GetToken().Position
	if !isText || !isScalar || after.at != (place{colon.Line, colon.Column + 1}) || after.kind == quotedText {
		return n
	}
	whole := *key
	whole.Value = key.Value + ":" + after.text
	return &whole
}

// refusedNode says why a node cannot be used whatever its place, or nothing.
func refusedNode(n ast.Node) string {
	switch n.(type) {
	case *ast.AnchorNode:
		return "anchors (&name) are not supported; write the value out where it is used"
	case *ast.AliasNode, *ast.MergeKeyNode:
		return "aliases (*name) and merge keys (<<) are not supported; write the value out where it is used"
	case *ast.TagNode:
		return "tags (!name) are not supported; leave the tag out"
	case *ast.MappingKeyNode:
		return "keys that begin with ? are not supported; write key: value"
	default:
		return ""
	}
}

func (d *decoder) errorf(at place, format string, args ...any) {
	d.report(Error, at, fmt.Sprintf(format, args...))
}

func (d *decoder) warnf(at place, format string, args ...any) {
	d.report(Warning, at, fmt.Sprintf(format, args...))
}

func (d *decoder) report(s Severity, at place, message string) {
	d.diags = append(d.diags, Diagnostic{File: d.file, Line: at.line, Col: at.col, Severity: s, Message: message})
}
