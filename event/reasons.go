package event

// ReasonCount is how many reasons of quarantine there are.
const ReasonCount = 13

// Reasons lists the reasons of quarantine, each at its Index.
func Reasons() [ReasonCount]Reason {
	return [...]Reason{
		Malformed, NoDevice, NoMetric, NoValue, ValueType, ValueRange, TimeFormat, TimeRange, SeqFormat, Expression, Late, Future, WrongPartition,
	}
}

// Index is the place of a reason in Reasons; -1: it is none of them.
func (r Reason) Index() int {
	for i, known := range Reasons() {
		if r == known {
			return i
		}
	}
	return -1
}
