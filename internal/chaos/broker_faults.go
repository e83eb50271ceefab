package chaos

import (
	"slices"
	"time"
)

// What faults need beyond Kafka and kcat.
const (
	needsWire      = "root, iproute2; nftables where the kernel has no netem"
	needsMosquitto = "Mosquitto"
)

// brokerFaults are those of brokers, network and topics.
func brokerFaults() []Fault {
	return slices.Concat(clusterFaults(), replyFaults(), wireFaults(), topicFaults(), journalFaults(), mqttFaults())
}

// clusterFaults end brokers. Those of three have a cluster of their own, with every topic on all three.
func clusterFaults() []Fault {
	return []Fault{
		{Name: "broker-kill", Takes: 50 * time.Second, Does: "kill -9 of one of three brokers, back after up to 15 s"},
		{Name: "broker-rolling-restart", Takes: 70 * time.Second, Does: "each of three brokers in turn stopped as an operator would, and started again"},
		{Name: "broker-kill-all", Takes: 35 * time.Second, Does: "kill -9 of the only broker, twice, back at once"},
		{Name: "insync-missing", Takes: 60 * time.Second, Does: "the journal asks for three replicas in sync, and kill -9 leaves two for up to 20 s"},
		{Name: "transaction-coordinator-kill", Takes: 50 * time.Second, Does: "kill -9 of the broker that coordinates the transactions of partition 0"},
		{Name: "group-coordinator-kill", Takes: 50 * time.Second, Does: "kill -9 of the broker that coordinates the group"},
		{Name: "transaction-timeout", Takes: 35 * time.Second, Does: "SIGSTOP inside a transaction (records sent, or the offset too) until the brokers have aborted it, then SIGCONT"},
	}
}

// replyFaults lose single requests and replies, by a proxy that all of weir's traffic goes through.
func replyFaults() []Fault {
	return []Fault{
		{Name: "endtxn-reply-cut", Takes: 12 * time.Second, Does: "the connection breaks before one in 5 replies to EndTxn: committed, and nobody knows"},
		{Name: "endtxn-request-cut", Takes: 12 * time.Second, Does: "the connection breaks before one in 5 requests EndTxn: not committed, and nobody knows"},
		{Name: "endtxn-reply-silent", Takes: 30 * time.Second, Does: "three times the reply to EndTxn does not come, and the connection stays open"},
		{Name: "any-message-cut", Takes: 15 * time.Second, Does: "the connection breaks before one in 100 requests and replies of any kind"},
		{Name: "connections-cut", Takes: 15 * time.Second, Does: "all connections break at once, ten times"},
	}
}

// wireFaults are on the wire between weir, in a network namespace, and the brokers.
func wireFaults() []Fault {
	return []Fault{
		{Name: "packet-loss", Needs: needsWire, Takes: 20 * time.Second, Does: "5 % of the packets lost each way, replies 20 ms late"},
		{Name: "network-cut", Needs: needsWire, Takes: 35 * time.Second, Does: "nothing passes for longer than the session timeout"},
	}
}

// topicFaults are what an operator may do to topics and group.
func topicFaults() []Fault {
	return []Fault{
		{Name: "offsets-deleted", Takes: 15 * time.Second, Does: "the group deleted while weir is stopped"},
		{Name: "offsets-deleted-killed", Takes: 25 * time.Second, Does: "the group and the local state deleted after kill -9"},
		{Name: "offsets-rewound", Takes: 10 * time.Second, Does: "the committed offset set back by hand, its metadata lost",
			Refused: `refused: group "…" has a committed offset for partition … that weir did not write`},
		{Name: "source-trimmed", Takes: 10 * time.Second, Does: "readings deleted past the committed offset while weir is stopped",
			Refused: "refused: source partition 0 no longer holds offset …, up to which outputs are committed"},
		{Name: "source-trimmed-ahead", Takes: 12 * time.Second, Does: "the same while weir is frozen",
			Refused: "refused: source partition 0 no longer holds offset …, up to which outputs are committed"},
		{Name: "source-recreated", Takes: 10 * time.Second, Does: "the source topic deleted and created while weir is stopped",
			Refused: "refused: the source topic was deleted and created again since the pipeline first committed"},
		{Name: "source-recreated-running", Takes: 15 * time.Second, Does: "the source topic deleted and created while weir runs",
			Refused: `refused: topic "…" was deleted and created again while the pipeline ran`},
		{Name: "partitions-added", Takes: 10 * time.Second, Does: "partitions added to the source while weir is stopped",
			Refused: `refused: topic "…" has 4 partitions and source topic "…" has 8`},
		{Name: "partitions-added-running", Takes: 20 * time.Second, Does: "partitions added to the source while weir runs",
			Refused: `refused: topic "…" has 8 partitions now and had 4 when the process started`},
		{Name: "partitions-added-everywhere", Takes: 10 * time.Second, Does: "partitions added to all topics while weir is stopped",
			Refused: "refused: the source topic has 8 partitions now and had 4 when the pipeline first committed"},
		{Name: "output-partitions-added", Takes: 12 * time.Second, Does: "partitions added to an output topic while weir runs"},
	}
}

// journalFaults take the journal away, or a part of it.
func journalFaults() []Fault {
	return []Fault{
		{Name: "journal-trimmed", Takes: 10 * time.Second, Does: "all but the last record of the journal deleted, and the local state too",
			Refused: "refused: gap in the journal: it begins at offset …, and the state begins at …: records of the journal that the committed state needs are gone"},
		{Name: "journal-trimmed-local-kept", Takes: 10 * time.Second, Does: "all but the last record of the journal deleted, the local state kept after SIGTERM"},
		{Name: "journal-emptied", Takes: 10 * time.Second, Does: "the whole journal deleted while weir is frozen, then kill -9 and the local state deleted",
			Refused: "refused: gap in the journal: it begins at offset …, and the state begins at …: records of the journal that the committed state needs are gone"},
		{Name: "journal-emptied-refreshed", Takes: 15 * time.Second, Does: "the whole journal deleted while weir runs, which then refreshes it once; then kill -9 and the local state deleted"},
		{Name: "journal-record-lost", Takes: 35 * time.Second, Does: "one record cut out of the journal's file on the broker's disk, and the local state deleted",
			Refused: "refused: gap in the journal: "},
		{Name: "journal-end-lost", Takes: 35 * time.Second, Does: "the last records cut off the journal's file, and the local state deleted",
			Refused: "refused: gap in the journal: …: records of the journal that the committed state needs are gone"},
		{Name: "journal-end-lost-local-kept", Takes: 35 * time.Second, Does: "the last records cut off the journal's file, the local state kept after SIGTERM",
			Refused: "refused: local state of partition 0 holds record … at journal offset …, and the journal ends at …: the brokers lost committed data"},
		{Name: "journal-recreated", Takes: 10 * time.Second, Does: "the journal topic deleted while weir is stopped",
			Refused: "refused: the journal topic was deleted and created again since the pipeline first committed"},
		{Name: "journal-recreated-running", Takes: 30 * time.Second, Does: "the journal topic deleted and created while weir runs",
			Refused: `refused: topic "…" was deleted and created again while the pipeline ran`},
		{Name: "state-gone", Takes: 10 * time.Second, Does: "group and journal deleted while weir is stopped, the local state kept",
			Refused: "refused: local state of partition … holds record …, and the brokers know no commit of this pipeline"},
	}
}

// mqttFaults are before Kafka: nothing that a gateway has sent may be missing in the source.
func mqttFaults() []Fault {
	return []Fault{
		{Name: "mqtt-broker-restart", Needs: needsMosquitto, Takes: 20 * time.Second, Does: "Mosquitto restarted three times during a burst"},
		{Name: "mqtt-bridge-kill", Needs: needsMosquitto, Takes: 20 * time.Second, Does: "kill -9 of the process with the bridge, four times during a burst"},
	}
}
