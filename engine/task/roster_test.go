package task

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/operators/roster"
	"github.com/weirstream/weir/statestore"
)

const ownPipeline = `
time: {wait_for_late: 1s, idle_after: 10s}
state: {forget_after: 2h}
devices: {roster: roster.csv}
rules:
- {name: hot, when: temperature, levels: {warning: {above: labels.limit}}, message: "at {{labels.site}}"}
`

const (
	mild   = "device,limit,site\na,90,x\n"
	strict = "device,limit,site\na,60,x\n"
)

func print64(t require.TestingT, text string) uint64 {
	r, err := roster.Parse([]byte(text))
	require.NoError(t, err)
	return r.Fingerprint()
}

// The journal's note begins with the roster that a task starts with, and says from
// where on each further one was in force. Wall time that entered under another
// roster stays a fact of its own.
func TestFactsOfTheRoster(t *testing.T) {
	p := newPlant(t, ownPipeline, plantOptions{roster: mild})
	p.advance(Now{Wall: at(0), Position: 0})
	spoke(p, "a", at(0))
	p.setRoster(strict)
	p.setRoster(mild) // nothing was done with the one before
	p.setRoster(strict)
	p.advance(Now{Wall: at(1), Position: 1})
	p.advance(Now{Wall: at(2), Position: 1})
	p.setRoster(mild)
	p.advance(Now{Wall: at(3), Position: 1})
	spoke(p, "a", at(4))
	p.setRoster(mild)
	require.Equal(t, []Fact{
		{Position: 0, Roster: print64(t, mild)}, {Position: 0, Wall: at(0)},
		{Position: 1, Roster: print64(t, strict)}, {Position: 1, Wall: at(2)},
		{Position: 1, Roster: print64(t, mild)}, {Position: 1, Wall: at(3)},
		{Position: 2, Roster: print64(t, mild)},
	}, decodeFacts(t, p.task.TakeFacts()))
	p.restart()
	require.Equal(t, []Fact{{Position: 2, Roster: print64(t, mild)}}, decodeFacts(t, p.task.TakeFacts()))
}

// The slot of a forgotten device may go to another, which has labels of its own.
func TestLabelsFollowTheDeviceNotItsSlot(t *testing.T) {
	p := newPlant(t, ownPipeline, plantOptions{roster: "device,limit,site\na,90,x\nb,10,y\n"})
	fold := func(device string, s int64) {
		r := reading{device: device, metric: "temperature", at: at(s), appended: at(s), value: "50", seq: -1}
		require.NoError(t, p.fold(r.record()))
	}
	fold("a", 0)
	require.Empty(t, p.taken())
	p.advance(Now{Wall: at(20), Mono: 0, Position: 1})
	p.advance(Now{Wall: at(20_000), Mono: 20_000_000, Position: 1})
	require.Zero(t, p.table.Len(), "forgotten")
	fold("b", 20_001)
	slot, ok := p.table.Lookup([]byte("b"))
	require.True(t, ok)
	require.Zero(t, slot, "the slot that a had")
	require.Contains(t, p.taken()[0].value, `"limit":"10","site":"y"}`)
}

func TestFitRoster(t *testing.T) {
	p := newPlant(t, ownPipeline, plantOptions{roster: "device,site,limit,spare\na,x,90,1\n"})
	for text, want := range map[string]string{
		"device,limit,site\n":             "",
		"limit,device,site\n,a,1\n":       "",
		"device,limit,site,new\na,1,2,3":  "",
		"device,limit\na,1\n":             `rule hot uses labels.site: there is no column "site"`,
		"device,site\na,1\n":              `rule hot uses labels.limit: there is no column "limit"`,
		"device,limit,site\na,1 C,b\n":    `rule hot uses labels.limit: line 2: limit is "1 C", which is not a number`,
		"device,limit,site,spare\na,,,no": "",
	} {
		r, err := roster.Parse([]byte(text))
		require.NoError(t, err)
		fitted, err := p.plan.FitRoster(r)
		if want != "" {
			require.EqualError(t, err, want, text)
			continue
		}
		require.NoError(t, err, text)
		require.Equal(t, "site limit spare", names(fitted.Labels()[:3]), text)
	}
}

func names(labels []roster.Label) string {
	var list []string
	for _, l := range labels {
		list = append(list, l.Name)
	}
	return strings.Join(list, " ")
}

// ownTask is a task all of whose devices have limits of their own, which nothing
// exceeds.
func ownTask(t testing.TB, f *fleet) *Task {
	var csv strings.Builder
	csv.WriteString("device,site,limit,ends\n")
	for i := range f.devices {
		fmt.Fprintf(&csv, "d%07d,site %d,%d,50\n", i, i%100, 60+i%7)
	}
	pipeline := `
source: {topic: readings, reading: {unit: ms}}
devices: {roster: roster.csv}
rules:
- {name: hot, when: temperature, levels: {alarm: {above: labels.limit, clear_below: labels.ends}, worse: {above: labels.limit, hold: 5m}}}
`
	plan, err := Compile(parsePipeline(t, pipeline, csv.String()))
	require.NoError(t, err)
	table, err := statestore.NewTable(plan.Layout, statestore.Options{TaskWords: TaskWords()})
	require.NoError(t, err)
	out := &Outputs{}
	out.Reset()
	task := New(plan, table, out, Options{Decoder: decoderOf(t, plan.Pipeline, "device")})
	r, err := roster.Parse([]byte(csv.String()))
	require.NoError(t, err)
	r, err = plan.FitRoster(r)
	require.NoError(t, err)
	task.SetRoster(r, 0)
	for left := 2 * f.devices; left > 0; {
		n := min(left, len(f.records))
		require.NoError(t, task.Fold(f.fill(n)))
		out.Reset()
		left -= n
	}
	return task
}

func TestOwnThresholdsAllocateNothing(t *testing.T) {
	f := newFleet(1000, 1000)
	task := ownTask(t, f)
	require.Zero(t, testing.AllocsPerRun(20, func() {
		if err := task.Fold(f.fill(1000)); err != nil {
			panic(err)
		}
	}))
	require.Zero(t, task.Counters().Alerts)
}

// BenchmarkOwnThreshold is a reading for a rule on a metric whose thresholds the
// roster gives.
func BenchmarkOwnThreshold(b *testing.B) {
	for _, devices := range []int{10_000, 500_000} {
		var f *fleet
		var task *Task
		b.Run(fmt.Sprintf("devices=%d", devices), func(b *testing.B) {
			if testing.Short() && devices > 100_000 {
				b.Skip("many devices take a while")
			}
			if task == nil {
				f = newFleet(devices, 4096)
				task = ownTask(b, f)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for left := b.N; left > 0; {
				b.StopTimer()
				n := min(left, len(f.records))
				records := f.fill(n)
				b.StartTimer()
				if err := task.Fold(records); err != nil {
					b.Fatal(err)
				}
				left -= n
			}
		})
	}
}

// A recovered task watches its devices little by little. Who fell silent before the
// new roster did so under the old one, noticed by then or not.
func TestASilenceBeforeANewRosterIsOfTheOldOne(t *testing.T) {
	const pipeline = `
time: {wait_for_late: 5s, idle_after: 20s}
devices: {roster: roster.csv}
windows:
- {name: t, metric: temperature, tumbling: 1m, compute: [mean]}
rules:
- {name: hot, when: t.mean, levels: {alarm: {above: labels.limit}}}
`
	strict, mild := "device,limit\na,10\nb,10\n", "device,limit\na,90\nb,90\n"
	told := func(restart bool) string {
		p := newPlant(t, pipeline, plantOptions{roster: strict})
		fold := func(device string, s int64) {
			r := reading{device: device, metric: "temperature", at: at(s), appended: at(s), value: "50", seq: -1}
			require.NoError(t, p.fold(r.record()))
		}
		fold("a", 0)
		if restart {
			p.restart()
		}
		fold("b", 25) // the task's clock: a is silent
		p.setRoster(mild)
		p.advance(Now{Wall: at(26), Mono: 0, Position: 2})
		text := ""
		for _, o := range p.taken() {
			text += o.key + " " + o.value + "\n"
		}
		return text
	}
	require.Contains(t, told(false), `"threshold":10`)
	require.Equal(t, told(false), told(true))
}

// A label whose name is part of another word is not used by that.
func TestFitRosterNeedsWhatIsUsedOnly(t *testing.T) {
	p := newPlant(t, `
devices: {roster: roster.csv}
where: labels.limit > 0 and metric != "id"
derive: {double: {from: temperature, value: value * labels.scale}}
rules: [{name: hot, when: double, levels: {alarm: {above: 1}}}]
`, plantOptions{roster: "device,id,lim,limit,scale,e\na,x,1,2,3,4\n"})
	for text, want := range map[string]string{
		"device,limit,scale\na,1,2\n": "",
		"device,scale\na,2\n":         `where uses labels.limit: there is no column "limit"`,
		"device,limit\na,2\n":         `derive.double uses labels.scale: there is no column "scale"`,
	} {
		r, err := roster.Parse([]byte(text))
		require.NoError(t, err)
		if _, err = p.plan.FitRoster(r); want == "" {
			require.NoError(t, err, text)
		} else {
			require.EqualError(t, err, want, text)
		}
	}
}

// A silence that was due while one version was in force is judged by it, also in a
// task that had just been recovered: whoever recovers it next may have another version.
func TestSilenceIsJudgedByTheRosterOfItsTime(t *testing.T) {
	pipeline := strings.Replace(ownPipeline, "rules:", "windows:\n- {name: w, metric: temperature, tumbling: 1m, compute: [max]}\nrules:", 1)
	pipeline = strings.Replace(pipeline, "when: temperature", "when: w.max", 1)
	p := newPlant(t, pipeline, plantOptions{roster: strict})
	fold := func(device string, s int64) {
		r := reading{device: device, metric: "temperature", at: at(s), appended: at(s), value: "70", seq: -1}
		require.NoError(t, p.fold(r.record()))
	}
	fold("a", 0)
	p.restart()
	fold("b", 20) // a has been silent for 10 s
	require.Contains(t, p.taken()[0].value, `"threshold":60`)
	p.restart()
	p.setRoster(mild)
	fold("b", 21)
	p.advance(Now{Wall: at(22), Position: 3})
	require.Empty(t, p.taken())
}
