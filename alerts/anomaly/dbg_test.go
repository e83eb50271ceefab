package anomaly

import ("testing";"os";"encoding/csv";"time";"strconv";"github.com/weirstream/weir/event";"sort")

func TestDbg(t *testing.T) {
	f,_ := os.Open("/work/shared/reference/nab/rogue_agent_key_updown.csv")
	rows,_ := csv.NewReader(f).ReadAll()
	d,_ := Compile(Options{})
	w := make([]uint64, d.Words())
	for i, r := range rows[1:] {
		at,_ := time.Parse("2006-01-02 15:04:05", r[0]); v,_ := strconv.ParseFloat(r[1],64)
		got := d.Step(w, event.Time(at.UnixMilli()), v)
		if v > 20 || got.Alarm || i%400==0 {
			s := state(w)
			var th []float64
			for c := range channels { th = append(th, s.threshold(c)) }
			t.Logf("%d %s %.1f %v score %.3f mode %d thr %.3v err %.3v %.3v %.3v meta %+v", i, r[0], v, got.Kind, got.Score, s[wordSeason], th, s.float(wordErrors), s.float(wordErrors+1), s.float(wordErrors+2), unpackMeta(s[channelWord(jump)+1]))
			if v > 20 { m := unpackMeta(s[channelWord(jump)+1]); var x []float64; for k := range int(m.filled) { x = append(x, s.half(ringWord(jump),k)) }; sort.Float64s(x); t.Logf("%.1f",x) }
		}
	}
}
