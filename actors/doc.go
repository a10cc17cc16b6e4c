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
//	mailbox dispatch props supervise clock runtime conntable metrics   what actors stand on
package actors
