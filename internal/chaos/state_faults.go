package chaos

import "time"

func stateFaults() []Fault {
	return []Fault{
		{Name: "state-deleted", Takes: 20 * time.Second, Does: "kill -9, the local copy deleted; then the whole state directory, with the identity"},
		{Name: "state-old-copy", Takes: 20 * time.Second, Does: "kill -9, the state directory swapped for a copy of some seconds ago"},
		{Name: "state-bits-flipped", Takes: 20 * time.Second, Does: "kill -9 or SIGTERM, single bits flipped in the files of the local copy"},
		{Name: "state-truncated", Takes: 20 * time.Second, Does: "kill -9 or SIGTERM, files of the local copy cut off somewhere"},
		{
			Name: "state-read-only", Takes: 15 * time.Second, Needs: "root (mount)", Refused: `read-only file system`, Recovers: true,
			Does: "start on a state directory that is mounted read-only, then again when it is not",
		},
		{
			Name: "disk-full", Takes: 20 * time.Second, Needs: "root (tmpfs)", Refused: `too little free disk space`, Recovers: true,
			Does: "another file fills the disk while weir runs; the process ends at its next write, and so does the next start; then there is space",
		},
	}
}
