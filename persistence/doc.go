// Package persistence keeps the state through a power cut: the transaction log,
// snapshots, their retention, the epoch files and the data folder that holds them.
//
// Transactions and snapshot records enter as bytes and leave as the same bytes;
// of these files only store.go and restore.go, which make a tree of them, know what
// they mean. What must always hold:
//
//   - A record that Log.Sync has covered is read back after any crash, whole, in
//     its place, or start-up stops with a DamageError that names file, offset and
//     remedy. Bytes that were never durable are cut off and reported, never
//     taken for records.
//   - A file has its final name only when its contents are durable, and counts as
//     removed only when its folder is synced.
//   - A failed write or fsync is final. Only a new start finds out what is on disk.
//
// All of it goes through FS, so that a test can lose power at any step. There is
// no clock, goroutine or random source here; the owner calls and the call returns
// when it is done. DESIGN.md has the formats and the reasons.
//
//	fs.go osfs*.go memfs*.go faultfs.go   seam; the real one; memory with crash; faults
//	logformat.go                         bytes of a log segment
//	txnlog*.go                           append, open, truncate, read, judge, check
//	snapshot*.go                         container of a snapshot
//	purge.go epoch.go datadir.go         retention; epoch files; the folder as a whole
//	damage.go                            what a person is told, and what to do
//	store.go restore.go                  all of it for one server; from files to the tree
package persistence
