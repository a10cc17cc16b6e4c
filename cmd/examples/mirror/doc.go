// Command mirror keeps a copy of a subtree on another ensemble. It follows the change feed of the source, whichever of its
// servers is there, and writes to the target; how far it has come stands in a node of the target, so it may be killed at any
// time and goes on where it was.
package main
