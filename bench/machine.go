package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// machineFacts are what the figures depend on, by the name under which they are shown.
func machineFacts(ctx context.Context, root string) map[string]string {
	facts := map[string]string{
		"cores":  fmt.Sprint(runtime.NumCPU()),
		"memory": fmt.Sprintf("%.0f GiB", float64(fields("/proc/meminfo")["MemTotal"])/(1<<30)),
		"go":     strings.TrimPrefix(runtime.Version(), "go"),
	}
	if model := firstLine("/proc/cpuinfo", `(?m)^model name\s*: (.*)$`); model != "" {
		facts["processor"] = model
	}
	if kernel := said(ctx, root, "uname", "-sr"); kernel != "" {
		facts["kernel"] = kernel
	}
	if java := said(ctx, root, "java", "-version"); java != "" {
		facts["java"] = java
	}
	facts["weir"] = said(ctx, root, "git", "describe", "--always", "--dirty", "--tags")
	facts["kafka"] = firstLine(filepath.Join(root, "deploy/kafka/pom.xml"), `<kafka.version>(.*)</kafka.version>`)
	peers, _ := filepath.Glob(filepath.Join(root, "bench/peers/*/pom.xml"))
	for _, file := range peers {
		name := filepath.Base(filepath.Dir(file))
		if version := firstLine(file, `<(?:kafka|flink)\.version>(.*)</`); version != "" {
			facts[name] = version
		}
	}
	if version := firstLine(filepath.Join(root, "bench/peers/quix/requirements.txt"), `(?m)^quixstreams==(\S+)`); version != "" {
		facts["quix"] = version
	}
	return facts
}

// firstLine is the first group of a pattern in a file; empty where there is none.
func firstLine(file, pattern string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	found := regexp.MustCompile(pattern).FindSubmatch(text)
	if found == nil {
		return ""
	}
	return string(found[1])
}

// said is the first line that a command prints, wherever it prints it.
func said(ctx context.Context, dir string, words ...string) string {
	command := exec.CommandContext(ctx, words[0], words[1:]...)
	command.Dir = dir
	out, err := command.CombinedOutput()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}
