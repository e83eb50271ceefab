package configs

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// expand replaces ${NAME} by the environment and ${file:/path} by the content
// of a file without its trailing line ends; $${ stands for ${. What it puts in
// is not expanded again, and never appears in its errors.
func (d *decoder) expand(s scalar) (scalar, error) {
	if !strings.Contains(s.text, "${") {
		return s, nil
	}
	var b strings.Builder
	rest := s.text
	for {
		before, after, found := strings.Cut(rest, "${")
		if !found {
			b.WriteString(rest)
			s.text = b.String()
			return s, nil
		}
		if escaped, ok := strings.CutSuffix(before, "$"); ok {
			b.WriteString(escaped)
			b.WriteString("${")
			rest = after
			continue
		}
		b.WriteString(before)
		reference, next, closed := strings.Cut(after, "}")
		if !closed {
			return s, errors.New("${ is not closed; write ${NAME} or ${file:/path}, or $${ for the characters themselves")
		}
		v, err := d.resolve(reference)
		if err != nil {
			return s, err
		}
		b.WriteString(v)
		s.expanded = true
		rest = next
	}
}

// resolve returns what ${reference} stands for.
func (d *decoder) resolve(reference string) (string, error) {
	if path, ok := strings.CutPrefix(reference, "file:"); ok {
		return d.fileContent(path)
	}
	if !isVariable(reference) {
		return "", fmt.Errorf("${%s} is not a reference; write ${NAME} or ${file:/path}, or $${ for the characters themselves", shorten(reference))
	}
	if d.o.Getenv == nil {
		return "", fmt.Errorf("${%s}: the environment cannot be read here", reference)
	}
	v, ok := d.o.Getenv(reference)
	if !ok {
		return "", fmt.Errorf("${%s}: the environment variable %s is not set", reference, reference)
	}
	return checkExpansion(v, "${"+reference+"}")
}

func (d *decoder) fileContent(path string) (string, error) {
	if !strings.HasPrefix(path, "/") {
		return "", fmt.Errorf("${file:%s}: write the whole path, beginning with /", shorten(path))
	}
	if d.o.ReadFile == nil {
		return "", fmt.Errorf("${file:%s}: files cannot be read here", path)
	}
	content, err := d.o.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("${file:%s}: %w", path, err)
	}
	return checkExpansion(strings.TrimRight(string(content), "\r\n"), "${file:"+path+"}")
}

// checkExpansion refuses contents that no setting can want.
func checkExpansion(v, reference string) (string, error) {
	if len(v) > largestFile {
		return "", fmt.Errorf("%s has %d bytes; the most is %d", reference, len(v), largestFile)
	}
	if !utf8.ValidString(v) || strings.ContainsFunc(v, isControl) {
		return "", fmt.Errorf("%s is not a line of text", reference)
	}
	return v, nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func isVariable(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// shorten keeps what people wrote at a length a message can hold.
func shorten(s string) string {
	const longest = 80
	if r := []rune(s); len(r) > longest {
		return string(r[:longest]) + "..."
	}
	return s
}
