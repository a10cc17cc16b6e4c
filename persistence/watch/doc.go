// Package watch is the watch table: which connection wants to hear about which path.
//
// What enters are watches, set by reads and by addWatch, and the changes that the tree reports (Trigger); what leaves
// are the connections to tell, in an order that follows from the calls alone. Watches belong to connections: when one
// ends, RemoveConn forgets all of its watches.
//
// There are four ways to watch a path:
//
//	data        fires once, on create, delete and change of data
//	child       fires once, on delete, and on create and delete of a child
//	persistent  both of them, again and again
//	recursive   again and again, on create, delete and change of data of the path and of all below it
//
// As in ZooKeeper 3.9 all four may stand side by side on one path of one connection. ZooKeeper has two tables, and what
// it counts and how it avoids telling a connection twice is defined by them: data and recursive watches are in the data
// table, child watches in the child table, persistent ones in both.
//
// The package has no lock, no clock and no goroutine.
package watch
