package deploy_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unpack builds the package, with something else for the binary, and returns a folder with what it installs.
func unpack(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"bash", "dpkg-deb", "git"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not on this machine", tool)
		}
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "weir")
	require.NoError(t, os.WriteFile(binary, []byte("#!/bin/sh\necho completion\n"), 0o755))
	build := exec.Command("debian/build.sh", binary, dir)
	build.Env = append(os.Environ(), "VERSION=v1.2.3", "COMPRESSION=none")
	out, err := build.Output()
	require.NoError(t, err, "%s", out)
	root := filepath.Join(dir, "root")
	said, err := exec.Command("dpkg-deb", "--extract", strings.TrimSpace(string(out)), root).CombinedOutput()
	require.NoError(t, err, "%s", said)
	return root
}

// What the package's documents link to is in the package, and no link of the file system leads out of it.
func TestPackageHoldsWhatItsDocumentsLinkTo(t *testing.T) {
	root := unpack(t)
	doc := filepath.Join(root, "usr/share/doc/weir")
	links := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	pages, followed := 0, 0
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		require.NoError(t, err)
		if entry.Type()&fs.ModeSymlink != 0 {
			target, err := filepath.EvalSymlinks(path)
			if assert.NoError(t, err) {
				assert.True(t, strings.HasPrefix(target, root), "%s leads to %s", path, target)
			}
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		pages++
		for _, m := range links.FindAllStringSubmatch(read(t, path), -1) {
			to, _, _ := strings.Cut(m[1], "#")
			if to == "" || strings.Contains(to, "://") {
				continue
			}
			followed++
			_, err := os.Stat(filepath.Join(filepath.Dir(path), to))
			assert.NoError(t, err, strings.TrimPrefix(path, doc))
		}
		return nil
	}))
	require.Greater(t, pages, 15)
	require.Greater(t, followed, 60)
	for _, path := range []string{
		"usr/bin/weir", "lib/systemd/system/weir@.service", "etc/weir/example.yaml", "usr/share/man/man1/weir.1.gz", "usr/share/bash-completion/completions/weir",
		"usr/share/weir/prometheus/weir.rules.yml", "usr/share/weir/grafana/dashboards/overview.json", "usr/share/weir/grafana/provisioning/dashboards/weir.yaml",
		"usr/share/weir/pipeline.schema.json", "usr/share/doc/weir/docs/openapi.yaml", "usr/share/doc/weir/docs/alert.schema.json", "usr/share/doc/weir/docs/commands.schema.json",
		"usr/share/doc/weir/docs/console.jpg", "usr/share/doc/weir/examples/cold-chain.yaml", "usr/share/doc/weir/configs/examples/cold-chain.yaml",
	} {
		_, err := os.Stat(filepath.Join(root, path))
		assert.NoError(t, err)
	}
}

// machine is a folder that maintainer scripts take for the root of a machine.
type machine struct {
	t                   *testing.T
	root, tools, called string
}

// newMachine has a systemd in which units are in these states, and no other tool than the scripts use.
func newMachine(t *testing.T, states map[string]string) *machine {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("sh is not on this machine")
	}
	dir := t.TempDir()
	m := &machine{t: t, root: filepath.Join(dir, "root"), tools: filepath.Join(dir, "tools"), called: filepath.Join(dir, "called")}
	for _, folder := range []string{"run/systemd/system", "lib/systemd/system", "etc/systemd/system/multi-user.target.wants", "etc/weir", "var/lib/weir/plant"} {
		require.NoError(t, os.MkdirAll(filepath.Join(m.root, folder), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(m.root, "lib/systemd/system/weir@.service"), nil, 0o644))
	var list strings.Builder
	for unit, state := range states { // unordered: one is in one state
		list.WriteString("case $asked in *," + state + ",*) echo '" + unit + " loaded " + state + "' ;; esac\n")
	}
	m.tool("getent", "exit 0\n")
	m.tool("systemctl", `
case "$1" in
list-units)
	for word; do case $word in --state=*) asked=,${word#--state=}, ;; esac; done
	`+list.String()+`	;;
*) echo "$*" >>'`+m.called+`' ;;
esac
case "$*" in *disable*) for unit; do :; done; rm '`+m.root+`'/etc/systemd/system/*.wants/"$unit" ;; esac
`)
	return m
}

func (m *machine) tool(name, script string) {
	m.t.Helper()
	require.NoError(m.t, os.MkdirAll(m.tools, 0o755))
	require.NoError(m.t, os.WriteFile(filepath.Join(m.tools, name), []byte("#!/bin/sh\n"+script), 0o755))
}

// run runs a script as dpkg does and returns how it called systemctl.
func (m *machine) run(script string, args ...string) []string {
	m.t.Helper()
	_ = os.Remove(m.called)
	cmd := exec.Command("sh", append([]string{filepath.Join("debian", script)}, args...)...)
	cmd.Env = []string{"PATH=" + m.tools + ":" + os.Getenv("PATH"), "DPKG_ROOT=" + m.root}
	out, err := cmd.CombinedOutput()
	require.NoError(m.t, err, "%s", out)
	require.Empty(m.t, string(out))
	text, err := os.ReadFile(m.called)
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(m.t, err)
	return strings.Split(strings.TrimSpace(strings.ReplaceAll(string(text), "--root="+m.root+" ", "")), "\n")
}

// enable links a unit into a target and returns the path of the link.
func (m *machine) enable(target, unit, to string) string {
	m.t.Helper()
	path := filepath.Join(m.root, "etc/systemd/system", target+".wants", unit)
	require.NoError(m.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(m.t, os.Symlink(filepath.Join(m.root, to), path))
	return path
}

// An upgrade gives the new binary to all that has the old one, and waits only for what was at work.
func TestUpgradeRestartsWhatRuns(t *testing.T) {
	m := newMachine(t, map[string]string{"weir@a.service": "active", "weir@b.service": "activating", "weir@c.service": "reloading", "weir@d.service": "inactive", "weir@e.service": "failed"})
	calls := m.run("postinst", "configure", "1.2.3")
	require.Equal(t, "daemon-reload", calls[0])
	require.ElementsMatch(t, []string{"daemon-reload", "restart weir@a.service", "restart weir@c.service", "restart --no-block weir@b.service"}, calls)
	require.Equal(t, "restart --no-block weir@b.service", calls[3])
	require.Equal(t, []string{"daemon-reload"}, m.run("postinst", "configure", ""), "a first installation")
}

// A removal leaves no link to a unit that is gone, and nothing of the administrator's is lost.
func TestRemovalDisables(t *testing.T) {
	m := newMachine(t, nil)
	one := m.enable("multi-user.target", "weir@plant.service", "lib/systemd/system/weir@.service")
	other := m.enable("machines.target", "weir@cold chain.service", "lib/systemd/system/weir@.service")
	stranger := m.enable("multi-user.target", "weird.service", "lib/systemd/system/nothing.service")
	require.Nil(t, m.run("prerm", "upgrade", "2.0.0"))
	require.FileExists(t, one)
	require.ElementsMatch(t, []string{"stop weir@*.service", "disable weir@plant.service", "disable weir@cold chain.service"}, m.run("prerm", "remove"))
	gone(t, one)
	gone(t, other)

	require.NoError(t, os.Remove(filepath.Join(m.root, "lib/systemd/system/weir@.service")))
	one = m.enable("multi-user.target", "weir@plant.service", "lib/systemd/system/weir@.service") // by hand, say
	require.NoError(t, os.WriteFile(filepath.Join(m.root, "etc/systemd/system/weir@.service"), nil, 0o644))
	own := m.enable("multi-user.target", "weir@own.service", "etc/systemd/system/weir@.service")
	require.Equal(t, []string{"daemon-reload"}, m.run("postrm", "remove"))
	require.DirExists(t, filepath.Join(m.root, "var/lib/weir/plant"))
	m.run("postrm", "purge")
	gone(t, one)
	gone(t, filepath.Join(m.root, "var/lib/weir"))
	for _, path := range []string{own, stranger} {
		_, err := os.Lstat(path)
		require.NoError(t, err)
	}
}

func gone(t *testing.T, path string) {
	t.Helper()
	_, err := os.Lstat(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
}
