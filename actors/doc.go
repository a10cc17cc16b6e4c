// Package actors is the rooms that a request walks through: one actor a stage, one a connection, the session wheel
// and what works in the background. It is complete single-server behaviour.
//
// Requests enter at a connection and leave as frames at the same connection; transactions leave to the log and come
// back as committed. What must always hold: transactions are proposed, logged, committed and applied in zxid order
// without a gap; a client's replies come in the order of its requests (but pings and auth, which overtake); an event
// reaches a client before any reply that shows the newer data; nothing is acknowledged before it is durable.
//
//	pipeline.go stage.go             the stages of a role; what a stage is built from
//	standalone_actor.go              the role of a lone server: recovers, builds, builds anew
//	conn, listener, tcp, transport   the front door
//	request commit prep* final*      the stages: x.go decides, x_actor.go has the mailbox
//	sync snapshotter container       log, snapshots, containers and TTL nodes
//	wheel bucket session             session expiry
//	stage_custom stage_item stage_env stage_keys   stages of somebody's own: what they are, are shown, and may use
//	guard runner prep_trial          what keeps the pipeline whole around them
//	mailbox dispatch props supervise clock runtime conntable metrics   what actors stand on
//
// # Stages of your own
//
// A program adds a stage by RegisterStage, or by server.Options; a CustomStage says where it stands:
//
//	clients → connection → [BeforeRequest] → request ─┬→ [BeforePrep] → prep ⇄ [BeforeProposal], then log and quorum
//	                                                  └→ commit → final ─┬→ [AfterCommit]
//	clients ← connection ← [BeforeReply] ←───────────────────────────────┘
//
// It is shown batches of Items and returns those that go on; see Stage for what it owes, CustomEnv for what it may use. Whatever
// it does, what passes is complete, in order, and unchanged but for refusals. A stage that fails is made anew, and its
// FailurePolicy applies meanwhile. Package stagetest tests one; the folder cmd/examples has some to copy.
package actors
