// Package deploy_test holds the files of this folder, the Dockerfile and the program against each other: what one calls a port, a path or a user
// the others must call so, too. What each file means by itself is for the tools that deploy/check runs.
package deploy_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
)

const (
	port  = "9464"
	state = "/var/lib/weir"
	user  = 65532
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// decode reads the first document of a YAML file.
func decode(t *testing.T, path string, into any) {
	t.Helper()
	require.NoError(t, yaml.Unmarshal([]byte(read(t, path)), into), path)
}

// Every YAML file is one, with no key twice.
func TestFilesAreYAML(t *testing.T) {
	files := 0
	require.NoError(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == "node_modules" {
			return fs.SkipDir
		}
		if ext := filepath.Ext(path); ext != ".yaml" && ext != ".yml" {
			return nil
		}
		files++
		decoder := yaml.NewDecoder(bytes.NewReader([]byte(read(t, path))))
		for {
			var document any
			if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
				return nil
			} else if !assert.NoError(t, err, path) {
				return nil
			}
		}
	}))
	require.Greater(t, files, 15)
}

// Every pipeline is one that weir takes, without a warning.
func TestPipelinesAreRight(t *testing.T) {
	for _, path := range []string{"compose/weir/pipeline.yaml", "debian/example.yaml", "kubernetes/base/pipeline.yaml", "kubernetes/overlays/example/pipeline.yaml"} {
		_, found := configs.Parse(path, []byte(read(t, path)), configs.Options{ReadFile: func(path string) ([]byte, error) {
			assert.True(t, strings.HasPrefix(path, "/run/secrets/weir/"), "%s: stateful-set.yaml mounts secrets elsewhere", path)
			return []byte("secret"), nil
		}})
		require.Empty(t, found, path)
	}
}

type compose struct {
	Services map[string]struct {
		Image       string
		Command     []string
		Environment map[string]string
		Ports       []string
		Volumes     []string
		DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
		Healthcheck map[string]any
	}
	Volumes map[string]any
}

// What compose.yaml mounts is there, its ports are on loopback, its images have versions, and its services find each other.
func TestCompose(t *testing.T) {
	var c compose
	decode(t, "compose.yaml", &c)
	require.Len(t, c.Services, 7)
	declared := map[string]bool{}
	for name := range c.Volumes {
		declared[name] = false
	}
	for name, s := range c.Services {
		assert.Regexp(t, `^[a-z/-]+:(v?\d+\.\d+\.\d+|local)$`, s.Image, name)
		assert.NotEmpty(t, s.Healthcheck, name)
		for _, p := range s.Ports {
			assert.True(t, strings.HasPrefix(p, "127.0.0.1:"), "%s publishes %s", name, p)
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if strings.HasPrefix(from, "./") {
				_, err := os.Stat(from)
				assert.NoError(t, err, name)
				continue
			}
			assert.Contains(t, declared, from, name)
			declared[from] = true
		}
		for other := range s.DependsOn {
			assert.Contains(t, c.Services, other, name)
			assert.Equal(t, "service_healthy", s.DependsOn[other].Condition)
		}
	}
	for name, used := range declared { // unordered: each by itself
		assert.True(t, used, "no service uses the volume %s", name)
	}
	p, _ := configs.Parse("pipeline.yaml", []byte(read(t, "compose/weir/pipeline.yaml")), configs.Options{})
	require.Contains(t, c.Services["kafka"].Environment["KAFKA_ADVERTISED_LISTENERS"], "INSIDE://"+p.Kafka.Brokers[0])
	require.Equal(t, "tcp://mosquitto:1883", p.MQTT.Broker)
	require.Contains(t, read(t, "compose/mosquitto.conf"), "listener 1883")
	require.Equal(t, "http://alertmanager:9093", p.Alerts.Alertmanager.URL)
	require.Contains(t, read(t, "compose/prometheus.yml"), `"weir:`+port+`"`)
	require.Contains(t, read(t, "compose/prometheus.yml"), `"alertmanager:9093"`)
	require.Contains(t, read(t, "compose/datasource.yaml"), "http://prometheus:9090")
	require.Contains(t, strings.Join(c.Services["weir"].Volumes, " "), ":"+state)
	// Without a token nothing of the API would be there, as weir listens on all addresses of its container.
	require.Contains(t, c.Services["weir"].Command, "0.0.0.0:"+port)
	require.Regexp(t, `^\$\{WEIR_API_TOKEN:\?.* > deploy/\.env\}$`, c.Services["weir"].Environment["WEIR_API_TOKEN"])
	require.Contains(t, strings.Split(read(t, "../.gitignore"), "\n"), "/deploy/.env")
	require.Contains(t, strings.Split(read(t, "../.dockerignore"), "\n"), "**/.env")
}

// The image runs as a user without a name, with its state where everything else expects it.
func TestImage(t *testing.T) {
	image := read(t, "../Dockerfile")
	for _, line := range []string{
		"FROM scratch", "USER 65532:65532", "WORKDIR " + state, "VOLUME " + state, "EXPOSE " + port, "STOPSIGNAL SIGTERM", `ENTRYPOINT ["/weir"]`,
		"COPY --from=build --chown=65532:65532 /out/state " + state,
		"COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt", // where crypto/x509 looks first
	} {
		assert.Contains(t, strings.Split(image, "\n"), line)
	}
	goMod := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../go.mod"))
	require.Contains(t, image, "golang:"+goMod[1]+"-")
	require.Contains(t, read(t, "../configs/zones.go"), `_ "time/tzdata"`, "an image from scratch has no time zones")
	for _, needed := range regexp.MustCompile(`(?m)^(cmd|configs|docs|go\.mod|\*\*/\*\.(yaml|tmpl|json|csv))`).FindAllString(read(t, "../.dockerignore"), -1) {
		assert.Fail(t, "the build needs "+needed)
	}
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

type statefulSet struct {
	Spec struct {
		ServiceName string `yaml:"serviceName"`
		Template    struct {
			Spec struct {
				TerminationGracePeriodSeconds int `yaml:"terminationGracePeriodSeconds"`
				SecurityContext               struct {
					RunAsNonRoot bool `yaml:"runAsNonRoot"`
					RunAsUser    int  `yaml:"runAsUser"`
					FSGroup      int  `yaml:"fsGroup"`
				} `yaml:"securityContext"`
				Containers []struct {
					Name string
					Args []string
					Env  []struct {
						Name      string
						ValueFrom struct {
							FieldRef struct {
								FieldPath string `yaml:"fieldPath"`
							} `yaml:"fieldRef"`
						} `yaml:"valueFrom"`
					}
					Ports []struct {
						Name          string
						ContainerPort int `yaml:"containerPort"`
					}
					StartupProbe   probe `yaml:"startupProbe"`
					ReadinessProbe probe `yaml:"readinessProbe"`
					LivenessProbe  probe `yaml:"livenessProbe"`
					VolumeMounts   []struct {
						Name      string
						MountPath string `yaml:"mountPath"`
						SubPath   string `yaml:"subPath"`
					} `yaml:"volumeMounts"`
				}
				Volumes []struct{ Name string }
			}
		}
		VolumeClaimTemplates []struct {
			Metadata struct{ Name string }
		} `yaml:"volumeClaimTemplates"`
	}
}

// The pods run as the image's user, are probed where weir answers, and have a volume behind every path.
func TestKubernetes(t *testing.T) {
	var s statefulSet
	decode(t, "kubernetes/base/stateful-set.yaml", &s)
	pod := s.Spec.Template.Spec
	require.True(t, pod.SecurityContext.RunAsNonRoot)
	require.Equal(t, user, pod.SecurityContext.RunAsUser)
	require.Equal(t, user, pod.SecurityContext.FSGroup, "or the volume cannot be written to")
	require.Greater(t, pod.TerminationGracePeriodSeconds, 30)
	require.Len(t, pod.Containers, 1)
	weir := pod.Containers[0]
	require.Equal(t, "http", weir.Ports[0].Name)
	require.Equal(t, port, strconv.Itoa(weir.Ports[0].ContainerPort))
	require.Contains(t, weir.Args, "--http=0.0.0.0:"+port)
	require.Contains(t, weir.Args, "/etc/weir/pipeline.yaml")
	answers := read(t, "../cmd/weir/outside.go")
	for path, probe := range map[string]probe{"/healthz": weir.LivenessProbe, "/readyz": weir.ReadinessProbe} { // unordered: each by itself
		require.Equal(t, path, probe.HTTPGet.Path)
		require.Equal(t, "http", probe.HTTPGet.Port)
		require.Contains(t, answers, `"GET `+path+`"`)
	}
	require.Equal(t, weir.LivenessProbe, weir.StartupProbe)
	paths := map[string]string{}
	for _, m := range weir.VolumeMounts {
		paths[m.Name] = m.MountPath
		require.Empty(t, m.SubPath, "a changed file would not arrive")
	}
	require.Equal(t, map[string]string{"state": state, "pipeline": "/etc/weir", "secrets": "/run/secrets/weir"}, paths)
	require.Equal(t, "state", s.Spec.VolumeClaimTemplates[0].Metadata.Name)
	require.Len(t, pod.Volumes, 2)

	var service struct {
		Metadata struct{ Name string }
		Spec     struct {
			ClusterIP                string `yaml:"clusterIP"`
			PublishNotReadyAddresses bool   `yaml:"publishNotReadyAddresses"`
		}
	}
	decode(t, "kubernetes/base/service.yaml", &service)
	require.Equal(t, s.Spec.ServiceName, service.Metadata.Name)
	require.Equal(t, "None", service.Spec.ClusterIP, "only a headless service names pods")
	require.True(t, service.Spec.PublishNotReadyAddresses, "where one task recovers the others can be asked")
	require.Contains(t, weir.Args, "--advertise-url=http://$(POD_NAME)."+service.Metadata.Name+".$(POD_NAMESPACE).svc:"+port)
	fields := map[string]string{}
	for _, e := range weir.Env {
		fields[e.Name] = e.ValueFrom.FieldRef.FieldPath
	}
	require.Equal(t, "metadata.name", fields["POD_NAME"])
	require.Equal(t, "metadata.namespace", fields["POD_NAMESPACE"])
	for _, path := range []string{"kubernetes/base/service.yaml", "kubernetes/components/network-policy/network-policy.yaml"} {
		require.Contains(t, read(t, path), "port: "+port)
	}
	require.Contains(t, read(t, "kubernetes/components/pod-monitor/pod-monitor.yaml"), "port: "+weir.Ports[0].Name)
}

// What the kustomizations name is there.
func TestKustomizations(t *testing.T) {
	folders, err := filepath.Glob("kubernetes/*/*/kustomization.yaml")
	require.NoError(t, err)
	require.Len(t, folders, 4)
	for _, path := range append(folders, "kubernetes/base/kustomization.yaml") {
		var k struct {
			Resources, Components []string
			ConfigMapGenerator    []struct{ Files []string } `yaml:"configMapGenerator"`
		}
		decode(t, path, &k)
		names := append(k.Resources, k.Components...)
		for _, g := range k.ConfigMapGenerator {
			names = append(names, g.Files...)
		}
		for _, name := range names {
			_, err := os.Stat(filepath.Join(filepath.Dir(path), name))
			assert.NoError(t, err, path)
		}
	}
}

// The package puts the program, the unit and the example where the unit and the man page say they are.
func TestPackage(t *testing.T) {
	unit, build, page := read(t, "systemd/weir@.service"), read(t, "debian/build.sh"), read(t, "debian/weir.1")
	require.Contains(t, unit, "ExecStart=/usr/bin/weir run ")
	require.Contains(t, build, `"$tree/usr/bin/weir"`)
	require.Contains(t, unit, "Environment=WEIR_HTTP=127.0.0.1:"+port)
	require.Contains(t, page, "127.0.0.1:"+port)
	require.Contains(t, unit, "WorkingDirectory="+state+"/%i\nStateDirectory=weir/%i\n")
	require.Contains(t, read(t, "debian/example.yaml"), "dir: "+state+"/example/state")
	require.Contains(t, build, "echo /etc/weir/example.yaml >")
	require.Regexp(t, `adduser .*--system --group .* weir\n`, read(t, "debian/postinst"))
	require.Contains(t, unit, "User=weir\nGroup=weir\n")
	require.Contains(t, unit, "tried again for ever, every two seconds")
	require.Contains(t, unit, "\nStartLimitIntervalSec=0\n")
	require.Contains(t, unit, "\nRestart=on-failure\nRestartSec=2\n", "as the comment says")
	require.NotContains(t, unit, "\nRestartSteps", "systemd before 254 warns of it")
	require.NotContains(t, unit, "RestartPreventExitStatus", "a panic and the watchdog exit with 2")
	require.NotContains(t, unit, "\nProcSubset=pid", "the boot id is in /proc/sys")
	for _, m := range regexp.MustCompile(`"\$here/([^"*]+)"`).FindAllStringSubmatch(build, -1) {
		if !strings.Contains(m[1], "$") {
			_, err := os.Stat(filepath.Join("debian", m[1]))
			assert.NoError(t, err)
		}
	}
}
