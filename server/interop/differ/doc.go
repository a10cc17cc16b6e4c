// Package differ plays the same random requests to two servers, one of them a real ZooKeeper, and compares the answers.
//
// The requests are made from a seed: valid ones, invalid ones, records cut short, transactions, watches, ACLs, sessions that
// end. After each of them every connection is pinged, so the events that the request caused are known too. What must
// differ (zxids, session ids, times) is replaced by names given in the order of appearance, so "the same transaction as
// before" is still compared. The first difference ends the round, with the seed and the last steps.
//
// The addresses come in INTEROP_SERVER and INTEROP_REFERENCE; without them the tests are skipped. INTEROP_SEED replays one
// round, INTEROP_ROUNDS says how many to play.
package differ
