package main

import (
	"encoding/json"
	"fmt"
	"log"
	"math"
	"strings"
)

// result is one output record; which members it has depends on its kind: ten, hop or alerts.
type result struct {
	kind string

	Device string  `json:"device"`
	Start  int64   `json:"start"`
	End    int64   `json:"end"`
	Count  int64   `json:"count"`
	Mean   float64 `json:"mean"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Event  string  `json:"event"`
	TS     int64   `json:"ts"`
	Value  float64 `json:"value"`
}

// id is what the mean is compared under; everything else in a result is exact.
func (r result) id() result {
	r.Mean = 0
	return r
}

// results are the means found under each id. Windows that end after latest are left out.
type results struct {
	latest int64
	means  map[result][]float64
	kinds  map[string]int
}

func newResults(latest int64) *results {
	return &results{latest: latest, means: map[result][]float64{}, kinds: map[string]int{}}
}

func (rs *results) add(r result) {
	if r.End > rs.latest {
		return
	}
	rs.means[r.id()] = append(rs.means[r.id()], r.Mean)
	rs.kinds[r.kind]++
}

// addRecord takes a record of topic PREFIX-kind.
func (rs *results) addRecord(topic string, key, value []byte) error {
	r := result{kind: topic[strings.LastIndexByte(topic, '-')+1:]}
	if err := json.Unmarshal(value, &r); err != nil {
		return fmt.Errorf("record of %s: %w: %s", topic, err, value)
	}
	if r.Device != string(key) {
		return fmt.Errorf("record of %s has the key %q: %s", topic, key, value)
	}
	rs.add(r)
	return nil
}

func (rs *results) size() int { return rs.kinds["ten"] + rs.kinds["hop"] + rs.kinds["alerts"] }

func (rs *results) String() string {
	return fmt.Sprintf("%d ten, %d hop, %d alerts", rs.kinds["ten"], rs.kinds["hop"], rs.kinds["alerts"])
}

// compare logs what differs, the first few of each kind of difference, and says whether nothing does.
func (rs *results) compare(want *results) bool {
	missing, surplus, twice, means := tally{what: "missing"}, tally{what: "surplus"}, tally{what: "more than once"}, tally{what: "other mean"}
	for id, w := range want.means {
		got := rs.means[id]
		switch {
		case len(got) == 0:
			missing.add(id)
		case len(got) > len(w):
			twice.add(id)
		case math.Abs(got[0]-w[0]) > 1e-9*math.Abs(w[0]):
			means.add(id)
		}
	}
	for id := range rs.means {
		if want.means[id] == nil {
			surplus.add(id)
		}
	}
	ok := missing.n+surplus.n+twice.n+means.n == 0
	verdict := map[bool]string{true: "EQUAL", false: "DIFFERENT"}[ok]
	log.Printf("%s: got %s; %d missing, %d surplus, %d more than once, %d with another mean",
		verdict, rs, missing.n, surplus.n, twice.n, means.n)
	return ok
}

type tally struct {
	what string
	n    int
}

func (t *tally) add(id result) {
	if t.n++; t.n <= 3 {
		log.Printf("%s: %+v", t.what, id)
	}
}
