package mqtt

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/weirstream/weir/outlets"
)

const maxTopic = 65535 // bytes (MQTT 3.1.1 section 1.5.3)

// topicOf makes the topic of an alert.
func topicOf(t outlets.Template, a *outlets.Alert) (string, error) {
	topic := t.Expand(a, escapeLevel)
	if strings.HasPrefix(topic, "$") {
		topic = "%24" + topic[1:] // $ topics are the broker's own
	}
	if topic == "" || len(topic) > maxTopic {
		return "", fmt.Errorf("its mqtt topic has %d bytes, and must have 1 to %d", len(topic), maxTopic)
	}
	return topic, nil
}

// escapeLevel makes a value fit into a level: +, #, /, % and what MQTT 3.1.1 section 1.5.3 lets brokers close the connection for (control
// characters and code points that are no characters) are percent-encoded, byte by byte. Different values stay different.
func escapeLevel(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, string(utf8.RuneError)) {
		if !strings.ContainsRune("+#/%", r) && r >= ' ' && (r < 0x7f || r > 0x9f) && r&0xfffe != 0xfffe && (r < 0xfdd0 || r > 0xfdef) {
			b.WriteRune(r)
			continue
		}
		for _, c := range []byte(string(r)) {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
