//go:build real

package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/stretchr/testify/require"
)

// rosters are the versions of the file that names the devices. All processes of a round read one file.
type rosters struct {
	dir      string
	versions []string // their files
	rng      *rand.Rand
}

// file is what the processes read.
func (s *rosters) file() string { return filepath.Join(s.dir, "fleet.csv") }

// openRosters writes the first version.
func (r *round) openRosters() {
	r.t.Helper()
	r.pipe.rosters = &rosters{dir: r.t.TempDir(), rng: rand.New(rand.NewPCG(r.seed, 2))}
	r.newRoster()
}

// losesJournal reports whether the fault takes from the journal what verify goes by: which version, of the roster and of the commands, was
// in force when.
func (r *round) losesJournal() bool {
	return strings.HasPrefix(r.fault.Name, "journal-") || r.fault.Name == "state-gone"
}

// newRoster puts a version with other limits in the place of the file.
func (r *round) newRoster() {
	r.t.Helper()
	s := r.pipe.rosters
	if len(s.versions) > 0 && r.losesJournal() {
		return
	}
	var b strings.Builder
	b.WriteString("device,site,limit,calm\n")
	for i := range 400 {
		if s.rng.IntN(20) == 0 {
			continue
		}
		site := []string{"north", "south", `"hall ""4"", east"`, "closed"}[min(3, s.rng.IntN(24)/7)]
		limit := 36 + s.rng.IntN(12)
		fmt.Fprintf(&b, "device-%05d,%s,%d.5,%d\n", i, site, limit, limit-1-s.rng.IntN(5))
	}
	version := filepath.Join(s.dir, fmt.Sprintf("version-%d.csv", len(s.versions)))
	require.NoError(r.t, os.WriteFile(version, []byte(b.String()), 0o600))
	next := s.file() + ".next"
	require.NoError(r.t, os.WriteFile(next, []byte(b.String()), 0o600))
	require.NoError(r.t, os.Rename(next, s.file()))
	s.versions = append(s.versions, version)
}
