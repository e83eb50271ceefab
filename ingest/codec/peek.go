package codec

import "github.com/valyala/fastjson"

// Peek reads single fields of messages that have been decoded before, where that is
// seldom wanted: the decoders need not look for them then. It serves one goroutine.
type Peek struct{ parser fastjson.Parser }

// Text returns the string that the field of an object holds, the sample-th of the
// message where that is an array; nil where there is none. It is valid until the next
// call. Documents that nest deeper than 300 have no fields here.
func (k *Peek) Text(payload []byte, sample int32, field string) []byte {
	root, err := k.parser.ParseBytes(payload)
	if err != nil {
		return nil
	}
	if root.Type() == fastjson.TypeArray {
		list := root.GetArray()
		if int(sample) >= len(list) {
			return nil
		}
		root = list[sample]
	}
	return root.GetStringBytes(field)
}
