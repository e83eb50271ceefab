package architecture

import "strings"

// place is the place of a folder in the house.
type place struct {
	folder string
	tree   bool // the folders in it as well, where they have no place of their own
	layer  int
	pure   bool
	may    []string // folders of ours it may import; "..." behind one means its tree
	never  []string // exceptions to may
}

// table is DESIGN section 3: who may import whom.
func table() []place {
	return []place{
		{folder: "event", layer: 0, pure: true},
		{folder: "complaint", layer: 0, pure: true},

		{folder: "operators", tree: true, layer: 1, pure: true, may: []string{"event"}},
		{folder: "operators/window", layer: 1, pure: true, may: []string{"event", "operators/aggregate"}},
		{folder: "operators/expr", layer: 1, pure: true, may: []string{"event", "operators/roster"}},
		{folder: "alerts", layer: 1, pure: true, may: []string{"event"}},
		{folder: "alerts/anomaly", layer: 1, pure: true, may: []string{"event"}},
		{folder: "alerts/commands", layer: 1, pure: true, may: []string{"event"}},
		{folder: "statestore", layer: 1, pure: true, may: []string{"event"}},
		// Expressions, rosters, sensitivities and the names of aggregates are checked where the file is.
		{folder: "configs", tree: true, layer: 1, pure: true, may: []string{"event", "alerts/anomaly", "operators/aggregate", "operators/expr", "operators/roster"}},

		{folder: "statestore/badgerstore", layer: 2, may: []string{"statestore", "event"}},
		{folder: "ingest", layer: 2, may: []string{"event"}},
		{folder: "ingest/codec", layer: 2, pure: true, may: []string{"ingest", "event"}},
		{folder: "ingest/mqtt", layer: 2, may: []string{"ingest", "event", "complaint"}},
		{folder: "ingest/kafka", layer: 2, may: []string{"ingest", "event"}},
		{folder: "access", layer: 2, may: []string{"configs"}},
		{folder: "outlets", layer: 2, may: []string{"event", "complaint"}},
		{folder: "outlets/board", layer: 2, pure: true, may: []string{"alerts/commands", "event"}},
		{folder: "outlets/mqtt", layer: 2, may: []string{"outlets", "event"}},
		{folder: "outlets/alertmanager", layer: 2, may: []string{"outlets", "event"}},

		{folder: "engine/task", layer: 3, pure: true, may: []string{
			"event", "operators...", "alerts...", "statestore", "ingest/codec", "configs"}},
		{folder: "engine/replay", layer: 3, pure: true, may: []string{
			"event", "operators...", "alerts", "alerts/commands", "statestore", "ingest/codec", "configs", "engine/task"}},
		{folder: "engine", tree: true, layer: 3,
			may:   []string{"event", "complaint", "operators...", "alerts", "alerts/commands", "statestore", "configs...", "ingest...", "engine..."},
			never: []string{"ingest/mqtt", "ingest/kafka"}},

		{folder: "internal/oracle", layer: 4, pure: true, may: []string{"event", "configs", "alerts/anomaly", "alerts/commands"}},
		{folder: "internal/oracle/topics", layer: 4, may: []string{"event", "configs", "internal/oracle"}},

		{folder: "docs", layer: 4},
		{folder: "cmd", tree: true, layer: 4, may: []string{"..."}},
		{folder: "internal", tree: true, layer: 4, may: []string{"..."}},
		{folder: "bench", tree: true, layer: 4, may: []string{"..."}},
	}
}

// placeOf returns the place of a folder: its own, or that of the nearest tree.
func placeOf(folder string) (place, bool) {
	var best place
	found := false
	for _, p := range table() {
		if p.folder == folder {
			return p, true
		}
		if p.tree && under(folder, p.folder) && len(p.folder) > len(best.folder) {
			best, found = p, true
		}
	}
	return best, found
}

// allows reports whether a package of this place may import the folder.
func (p place) allows(folder string) bool {
	for _, n := range p.never {
		if under(folder, n) {
			return false
		}
	}
	for _, m := range p.may {
		top, tree := strings.CutSuffix(m, "...")
		if folder == m || tree && (top == "" || under(folder, top)) {
			return true
		}
	}
	return false
}

// instead says what a package does that may not import what it would like to.
func (p place) instead(folder string) string {
	if under(folder, "internal") {
		return "internal/... serves cmd, bench and tests only: move what both need into a package of its layer"
	}
	if len(p.may) == 0 {
		return p.folder + " imports nothing of ours: move what needs both to a higher layer"
	}
	list := strings.Join(p.may, ", ")
	if p.layer == 3 {
		return "allowed are " + list + ": declare the interface it needs here and let cmd/weir pass the adapter in"
	}
	return "allowed are " + list + ": declare a small interface here, or join the two in a higher layer"
}
