package chaos

import "time"

func clockFaults() []Fault {
	return []Fault{
		{Name: "clock-ahead", Takes: 20 * time.Second, Does: "the wall clock of weir jumps a day ahead while it runs and is so at the next start too: no silence is judged until it is right"},
		{Name: "clock-behind", Takes: 20 * time.Second, Does: "the wall clock jumps back an hour while weir runs and is so at the next start too"},
		{Name: "clock-frozen", Takes: 20 * time.Second, Does: "the wall clock stands still while weir runs, and at the next start"},
		{Name: "clock-skewed", Takes: 20 * time.Second, Does: "the wall clock jumps to and fro by 50 s, which is as far as weir lets clocks differ: devices are forgotten too early, and that is said in the journal"},
		{Name: "down-long", Takes: 40 * time.Second, Does: "kill -9 with every silence due, down for seven times idle_after and twice forget_after (which are 2 s and 7 s here), while readings flow on, or do not"},
	}
}
