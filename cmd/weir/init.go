package main

import (
	"bytes"
	_ "embed" // for the starter
	"fmt"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/weirstream/weir/configs"
)

//go:embed starter.yaml.tmpl
var starter string

// starterAnswers are what a starter pipeline is made of.
type starterAnswers struct {
	Name      string
	Brokers   []string
	Source    string
	MQTT      string // URL; empty: no bridge
	Subscribe string
	Device    string
	Metric    string
	Every     string
	Above     float64
	Below     float64 // where the alert ends
}

func newInitCommand() *cobra.Command {
	a := starterAnswers{}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Print a starter pipeline for your own brokers",
		Long: `Prints a pipeline that runs as it is and says in comments what else it could do: one window, one rule, the alerts topic, and with --mqtt the
bridge from an MQTT broker. Your answers are the flags; the rest is for you to edit.`,
		Example: `  weir init --brokers kafka-1:9092,kafka-2:9092 > pipeline.yaml
  weir init --mqtt tcp://broker:1883 --subscribe 'plant/+/+/telemetry' --device '{topic.2}' --metric temperature --above 80 > pipeline.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("init takes flags only, and prints the pipeline: weir init > %s", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.Below = a.Above
			if !cmd.Flags().Changed("clear-below") {
				a.Below -= max(a.Above, -a.Above) / 20
			} else if b, err := cmd.Flags().GetFloat64("clear-below"); err == nil {
				a.Below = b
			}
			text, err := a.render()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&a.Name, "name", "my-pipeline", "name of the pipeline: its consumer group, journal and state are named after it")
	flags.StringSliceVar(&a.Brokers, "brokers", []string{"localhost:9092"}, "addresses of Kafka brokers")
	flags.StringVar(&a.Source, "source", "readings", "Kafka topic with the readings")
	flags.StringVar(&a.MQTT, "mqtt", "", "URL of an MQTT broker to take readings from, tcp://host:1883; empty: they come to Kafka by themselves")
	flags.StringVar(&a.Subscribe, "subscribe", "plant/+/+/telemetry", "filter of MQTT topics")
	flags.StringVar(&a.Device, "device", "{topic.2}", "where the device's name stands in the MQTT topic, levels counted from 0")
	flags.StringVar(&a.Metric, "metric", "temperature", "metric to watch")
	flags.StringVar(&a.Every, "window", "1m", "length of the window")
	flags.Float64Var(&a.Above, "above", 80, "mean above which the alert fires")
	flags.Float64("clear-below", 0, "mean below which it ends (default: 5 % less than --above)")
	return cmd
}

// render returns the file, which is one that weir validate takes.
func (a starterAnswers) render() ([]byte, error) {
	t, err := template.New("starter").Funcs(template.FuncMap{"text": yamlText}).Parse(starter)
	if err != nil {
		return nil, fmt.Errorf("parse the starter: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, a); err != nil {
		return nil, fmt.Errorf("fill the starter in: %w", err)
	}
	if _, found := configs.Parse("pipeline.yaml", out.Bytes(), configs.Options{}); found.HasErrors() {
		return nil, usageError{explainAnswers(found)}
	}
	return out.Bytes(), nil
}

// Title is the metric as the names of a window and a rule can have it.
func (a starterAnswers) Title() string {
	title := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, a.Metric)
	if title == "" || title[0] <= '9' {
		return "m" + title // an expression would take it for a number
	}
	return title
}

// yamlText writes a string as a YAML scalar, quoted where it is more than a plain word.
func yamlText(s string) string {
	plain := s != "" && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_'
	}) < 0 && !strings.HasPrefix(s, "-")
	switch strings.ToLower(s) {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		plain = false
	}
	if plain {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(s) + `"`
}
