package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

// understood says whether the program takes these arguments.
func understood(t *testing.T, where string, args []string) {
	t.Helper()
	cmd, rest, err := newRootCommand().Find(args)
	require.NoError(t, err, "%s: %q", where, args)
	require.NotEqual(t, "weir", cmd.Name(), "%s: %q", where, args)
	require.NoError(t, cmd.ParseFlags(rest), "%s: %q", where, args)
	if cmd.Args != nil {
		require.NoError(t, cmd.Args(cmd, cmd.Flags().Args()), "%s: %q", where, args)
	}
}

// What the files of deploy/ call weir with is what it takes.
func TestDeployedCommands(t *testing.T) {
	var compose struct {
		Services map[string]struct {
			Command     []string
			Healthcheck struct{ Test []string }
			Image       string
		}
	}
	decodeYAML(t, "../../deploy/compose.yaml", &compose)
	for _, name := range []string{"weir", "fleet"} {
		s := compose.Services[name]
		require.Equal(t, "weir:local", s.Image)
		understood(t, name, s.Command)
		if len(s.Healthcheck.Test) > 0 {
			require.Equal(t, []string{"CMD", "/weir"}, s.Healthcheck.Test[:2])
			understood(t, name, s.Healthcheck.Test[2:])
		}
	}
	var set struct {
		Spec struct {
			Template struct {
				Spec struct{ Containers []struct{ Args []string } }
			}
		}
	}
	decodeYAML(t, "../../deploy/kubernetes/base/stateful-set.yaml", &set)
	args := set.Spec.Template.Spec.Containers[0].Args
	understood(t, "stateful set", args)
	url := inPod(t, args, "--advertise-url=")
	require.Equal(t, "http://weir-0.weir.plant.svc:9464", url)
	require.NoError(t, checkAdvertised(url))
	for _, line := range regexp.MustCompile(`(?m)(?:^CMD|start-period=30s CMD) (\[.*\])$`).FindAllStringSubmatch(readText(t, "../../Dockerfile"), -1) {
		var args []string
		require.NoError(t, yaml.Unmarshal([]byte(line[1]), &args))
		if args[0] == "/weir" {
			args = args[1:]
		}
		understood(t, "Dockerfile", args)
	}
	start := regexp.MustCompile(`(?m)^ExecStart=/usr/bin/weir (.*)$`).FindStringSubmatch(readText(t, "../../deploy/systemd/weir@.service"))
	understood(t, "unit", strings.Fields(strings.Replace(start[1], "$WEIR_OPTIONS ", "", 1)))
}

// inPod is the value of an option as Kubernetes hands it to a pod.
func inPod(t *testing.T, args []string, option string) string {
	t.Helper()
	for _, a := range args {
		if value, found := strings.CutPrefix(a, option); found {
			return strings.NewReplacer("$(POD_NAME)", "weir-0", "$(POD_NAMESPACE)", "plant").Replace(value)
		}
	}
	require.Fail(t, option+" is missing")
	return ""
}

// The man page has every command, and no other.
func TestManPage(t *testing.T) {
	page := readText(t, "../../deploy/debian/weir.1")
	page = page[strings.Index(page, ".SH COMMANDS"):strings.Index(page, ".SH SIGNALS")]
	var has, want []string
	for _, line := range regexp.MustCompile(`(?m)^\.B ([a-z]+)`).FindAllStringSubmatch(page, -1) {
		has = append(has, line[1])
	}
	for _, c := range newRootCommand().Commands() {
		if !c.Hidden && c.IsAvailableCommand() && c.Name() != "completion" && c.Name() != "help" {
			want = append(want, c.Name())
		}
	}
	require.ElementsMatch(t, want, has)
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func decodeYAML(t *testing.T, path string, into any) {
	t.Helper()
	require.NoError(t, yaml.Unmarshal([]byte(readText(t, path)), into))
}
