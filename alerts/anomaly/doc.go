// Package anomaly finds what is unusual in a series of numbers, without labels,
// training files or thresholds: it learns each series from its own past, sample by
// sample, and is told one thing, how often it may be wrong.
//
// A Detector folds the samples of a series, in order of their time, into a fixed
// number of 64-bit words that belong to the caller, who stores, copies and restores
// them as they are. It knows no clock but the samples' own, starts nothing, keeps
// nothing and allocates nothing.
//
// # What is measured
//
// A series has two views: raw, and less what the hour of the day and of the week
// add to it. Of each view three exponential means are kept, over 8, 64 and 512
// samples. A channel is one distance, and each has its own idea of what is ordinary:
//
//	channel    distance                                       kind          block
//	jump       from the sample before                         spike            16
//	near       of a sample from the level of 8                spike            16
//	shift      of the level of 8 from the level of 64         level_shift      32
//	drift      of the level of 64 from the level of 512       drift           128
//	season     the last three of the seasonal view; where     seasonal       16, 32, 128
//	           the raw view is unusual as well                as of the raw
//	noise      of the steps of 64 samples from those of 512,  noise           128
//	           as a logarithm
//	run        samples of one value in a row, at least 12     stuck            64
//
// Differences of means of two lengths stay bounded for noise and for random walks
// alike, so no model of the series has to be chosen.
//
// # What is unusual
//
// A channel notes the greatest distance in each block of samples and keeps up to 64
// of those maxima. Its threshold is the distance that a block's maximum exceeds by
// chance as rarely as was asked, found by extreme value theory; see channel.go and
// extreme.go for the sources. A ring that is full makes its blocks twice as long,
// until it reaches back about as far as the false alarms are to lie apart. One or
// two maxima that stand far off do not count; from the third on they are what the
// series does.
//
// # Episodes
//
// An anomaly alarms once. The states, and the way between them:
//
//	state      a sample after which ...                        next
//	Learning   jump and near have 12 maxima (192 samples)      Calm (Warm is true)
//	Calm       a distance exceeds its threshold                Anomalous, Alarm
//	Anomalous  another channel exceeds its own                 Anomalous, of the higher kind
//	Anomalous  all distances were below 0.8 for 16 samples     Calm
//	Anomalous  128 samples have passed                         Calm: the new level is the level
//
// While an anomaly lasts nothing is learned from it but, at its end, the peak that
// exceeded the threshold. Other channels judge from the end of their own 12th block
// on: shifts after 384 samples, stuck after 768, drifts and noise after 1536. The
// season is used from the third day on, its week from the fifteenth, and only where
// it has foretold the series better than its level alone.
//
// # Time
//
// Means weigh by time: a level of n samples is one of n times the mean distance of
// samples, however irregular they are. Behind a hole of more than 32 such distances
// the levels begin anew, and the first sample there is not judged by those before it.
// Hours are those of UTC.
package anomaly
