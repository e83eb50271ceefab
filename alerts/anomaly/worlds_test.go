package anomaly_test

import (
	"math"
	"math/rand/v2"
)

// world draws the values of a series that has nothing wrong with it.
type world struct {
	name string
	next func(r *rand.Rand, i int, dt float64) float64
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
	return []world{
		{"normal", func(r *rand.Rand, _ int, _ float64) float64 { return 20 + r.NormFloat64() }},
		{"laplace", func(r *rand.Rand, _ int, _ float64) float64 { return laplace(r) }},
		{"uniform", func(r *rand.Rand, _ int, _ float64) float64 { return 1e6 * r.Float64() }},
		{"student5", func(r *rand.Rand, _ int, _ float64) float64 {
			chi := 0.0
			for range 5 {
				n := r.NormFloat64()
				chi += n * n
			}
			return r.NormFloat64() / math.Sqrt(chi/5)
		}},
		{"ar0.7", ar(0.7)},
		{"ar0.98", ar(0.98)},
		{"walk", func(r *rand.Rand, _ int, _ float64) float64 { walk += r.NormFloat64(); return walk }},
		{"quantized", func(r *rand.Rand, _ int, _ float64) float64 { return math.Round(20 + 0.7*r.NormFloat64()) }},
		{"rare_steps", func(r *rand.Rand, _ int, _ float64) float64 { return math.Round(20 + 0.2*r.NormFloat64()) }},
		{"daily", func(r *rand.Rand, i int, dt float64) float64 {
			return 10*math.Sin(2*math.Pi*float64(i)*dt) + r.NormFloat64()
		}},
		{"weekly", func(r *rand.Rand, i int, dt float64) float64 {
			day := float64(i) * dt
			amplitude := 10.0
			if int(day)%7 >= 5 {
				amplitude = 4
			}
			return amplitude*math.Sin(2*math.Pi*day) + r.NormFloat64()
		}},
		{"weak_day", func(r *rand.Rand, i int, dt float64) float64 {
			return 2*math.Sin(2*math.Pi*float64(i)*dt) + r.NormFloat64()
		}},
		{"lognormal", func(r *rand.Rand, _ int, _ float64) float64 { return math.Exp(r.NormFloat64()) }},
		{"office", func(r *rand.Rand, i int, dt float64) float64 {
			day := float64(i) * dt
			if hour := math.Mod(day, 1) * 24; int(day)%7 >= 5 || hour < 8 || hour >= 17 || r.IntN(2) == 0 {
				return 0
			}
			return r.ExpFloat64()
		}},
		{"constant", func(*rand.Rand, int, float64) float64 { return 5 }},
	}
}
