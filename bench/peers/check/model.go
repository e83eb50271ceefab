package main

// expect is the job without any cleverness: all readings of a window in a list, the rule as the sentence says it.
func expect(in input) *results {
	want := newResults(in.compared())
	tens, hops := map[windowOf][]float64{}, map[windowOf][]float64{}
	type rule struct {
		newest int64
		firing bool
	}
	rules := map[string]*rule{}
	for _, r := range in {
		const ten, hop = 10_000, 60_000
		start := r.ts - r.ts%ten
		tens[windowOf{r.device, start}] = append(tens[windowOf{r.device, start}], r.value)
		for s := start; s > r.ts-hop; s -= ten {
			hops[windowOf{r.device, s}] = append(hops[windowOf{r.device, s}], r.value)
		}
		state := rules[r.device]
		if state == nil {
			state = &rule{}
			rules[r.device] = state
		}
		if r.ts < state.newest {
			continue
		}
		state.newest = r.ts
		switch {
		case !state.firing && r.value > 80:
			state.firing = true
			want.add(result{kind: "alerts", Device: r.device, Event: "firing", TS: r.ts, Value: r.value})
		case state.firing && r.value < 70:
			state.firing = false
			want.add(result{kind: "alerts", Device: r.device, Event: "resolved", TS: r.ts, Value: r.value})
		}
	}
	for w, values := range tens {
		ten := result{kind: "ten", Device: w.device, Start: w.start, End: w.start + 10_000, Count: int64(len(values)), Mean: mean(values)}
		ten.Min, ten.Max = values[0], values[0]
		for _, v := range values {
			ten.Min, ten.Max = min(ten.Min, v), max(ten.Max, v)
		}
		want.add(ten)
	}
	for w, values := range hops {
		want.add(result{kind: "hop", Device: w.device, Start: w.start, End: w.start + 60_000, Mean: mean(values)})
	}
	return want
}

type windowOf struct {
	device string
	start  int64
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
