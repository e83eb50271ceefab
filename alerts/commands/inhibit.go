package commands

import (
	"cmp"
	"fmt"
)

// Inhibit says that an alert fires which inhibits others with the same text in a label.
type Inhibit struct {
	Rule, Level string // of the source, the level it fires at
	Label, Text string // the name of the label, without labels., and what it is; neither is empty
	Whose              // the source
}

func parseInhibit(key string, r *record) (Inhibit, error) {
	i := Inhibit{Rule: r.Rule, Level: r.Level, Label: r.Label, Text: r.Text}
	for _, f := range []struct{ name, text string }{{"rule", i.Rule}, {"level", i.Level}, {"label", i.Label}, {"text", i.Text}} {
		if f.text == "" {
			return Inhibit{}, errMissing(f.name)
		}
	}
	var err error
	if i.Whose, err = r.whose(); err != nil {
		return Inhibit{}, err
	}
	if want := i.Key(); want != key {
		return Inhibit{}, fmt.Errorf("the key of what it says is %q", want)
	}
	return i, nil
}

// Key is the key of the command.
func (i *Inhibit) Key() string {
	b := []byte(KindInhibit.String())
	for _, part := range [...]string{i.Rule, i.Label, i.Text, i.Name()} {
		b = appendEscaped(append(b, '/'), part)
	}
	return string(b)
}

// AppendValue appends the value of the command's record.
func (i *Inhibit) AppendValue(b []byte) []byte {
	r := record{Kind: KindInhibit.String(), Rule: i.Rule, Level: i.Level, Label: i.Label, Text: i.Text, Device: i.Device, Group: i.Group, By: i.By}
	return r.append(b)
}

// appendEscaped percent-encodes all bytes but letters, digits and - . _ ~ (RFC 3986,
// section 2.3), so that one text has one form.
func appendEscaped(b []byte, text string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
			b = append(b, c)
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}

// compare orders what is in force by source rule, label and text, so that all of one
// question stand together, then by whose the source is.
func (i *Inhibit) compare(o *Inhibit) int {
	return cmp.Or(i.compareTo(o.Rule, o.Label, o.Text), cmp.Compare(i.Name(), o.Name()))
}

func (i *Inhibit) compareTo(rule, label, text string) int {
	return cmp.Or(cmp.Compare(i.Rule, rule), cmp.Compare(i.Label, label), cmp.Compare(i.Text, text))
}
