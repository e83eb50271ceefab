package rig

import (
	"os"
	"strconv"
	"strings"
)

// Memory is what a process keeps in memory, in bytes.
type Memory struct {
	// Own is its anonymous memory: heap, stacks, and what the runtime has not given back.
	Own float64
	// Files is what is in memory of the files it has mapped; the kernel may drop it at any time.
	Files float64
}

// Memory looks at the memory of the present life. It needs /proc, so it is false elsewhere than on Linux.
func (w *Process) Memory() (Memory, bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(w.life.command.Process.Pid) + "/status")
	if err != nil {
		return Memory{}, false
	}
	own, isOwn := kilobytes(string(text), "RssAnon:")
	files, isFiles := kilobytes(string(text), "RssFile:")
	return Memory{Own: own, Files: files}, isOwn && isFiles
}

// kilobytes reads a line of /proc/PID/status such as "RssAnon:	  1204 kB", in bytes.
func kilobytes(status, key string) (float64, bool) {
	_, after, found := strings.Cut(status, "\n"+key)
	if !found {
		return 0, false
	}
	line, _, _ := strings.Cut(after, "\n")
	n, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(line, "kB")), 64)
	return n * 1024, err == nil
}
