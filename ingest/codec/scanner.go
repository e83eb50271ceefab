package codec

// Scanner decodes JSON in one pass: it checks the grammar of everything and
// keeps only the fields that are declared. It never changes after NewScanner,
// so that any number of goroutines may share it; each needs a Batch of its own.
type Scanner struct {
	fields  names   // by name to deviceField ... firstWide+k
	metrics names   // of declared metrics to their index
	wide    []int32 // declared index, or Undeclared, of each field of a wide message
	scale   int64   // from Options.Unit to milliseconds, a power of ten
	epoch   bool    // Options.Unit is given
	device  bool    // messages carry a device
}

var _ Decoder = (*Scanner)(nil)

// NewScanner compiles o. The error names the option that cannot work.
func NewScanner(o Options) (*Scanner, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	return &Scanner{
		fields:  newNames(o.roles()),
		metrics: newNames(o.Metrics),
		wide:    o.wideMetrics(),
		scale:   millis(o.Unit),
		epoch:   o.Unit != "",
		device:  o.Device != "",
	}, nil
}

// Decode implements Decoder.
func (s *Scanner) Decode(payload []byte, b *Batch) {
	b.begin(firstWide + len(s.wide))
	if b.layout.owner != s {
		b.layout = layout{owner: s}
	}
	if !s.document(payload[:len(payload):len(payload)], b) {
		b.refuse()
	}
}

// depth is how many arrays and objects are open.
type depth int

// document scans a whole payload; false if it is malformed.
func (s *Scanner) document(p []byte, b *Batch) bool {
	i := space(p, 0)
	if i == len(p) {
		return false
	}
	switch p[i] {
	case '{':
		if i = s.object(p, i+1, 1, b); i >= 0 {
			s.judge(p, 0, b)
		}
	case '[':
		i = s.array(p, i+1, b)
	default:
		return false
	}
	return i >= 0 && space(p, i) == len(p)
}

// array scans the array of a document from behind its bracket and returns the
// index behind it, or -1.
func (s *Scanner) array(p []byte, i int, b *Batch) int {
	i = space(p, i)
	if i < len(p) && p[i] == ']' {
		return i + 1
	}
	for sample := int32(0); ; sample++ {
		if i < len(p) && p[i] == '{' {
			if i = s.object(p, i+1, 2, b); i >= 0 {
				s.judge(p, sample, b)
			}
		} else {
			i = skip(p, i, 1)
			b.malformed(sample)
		}
		if i < 0 {
			return -1
		}
		i = space(p, i)
		switch {
		case i < len(p) && p[i] == ',':
			i = space(p, i+1)
		case i < len(p) && p[i] == ']':
			return i + 1
		default:
			return -1
		}
	}
}

// object scans an object from behind its brace into b.tokens and returns the
// index behind it, or -1. at counts the object itself.
func (s *Scanner) object(p []byte, i int, at depth, b *Batch) int {
	tokens := b.tokens
	for k := range tokens {
		tokens[k].kind = absent
	}
	i = space(p, i)
	if i < len(p) && p[i] == '}' {
		return i + 1
	}
	for k := 0; ; k++ {
		if i >= len(p) || p[i] != '"' {
			return -1
		}
		var field int32
		if l := &b.layout.places[k%len(b.layout.places)]; l.matches(p, i+1) {
			field, i = l.field, i+1+l.length
		} else if field, i = s.key(p, i+1, b, l); i < 0 {
			return -1
		}
		i = space(p, i)
		if field >= 0 {
			i = tokens[field].scan(p, i, at)
		} else {
			i = skip(p, i, at)
		}
		if i < 0 {
			return -1
		}
		i = space(p, i)
		switch {
		case i < len(p) && p[i] == ',':
			i = space(p, i+1)
		case i < len(p) && p[i] == '}':
			return i + 1
		default:
			return -1
		}
	}
}

// key scans a key and its colon from behind the opening quote. It returns which
// declared field the key names, or -1, and the index behind the colon, or -1. l
// is told what stands there.
func (s *Scanner) key(p []byte, i int, b *Batch, l *place) (field int32, next int) {
	end, escaped := text(p, i)
	if end < 0 {
		return -1, -1
	}
	next = space(p, end+1)
	if next >= len(p) || p[next] != ':' {
		return -1, -1
	}
	if !escaped {
		field = s.fields.find(p[i:end])
		l.remember(p, i, end, field)
		return field, next + 1
	}
	used := len(b.arena)
	b.arena = unescape(b.arena, p[i:end])
	field = s.fields.find(b.arena[used:])
	b.arena = b.arena[:used]
	return field, next + 1
}

// space returns the index of the first byte from i on that is no white space.
func space(p []byte, i int) int {
	for i < len(p) && p[i] <= ' ' && (p[i] == ' ' || p[i] == '\n' || p[i] == '\r' || p[i] == '\t') {
		i++
	}
	return i
}
