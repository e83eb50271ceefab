package configs

import (
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/weirstream/weir/event"
)

// dayNames are the days of the week as files have them, in the order of a calendar.
func dayNames() []string { return []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} }

// weekdays are some days of the week.
type weekdays struct {
	leaf
	value Weekdays
}

// Weekdays are days of the week, by time.Weekday.
type Weekdays [7]bool

// String writes the days as files have them: mon-fri, or mon,wed,fri.
func (w Weekdays) String() string {
	var parts []string
	names := dayNames()
	has := func(i int) bool { return i < len(names) && w[(i+1)%7] }
	for i := 0; i < len(names); i++ {
		if !has(i) {
			continue
		}
		first := i
		for has(i + 1) {
			i++
		}
		switch i - first {
		case 0:
			parts = append(parts, names[i])
		case 1:
			parts = append(parts, names[first], names[i])
		default:
			parts = append(parts, names[first]+"-"+names[i])
		}
	}
	return strings.Join(parts, ",")
}

func (w *weekdays) read(s scalar, _ reflect.StructTag) string {
	var days Weekdays
	for _, part := range strings.Split(s.text, ",") {
		first, last, ranged := strings.Cut(strings.TrimSpace(part), "-")
		if !ranged {
			last = first
		}
		from, problem := dayOf(first)
		if problem != "" {
			return problem
		}
		to, problem := dayOf(last)
		if problem != "" {
			return problem
		}
		for i := from; ; i = (i + 1) % 7 {
			days[(i+1)%7] = true
			if i == to {
				break
			}
		}
	}
	w.value = days
	return ""
}

// dayOf is the number of a day, from 0 for Monday, and what is wrong with its name.
func dayOf(name string) (int, string) {
	name = strings.ToLower(strings.TrimSpace(name))
	for i, day := range dayNames() {
		if name == day || name == strings.ToLower(time.Weekday((i+1)%7).String()) {
			return i, ""
		}
	}
	switch name {
	case "weekday", "weekdays", "workday", "workdays":
		return 0, "is not known; write mon-fri"
	case "weekend", "weekends":
		return 0, "is not known; write sat,sun"
	case "":
		return 0, "has a day without a name; write days such as mon-fri or mon,wed,sat"
	}
	return 0, "has an unknown day " + strconv.Quote(shorten(name)) + "; write days such as mon-fri or mon,wed,sat" + suggest(name, dayNames())
}

func (w *weekdays) schema(tag reflect.StructTag) map[string]any {
	const one = `(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?`
	s := map[string]any{"type": "string", "pattern": "^" + one + "(, *" + one + ")*$|" + reference}
	return withDefault(s, tag, func(v string) any { return v })
}

// dayTime is a time of day in milliseconds, from 0, less than a day.
type dayTime struct {
	leaf
	value event.Time
}

func (d *dayTime) read(s scalar, _ reflect.StructTag) string {
	const form = `is not a time of day; write hours and minutes, such as "06:00" or "22:30"`
	if s.text == "24:00" {
		return `is the beginning of the next day; write "00:00"`
	}
	if t, err := time.Parse("15:04:05", s.text); err == nil {
		d.value = sinceMidnight(t)
		return ""
	}
	t, err := time.Parse("15:04", s.text)
	if err != nil {
		return form
	}
	d.value = sinceMidnight(t)
	return ""
}

func sinceMidnight(t time.Time) event.Time {
	return event.Time((t.Hour()*60+t.Minute())*60+t.Second()) * 1000
}

func (d *dayTime) schema(tag reflect.StructTag) map[string]any {
	s := map[string]any{"type": "string", "pattern": `^[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?$|` + reference}
	return withDefault(s, tag, func(v string) any { return v })
}
