// Package sim runs whole ensembles on one goroutine, in an order that a seed decides, to find what is wrong with them.
//
// What enters: a seed. What leaves: whether everything that must hold has held, and if not, what hasn't and what happened
// before. What must always hold: the same seed gives the same run, to the last message.
//
// The servers are the real ones: every actor from the peer to the connections, the real framing, log and snapshots. What
// comes from outside is simulated: one clock that the world moves, one dispatcher for all actors of all servers
// (actortest.Steps), a disk in memory per server that loses what was not synced, and the network in memory of
// clustertest for both the links between servers and the connections of clients.
//
//	world    time passes, actors take their turns, the schedule of what is done to the ensemble
//	server   one member: how it is put together, killed, cut from power, stopped, started again
//	faults   what is done to the servers, and (faults_network) to what connects them
//	themes   runs to which one kind of thing happens again and again
//	traps    faults that wait for a moment, such as an acknowledgement, and (traps_strikes) what they do then
//	client   clients as programs that use the wire format, and remember what they have been told
//	workload what they ask for
//	expiry   whether sessions end too early
//	history  what has happened by all that was ever applied, and what clients must be told because of it
//	checks   what every server must agree to
//	trace    the last events in words, and a hash of all of them
package sim
