package chaos

import "time"

// killPoints are the steps of the protocol at which a process is killed, with what each means.
func killPoints() []Fault {
	return []Fault{
		{Name: "kill-at-begun", Does: "kill -9 when a transaction has begun and nothing is produced"},
		{Name: "kill-at-produced", Does: "kill -9 after the outputs and the journal record are produced"},
		{Name: "kill-at-offset-sent", Does: "kill -9 after TxnOffsetCommit"},
		{Name: "kill-at-end-sent", Does: "kill -9 within 3 ms of sending EndTxn, its reply read or not"},
		{Name: "kill-at-ended", Does: "kill -9 when the reply to EndTxn is there and nothing knows of it yet"},
		{Name: "kill-at-confirmed", Does: "kill -9 when the transaction is confirmed"},
		{Name: "kill-at-flushed", Does: "kill -9 when a checkpoint's pages are flushed and its marker is not written"},
		{Name: "kill-at-marked", Does: "kill -9 when a checkpoint's marker is written and old pages are not deleted"},
		{Name: "kill-at-sealed", Does: "kill -9 when the local copy is sealed and the group not left"},
		{Name: "kill-at-restoring", Does: "kill -9 between the local copy and the journal in a recovery, and again in the recovery from that"},
		{Name: "kill-at-replaying", Does: "kill -9 while the journal is replayed without a local copy, and again in the recovery from that"},
	}
}

func processFaults() []Fault {
	list := []Fault{{
		Name: "kill-random", Takes: 30 * time.Second,
		Does: "kill -9 at random moments, about one in 1.5 s, also of a process that is still starting (`KILLS`: how many, 8)",
	}}
	for _, f := range killPoints() {
		f.Takes = 10 * time.Second
		list = append(list, f)
	}
	return append(list,
		Fault{
			Name: "frozen", Takes: 40 * time.Second,
			Does: "SIGSTOP beyond the session timeout, a second process takes over, SIGCONT",
		},
		Fault{
			Name: "frozen-in-commit", Takes: 40 * time.Second,
			Does: "the process stops itself after TxnOffsetCommit, beyond session and transaction timeout; another takes over; SIGCONT",
		},
		Fault{
			Name: "zombie-with-timer", Takes: 40 * time.Second,
			Does: "a process frozen just before silence is due; another takes over and emits it; the zombie wakes up, its timer due, the partition silent",
		},
		Fault{
			Name: "one-identity", Takes: 20 * time.Second, Refused: `refused: another process has the identity`, Recovers: true,
			Does: "a second process with a copy of the identity; the elder ends, the younger goes on",
		},
		Fault{
			Name: "one-directory", Takes: 15 * time.Second, Refused: `another process uses the state store`, Recovers: true,
			Does: "a second process on the same state directory; the elder goes on",
		},
		Fault{
			Name: "rolling", Takes: 30 * time.Second,
			Does: "1 process, then 4, then 1, each new one started and each old one ended with SIGTERM under load",
		},
		Fault{
			Name: "revoke-in-commit", Takes: 25 * time.Second,
			Does: "partitions are taken away while every commit stands still for 150 ms before EndTxn: processes come, leave and are killed",
		},
		Fault{
			Name: "epoch-wrap", Takes: 7 * time.Minute, Long: true,
			Does: "more than 40,000 transactions on one producer, so that its epoch (15 bits) is used up",
		},
	)
}
