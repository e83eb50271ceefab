package main

import (
	"errors"
	"strings"

	"github.com/weirstream/weir/configs"
)

// answeredBy says which flag of weir init a part of the pipeline is made of.
type answeredBy struct{ path, flag string }

func starterFlags() []answeredBy {
	return []answeredBy{
		{"name", "--name"}, {"kafka.brokers", "--brokers"}, {"source.topic", "--source"},
		{"mqtt.broker", "--mqtt"}, {"mqtt.subscribe", "--subscribe"}, {"mqtt.device", "--device"},
		{"windows[0].tumbling", "--window"}, {"windows[0].name", "--metric"}, {"windows[0].metric", "--metric"},
		{"rules[0].levels.warning.above", "--above"}, {"rules[0].levels.warning.clear_below", "--clear-below"},
	}
}

// explainAnswers says what is wrong with answers by their flags: there is no file yet that could be named.
func explainAnswers(found configs.Diagnostics) error {
	var all []error
	for _, d := range found {
		if d.Severity != configs.Error {
			continue
		}
		flag := "the pipeline that these flags make"
		for _, a := range starterFlags() {
			if rest, ok := strings.CutPrefix(d.Message, a.path); ok && (rest == "" || strings.ContainsAny(rest[:1], "=[ .:")) {
				flag = a.flag
			}
		}
		all = append(all, errors.New(flag+": "+d.Message))
	}
	return errors.Join(all...)
}
