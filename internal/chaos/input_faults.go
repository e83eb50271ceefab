package chaos

import "time"

func inputFaults() []Fault {
	return []Fault{
		{Name: "poison", Takes: 15 * time.Second, Does: "payloads that are no JSON, nested 10,000 deep, empty, absent, of wrong types or half a megabyte long, keys that are not the device"},
		{Name: "oversized-output", Takes: 15 * time.Second, Does: "bad payloads of 2 MB, whose quarantine record is larger than its topic takes"},
		{Name: "aborted-upstream", Takes: 20 * time.Second, Does: "the source is written in transactions, and half of them are aborted, under a load that is not"},
	}
}
