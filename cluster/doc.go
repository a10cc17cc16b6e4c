// Package cluster is how several servers agree: elections, the leader and its learners, the links between them.
//
// What enters: votes and the messages of the leader or the learners, over links; the proposals of this server's own
// pipeline when it leads. What leaves: committed transactions for the gate of this server's pipeline, acknowledgements and
// forwarded writes for the leader. What must always hold: at most one leader is established in an epoch; a transaction is
// committed when a quorum has it on disk, and in zxid order; what was committed is in the history of every later leader.
//
//	            ┌────────────── leader lost, majority lost, a stage failed ──────────────┐
//	            ↓                                                                        │
//	start → LOOKING ── elected, others follow ──→ LEADING:   discovery → synchronisation → broadcast
//	            │────── another is elected ────→ FOLLOWING: discovery → synchronisation → broadcast
//	            └────── the same, no vote ─────→ OBSERVING: discovery → synchronisation → broadcast
//
//	peer                       owns the role of this server, its state on disk, and the pipeline
//	roster                     who belongs to the ensemble, and who may soon
//	vote election electionpeer elections: who is to lead
//	majority hierarchical      which sets of servers are a quorum
//	network link reception     connections between servers
//	leader* learnersync learnerhandler   the leader's side: epochs, what a learner lacks, proposals in flight
//	learner follower observer  the learner's side
//	status                     what this server is doing, for commands and metrics
package cluster
