// Package alertmanager delivers alerts to a Prometheus Alertmanager (API v2, POST /api/v2/alerts).
//
// Alertmanager knows an alert by its labels and forgets it at its endsAt. So a firing alert is sent again every Resend with an endsAt of
// three times that from now, until it ends, and a resolved one a few times more than once, in case an older statement of another
// process arrives late:
//
//	| record             | sent                                          | again                        |
//	|--------------------|-----------------------------------------------|------------------------------|
//	| pending, inactive  | nothing                                       |                              |
//	| firing             | endsAt = now + 3 Resend                       | every Resend                 |
//	| firing, and its    | the old labels with endsAt = the record's at, | the old three times, the new |
//	| labels changed     | and the new ones, in one POST                 | every Resend                 |
//	| resolved           | endsAt = the record's, labels as it fired     | three times                  |
//	| suppressed         | the end of what fired, if it did: its at      | three times                  |
//
// The labels of an episode change with its level (severity is one of them) and with the roster. A startsAt or endsAt that lies ahead of
// this machine's clock is sent as now: Alertmanager refuses an alert that ends before it starts, and takes a future end for not ended.
//
// What is sent twice changes nothing there. What is firing is held in memory and known again after a restart from the alerts topic: the
// offset that is committed is that of the oldest record of an alert that fires.
package alertmanager
