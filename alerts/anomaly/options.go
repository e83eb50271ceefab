package anomaly

import (
	"fmt"
	"strings"

	"github.com/weirstream/weir/event"
)

// Spans of time that sensitivity is spoken of in. A month is 30 days.
const (
	Hour  = event.Time(3_600_000)
	Day   = 24 * Hour
	Week  = 7 * Day
	Month = 30 * Day
	Year  = 365 * Day
)

// Options say how a Detector judges. The zero value asks for one false alarm a
// month and series.
type Options struct {
	// FalseAlarmsPer is the mean time between two alarms of one series in which
	// nothing is wrong: from one hour to ten years; zero is Month. It is the only
	// setting there is: a longer time makes wider bands and later alarms.
	FalseAlarmsPer event.Time
}

// Compile returns a detector, or an error where an option is out of its range.
func Compile(o Options) (*Detector, error) {
	if o.FalseAlarmsPer == 0 {
		o.FalseAlarmsPer = Month
	}
	if o.FalseAlarmsPer < Hour || o.FalseAlarmsPer > 10*Year {
		return nil, fmt.Errorf("false alarms per %d ms must be from one hour to ten years", o.FalseAlarmsPer)
	}
	return &Detector{period: float64(o.FalseAlarmsPer)}, nil
}

// ParseSensitivity reads a sensitivity written in words, such as "one false alarm
// per month", and returns the span of Options.FalseAlarmsPer. The last word is
// hour, day, week, month or year.
func ParseSensitivity(text string) (event.Time, error) {
	unit, ok := strings.CutPrefix(text, "one false alarm per ")
	if ok {
		switch unit {
		case "hour":
			return Hour, nil
		case "day":
			return Day, nil
		case "week":
			return Week, nil
		case "month":
			return Month, nil
		case "year":
			return Year, nil
		}
	}
	return 0, fmt.Errorf("sensitivity %q must be \"one false alarm per\" hour, day, week, month or year", text)
}
