// Package tree is the data tree: every znode, every session and what belongs to them, at one exact zxid.
//
// What enters are transactions (Apply), in zxid order and without gaps; what leaves are reads, the changes that
// watches want to hear about, and snapshots. The tree decides nothing: whether a write is allowed was settled
// before it became a transaction. It checks what it is told all the same, and an error of Apply means that the
// server's own state is broken; the caller ends the process.
//
// What must always hold:
//
//   - Two trees that have applied the same transactions are equal in everything a caller can see, and have the
//     same Digest. No clock, no random number and no map order has a say. (The hash index has a random seed, but
//     nothing observable depends on it. The order of children is no part of a tree's state.)
//   - A byte slice that the tree has handed out never changes. Data that is replaced or moved is written to a new
//     place, so a reader may keep what it got for as long as it likes.
//   - A Node handle is valid until the next Apply.
//
// The package has no lock. Shared adds one for readers on other goroutines.
//
// DESIGN.md beside this file tells how nodes lie in memory and why.
package tree
