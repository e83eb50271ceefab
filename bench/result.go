package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// result is one run of one engine, or the facts of the machine (Facts). It is one line of a results file.
type result struct {
	At      time.Time `json:"at"`
	Measure string    `json:"measure"`
	Case    string    `json:"case,omitempty"`  // what was asked of every engine in the same way: results of one case can be compared
	Order   int64     `json:"order,omitempty"` // of the case in tables and plots
	Engine  string    `json:"engine,omitempty"`
	Run     int       `json:"run,omitempty"` // from 1; runs of one number were made one after the other, so that ratios are taken within it
	// Figures by name, the unit last. A figure that could not be had is not there.
	Figures map[string]float64 `json:"figures,omitempty"`
	Verdict *verdict           `json:"verdict,omitempty"` // nil: nothing to compare
	Failed  string             `json:"failed,omitempty"`  // why there is no result
	Quick   bool               `json:"quick,omitempty"`
	Command string             `json:"command,omitempty"` // that makes it again
	Facts   map[string]string  `json:"facts,omitempty"`
}

// good reports whether the figures may be shown as such.
func (r result) good() bool { return r.Failed == "" && (r.Verdict == nil || r.Verdict.right()) }

// journal appends results to a file as they come.
type journal struct {
	path string
	file *os.File
}

func openJournal(path string) (*journal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open results: %w", err)
	}
	return &journal{path: path, file: file}, nil
}

func (j *journal) add(r result) error {
	line, err := json.Marshal(r)
	if err == nil {
		_, err = j.file.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", j.path, err)
	}
	return nil
}

func (j *journal) close() error { return j.file.Close() }

// readResults reads files in their order.
func readResults(paths []string) ([]result, error) {
	var all []result
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 1<<20)
		for n := 1; lines.Scan(); n++ {
			if strings.TrimSpace(lines.Text()) == "" {
				continue
			}
			var r result
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				_ = file.Close()
				return nil, fmt.Errorf("%s line %d: %w", path, n, err)
			}
			all = append(all, r)
		}
		_ = file.Close()
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return all, nil
}
