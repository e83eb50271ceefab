// Package simulation runs whole worlds in virtual time: brokers, one to three
// engines, devices, and everything that can go wrong between them. One number,
// the seed, decides what a world is and what happens in it.
//
//	draw     shape of the pipeline, messages, faults, lives of processes
//	run      inside a testing/synctest bubble: the brokers of internal/brokers over an in-memory network;
//	         every connection of an engine passes a relay, which loses, delays and cuts
//	end      faults stop, one engine runs until all is committed and every device is silent
//	check    source, outputs and journal of every partition
//
// A process dies, freezes or dawdles at a step of the protocol (the engine's
// failpoints), at its n-th request, at its n-th write to the disk, or at some
// time; in some worlds the file of the pipeline changes once or more, and each process takes
// it a while later, so that partitions go from one file to the other and back; its disk survives, is lost, is an old copy or is torn by a power cut.
package simulation
