package alerts

// Marks are eight bits of an episode that the caller keeps beside the machine's own,
// in the words of one (rule, device): the machine hands them out with every event
// (Event.Marks), as they were before it, and clears them when the episode ends.
func Marks(w []uint64) uint8 { return uint8(w[wordHeader] >> marksShift & marksMask) }

// SetMarks changes them; w must be in an episode.
func SetMarks(w []uint64, marks uint8) {
	w[wordHeader] = w[wordHeader]&^(marksMask<<marksShift) | uint64(marks)<<marksShift
}

// StateOf is the state that w is in, of whatever rule.
func StateOf(w []uint64) State { return State(w[wordHeader] & stateMask) }
