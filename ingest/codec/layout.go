package codec

// layout remembers the keys of the object scanned last by their place in it. A
// device writes its keys in the same order every time, and so do its siblings:
// where the next key is what stood there before, one comparison replaces the
// scan, the lookup and the colon. It holds names of one scanner only.
type layout struct {
	owner  *Scanner
	places [16]place
}

// place is a key of at most fourteen bytes as it stands in the text, with its
// closing quote and colon: the bytes that the masks select of the next two words.
type place struct {
	head, headMask uint64
	tail, tailMask uint64
	length         int // of key, quote and colon; 0: nothing is known of this place
	field          int32
}

// matches tells whether the text at p[i:], behind an opening quote, is the
// remembered one.
func (l *place) matches(p []byte, i int) bool {
	return l.length != 0 && i+8 <= len(p) && load(p[i:])&l.headMask == l.head && (l.length <= 8 || l.tailMatches(p, i+8))
}

func (l *place) tailMatches(p []byte, i int) bool {
	return i+8 <= len(p) && load(p[i:])&l.tailMask == l.tail
}

// remember notes that the key at p[i:end], which has no escapes, names field, if
// it fits.
func (l *place) remember(p []byte, i, end int, field int32) {
	length := end + 2 - i
	if length > 16 || p[end+1] != ':' {
		return // what was known before is still worth a try
	}
	l.head, l.headMask = prefix(p[i:end+2]), 1<<(8*min(length, 8))-1
	l.tail, l.tailMask = prefix(p[min(i+8, end+2):end+2]), 1<<(8*max(length-8, 0))-1
	l.length, l.field = length, field
}
