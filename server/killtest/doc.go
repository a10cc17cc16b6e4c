// Package killtest proves that a server keeps its word when it dies: what it has acknowledged is there after the next
// start, what it has refused is not, and what was on its way is there as a whole or not at all.
//
//	go test ./server/killtest -run Kill -rounds 200 -seed 7
//
// TestKill runs the real program. Many clients write at once; the process gets SIGKILL at a random moment (under load,
// while it starts, in the middle of a snapshot, when it begins a new log segment, twice in a row, and for comparison
// SIGTERM); it is started anew, and everything is compared. TestCrash… do the same in one process on a disk in memory
// that loses unsynced bytes and tears sectors; TestDamage… flip bytes at rest; TestFull… and TestFailing… take the
// disk's space and its health away.
//
// What enters: the address of a server and a source of chance. What leaves: violations, each with the seed, the round,
// the key and its whole history. What must always hold: a judgement is made from acknowledged replies alone, never
// from what the server ought to have done by its own account.
//
// Nobody can tell from outside whether a request without reply was carried out. But a connection's requests are
// carried out in their order and the log keeps a first part of that order, so of a client's requests without reply
// some first ones were carried out and the others not. Each kind of client has keys of its own, and a model of them
// that is small enough to try all these first parts:
//
//   - a keeper owns a folder, predicts the answer and the Stat of each request it sends, many at a time, and compares
//     the whole folder after a crash (keeper_test.go, ledger_test.go);
//   - clerks draw sequence numbers from shared folders: no number twice, no gap, rising with the zxid (clerk_test.go);
//   - tellers move amounts between shared accounts, three changes in one multi, and read sums (bank_test.go);
//   - ghosts leave ephemerals behind and never come back: all go at once, and stay away (ghost_test.go).
package killtest
