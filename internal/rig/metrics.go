package rig

import (
	"bufio"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Metrics reads /metrics: samples by name and labels as they are written there, without the label of the pipeline. It returns nil
// while nobody answers.
func (w *Process) Metrics() map[string]float64 {
	w.t.Helper()
	w.Alive()
	client := http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://" + w.http + "/metrics")
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	name := w.program.Pipeline
	own := strings.NewReplacer(`,pipeline="`+name+`"`, "", `pipeline="`+name+`",`, "", `{pipeline="`+name+`"}`, "")
	samples := map[string]float64{}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, value, found := strings.Cut(own.Replace(lines.Text()), " ")
		if v, err := strconv.ParseFloat(value, 64); found && err == nil {
			samples[name] = v
		}
	}
	if lines.Err() != nil {
		return nil
	}
	return samples
}

// Ready waits until so many tasks are live and, with MQTT, the bridge is subscribed.
func (w *Process) Ready(tasks int) {
	w.t.Helper()
	Await(w.t, w.program.Pipeline+" ready", time.Minute, func() (bool, string) {
		m := w.Metrics()
		live := Live(m)
		connected, bridges := m["weir_mqtt_connected"]
		return live == tasks && (!bridges || connected == 1), strconv.Itoa(live) + " tasks are live\n" + w.LogTail()
	})
}

// Live is how many tasks of a process are live; those of groups are not counted.
func Live(m map[string]float64) int { return liveOf(m, "weir_task_live{") }

// LiveGroups is how many tasks of groups are live.
func LiveGroups(m map[string]float64) int { return liveOf(m, "weir_group_task_live{") }

func liveOf(m map[string]float64, series string) int {
	live := 0.0
	for name, v := range m { // unordered: a sum of whole numbers
		if strings.HasPrefix(name, series) {
			live += v
		}
	}
	return int(live)
}

// Outcome is how many readings ended in a class, from confirmed commits only.
func Outcome(m map[string]float64, class string) int64 {
	sum := 0.0
	for name, v := range m { // unordered: a sum of whole numbers
		if strings.HasPrefix(name, "weir_readings_total{") && strings.Contains(name, `outcome="`+class+`"`) {
			sum += v
		}
	}
	return int64(sum)
}
