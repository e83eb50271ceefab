package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const ticksPerSecond = 100 // USER_HZ, which /proc speaks in on every Linux

// processStat is a line of /proc/PID/stat, as far as it is used (proc_pid_stat(5)).
type processStat struct {
	pid, parent, group int
	cpu                time.Duration // user and system
}

func readStat(pid int) (processStat, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return processStat{}, err
	}
	return parseStat(string(text))
}

// parseStat takes the command apart first: it may hold blanks and parentheses.
func parseStat(text string) (processStat, error) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	fields := strings.Fields(text[max(end+1, 0):])
	if open < 1 || end < open || len(fields) < 13 {
		return processStat{}, fmt.Errorf("stat of no known form: %.80s", text)
	}
	var numbers [5]int
	for i, field := range []string{strings.TrimSpace(text[:open]), fields[1], fields[2], fields[11], fields[12]} {
		n, err := strconv.Atoi(field)
		if err != nil {
			return processStat{}, fmt.Errorf("stat: %w", err)
		}
		numbers[i] = n
	}
	ticks := numbers[3] + numbers[4]
	return processStat{pid: numbers[0], parent: numbers[1], group: numbers[2], cpu: time.Duration(ticks) * time.Second / ticksPerSecond}, nil
}

// groupMembers are the living processes of process groups.
func groupMembers(groups map[int]bool) []processStat {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []processStat
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if s, err := readStat(pid); err == nil && groups[s.group] {
			found = append(found, s)
		}
	}
	return found
}

// fields reads "name: number" lines, such as /proc/PID/status, io and smaps_rollup have; numbers with kB behind them become bytes.
func fields(path string) map[string]int64 {
	found := map[string]int64{}
	text, err := os.ReadFile(path)
	if err != nil {
		return found // it has ended
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		name, rest, ok := strings.Cut(lines.Text(), ":")
		words := strings.Fields(rest)
		if !ok || len(words) == 0 {
			continue
		}
		n, err := strconv.ParseInt(words[0], 10, 64)
		if err != nil {
			continue
		}
		if len(words) > 1 && words[1] == "kB" {
			n *= 1024
		}
		found[name] = n
	}
	return found
}

func residentBytes(pid int) int64 { return fields("/proc/" + strconv.Itoa(pid) + "/status")["VmRSS"] }

// sharedOutBytes is the proportional set size: pages that several processes share count in parts.
func sharedOutBytes(pid int) int64 {
	return fields("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")["Pss"]
}

// writtenBytes is what a process has caused to be written to storage (pages made dirty), less what was deleted before it came to that.
func writtenBytes(pid int) int64 {
	io := fields("/proc/" + strconv.Itoa(pid) + "/io")
	return io["write_bytes"] - io["cancelled_write_bytes"]
}

// folderBytes is the size of all files below a folder.
func folderBytes(folder string) int64 {
	sum := int64(0)
	_ = filepath.WalkDir(folder, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil // it was deleted meanwhile
		}
		info, err := e.Info()
		if err == nil {
			sum += info.Size()
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
	return sum
}
