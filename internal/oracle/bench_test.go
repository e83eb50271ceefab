package oracle

import "testing"

// BenchmarkCheck verifies 100,000 readings of 2,000 devices under manyKinds: 15 s
// in all, half of them to make the readings.
func BenchmarkCheck(b *testing.B) {
	benchmark(b, newHistory(pipelineOf(b, manyKinds), 1, 100_000, 2_000))
}

// BenchmarkCheckNew verifies 20,000 readings of 500 devices under newKinds.
func BenchmarkCheckNew(b *testing.B) { benchmark(b, newHistory(extended(b, newKinds), 1, 20_000, 500)) }

func benchmark(b *testing.B, h *history) {
	b.ReportAllocs()
	for b.Loop() {
		if r := Check(h.in); len(r.Differences) > 0 || r.Readings < len(h.in.Source) {
			b.Fatal(r)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(h.in.Source)), "ns/reading")
}
