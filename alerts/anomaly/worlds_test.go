package anomaly_test

import (
	"math"
	"math/rand/v2"
)

// world draws the values of a series that has nothing wrong with it.
type world struct {
	name   string
	next   func(r *rand.Rand, i int, dt float64) float64
	coarse bool // of few values or at rest for long: fewer false alarms than asked are no fault
}

func laplace(r *rand.Rand) float64 {
	v := r.ExpFloat64()
	if r.IntN(2) == 0 {
		return -v
	}
	return v
}

// worlds are the distributions the rate of false alarms is measured on; dt is the
// time between samples in days.
func worlds() []world {
	ar := func(phi float64) func(*rand.Rand, int, float64) float64 {
		x := 0.0
		return func(r *rand.Rand, _ int, _ float64) float64 {
			x = phi*x + r.NormFloat64()
			return x
		}
	}
	walk := 0.0
	worlds := []world{
		{name: "normal", next: func(r *rand.Rand, _ int, _ float64) float64 { return 20 + r.NormFloat64() }},
		{name: "laplace", next: func(r *rand.Rand, _ int, _ float64) float64 { return laplace(r) }},
		{name: "uniform", next: func(r *rand.Rand, _ int, _ float64) float64 { return 1e6 * r.Float64() }},
		{name: "student5", next: func(r *rand.Rand, _ int, _ float64) float64 {
			chi := 0.0
			for range 5 {
				n := r.NormFloat64()
				chi += n * n
			}
			return r.NormFloat64() / math.Sqrt(chi/5)
		}},
		{name: "ar0.7", next: ar(0.7)},
		{name: "ar0.98", next: ar(0.98)},
		{name: "walk", next: func(r *rand.Rand, _ int, _ float64) float64 { walk += r.NormFloat64(); return walk }},
		{name: "quantized", next: func(r *rand.Rand, _ int, _ float64) float64 { return math.Round(20 + 0.7*r.NormFloat64()) }},
		{name: "rare_steps", next: func(r *rand.Rand, _ int, _ float64) float64 { return math.Round(20 + 0.2*r.NormFloat64()) }},
		{name: "daily", next: func(r *rand.Rand, i int, dt float64) float64 {
			return 10*math.Sin(2*math.Pi*float64(i)*dt) + r.NormFloat64()
		}},
		{name: "weekly", next: func(r *rand.Rand, i int, dt float64) float64 {
			day := float64(i) * dt
			amplitude := 10.0
			if int(day)%7 >= 5 {
				amplitude = 4
			}
			return amplitude*math.Sin(2*math.Pi*day) + r.NormFloat64()
		}},
		{name: "weak_day", next: func(r *rand.Rand, i int, dt float64) float64 {
			return 2*math.Sin(2*math.Pi*float64(i)*dt) + r.NormFloat64()
		}},
		{name: "lognormal", next: func(r *rand.Rand, _ int, _ float64) float64 { return math.Exp(r.NormFloat64()) }},
		{name: "office", next: func(r *rand.Rand, i int, dt float64) float64 {
			day := float64(i) * dt
			if hour := math.Mod(day, 1) * 24; int(day)%7 >= 5 || hour < 8 || hour >= 17 || r.IntN(2) == 0 {
				return 0
			}
			return r.ExpFloat64()
		}},
		{name: "constant", next: func(*rand.Rand, int, float64) float64 { return 5 }},
	}
	for i := range worlds {
		switch worlds[i].name {
		case "quantized", "rare_steps", "office", "constant":
			worlds[i].coarse = true
		}
	}
	return worlds
}

// worldOf returns the world of a name.
func worldOf(name string) world {
	for _, w := range worlds() {
		if w.name == name {
			return w
		}
	}
	panic("no world " + name)
}
