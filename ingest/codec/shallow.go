package codec

// shallow prepares a valid JSON document for fastjson, which refuses to nest
// deeper than 300 and keeps an escaped lone surrogate as it is written. The copy
// has nothing in objects and arrays at depth three and below, where no field of
// a reading can be, and the escape of U+FFFD for each lone surrogate. deepest is
// how deep the document nests.
func shallow(document []byte) (plain []byte, deepest int) {
	const levels = 3
	open := 0
	for i := 0; i < len(document); i++ {
		keep := open < levels
		switch c := document[i]; c {
		case '{', '[':
			open++
			deepest = max(deepest, open)
		case '}', ']':
			open--
			keep = open < levels
		case '"':
			end, _ := text(document, i+1)
			if keep {
				plain = appendRepaired(plain, document[i:end])
			}
			i = end
		}
		if keep {
			plain = append(plain, document[i])
		}
	}
	return plain, deepest
}

// appendRepaired appends s, a piece of a valid string, with U+FFFD for each
// escaped surrogate that is alone.
func appendRepaired(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		length := 1
		if s[i] == '\\' {
			length = 2
			if s[i+1] == 'u' {
				length = 6
				r := unit(s[i+2:])
				switch {
				case pair(r, s[i+6:]) >= 0:
					length = 12
				case 0xd800 <= r && r <= 0xdfff:
					dst = append(dst, `\ufffd`...)
					i += length
					continue
				}
			}
		}
		dst = append(dst, s[i:i+length]...)
		i += length
	}
	return dst
}
