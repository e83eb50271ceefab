package chaos

import "time"

func inputFaults() []Fault {
	return []Fault{
		{Name: "poison", Takes: 15 * time.Second, Does: "payloads that are no JSON, nested 10,000 deep, empty, absent, of wrong types or half a megabyte long, keys that are not the device, headers that name a device of 900 kB or no text"},
		{Name: "oversized-output", Takes: 15 * time.Second, Does: "bad payloads of 2 MB, whose quarantine record is larger than its topic takes: one that refers to the reading stands in"},
		{Name: "output-topic-small", Takes: 5 * time.Second, Does: "start with an alert topic that takes 1000 bytes", Refused: `refused: topic "…" has max.message.bytes=1000`},
		{Name: "aborted-upstream", Takes: 20 * time.Second, Does: "the source is written in transactions, and half of them are aborted, under a load that is not"},
		{Name: "commands-open", Takes: 35 * time.Second, Does: "somebody's transaction stays open in the topic of commands for up to ten seconds, twice, and is committed or aborted; what tasks and operators write behind it is seen only then; kill -9 meanwhile"},
	}
}
