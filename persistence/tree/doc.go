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
//   - A Node handle is valid until the next Apply, and so are the bytes of data and names that it hands out: they are the
//     tree's own, and a later transaction writes over them. Who wants to keep them copies them. Paths (strings) and
//     ACLs may be kept.
//   - A snapshot shows the tree as of its zxid, whatever is written meanwhile.
//
// The package has no lock. Shared adds one for readers on other goroutines.
//
// DESIGN.md beside this file tells how nodes lie in memory and why.
package tree
