package anomaly

// Kind says in which way a series is not as it was.
type Kind uint8

// The kinds of anomaly, in rising order: one that lasts takes on the highest it
// comes to. doc.go says which distance stands behind each.
const (
	None       Kind = iota
	Spike           // a reading far from those just before it
	Noise           // neighbouring readings differ more, or less, than they did
	Seasonal        // ordinary at another hour, not at this one
	LevelShift      // the mean of some ten readings left that of the last hundred
	Drift           // the mean of some hundred readings left that of the last thousand
	Stuck           // the same value for longer than ever before
)

// String returns the kind as it stands in records: "level_shift".
func (k Kind) String() string {
	switch k {
	case Spike:
		return "spike"
	case LevelShift:
		return "level_shift"
	case Drift:
		return "drift"
	case Seasonal:
		return "seasonal"
	case Noise:
		return "noise"
	case Stuck:
		return "stuck"
	}
	return "none"
}

// Verdict is what a Detector says of one sample. The zero value is that of a
// sample that was ignored.
type Verdict struct {
	// Score is in [0, 1): r/(1+r), where r is the greatest distance from what was
	// expected in units of the distance that alarms. Above 0.5 it alarms; 0 says
	// that nothing can be judged yet.
	Score float64
	// Expected is the value the recent past and the hour let expect, and Band the
	// distance from it within which a single value is ordinary: [Expected-Band,
	// Expected+Band]. Band is zero while the series is not warm.
	Expected, Band float64
	// Kind is that of the anomaly that began here or lasts; None outside of one.
	// It may change while an anomaly lasts: a shift begins as a spike.
	Kind Kind
	// Alarm is true of the sample that begins an anomaly, and of no other.
	Alarm bool
	// Warm says that single values are judged. Shifts and drifts warm up later.
	Warm bool
}
