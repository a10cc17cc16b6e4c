// Package clustertest is a network in memory for tests of several servers, and for the simulation of an ensemble. Each
// server has a Host, which is a cluster.Network. What happens on the network is a step of the dispatcher that also runs
// the actors, and its waits are timers of the clock that the test moves: all of it runs on the test's goroutine, and the
// same seed gives the same run.
//
// A connection behaves as TCP does where a server can notice: bytes arrive in order and cut into chunks anyhow; they
// wait while the network between two hosts is stalled, and arrive when it is healed; what is written beyond the
// buffers waits; a connection ends behind the bytes that were written before, or breaks at any byte; a process that has
// crashed breaks its connections, a machine that has vanished leaves the others without a word.
package clustertest
