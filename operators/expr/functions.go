package expr

import (
	"fmt"
	"math"
	"slices"
)

// functions are the functions of the language that an expression may call: those
// whose result depends on their arguments alone and whose work is bounded by the
// length of the expression and of its texts.
func functions() []string {
	return []string{
		"abs", "ceil", "floor", "round", "int", "float", "max", "min", "mean", "median",
		"string", "len", "trim", "trimPrefix", "trimSuffix", "upper", "lower", "indexOf", "lastIndexOf", "hasPrefix", "hasSuffix",
		"bitand", "bitor", "bitxor", "bitnand", "bitshl", "bitshr", "bitushr", "bitnot",
	}
}

func isFunction(name string) bool { return slices.Contains(functions(), name) }

// whole is the function int. That of the language gives another number on another
// processor where the argument is out of range.
func whole(args ...any) (any, error) {
	switch x := args[0].(type) {
	case int:
		return x, nil
	case float64:
		if n, ok := wholeOf(x); ok {
			return n, nil
		}
		return nil, ErrWhole
	}
	return nil, fmt.Errorf("int of %T", args[0])
}

// wholeOf cuts the fraction off.
func wholeOf(x float64) (int, bool) {
	const limit = 1 << 63
	if !(x >= -limit && x < limit) {
		return 0, false
	}
	return int(math.Trunc(x)), true
}
