// Command audit is a server that writes a line to a file for each write, with who asked, from where, and how it ended, before
// its client has the answer. The audit log that comes with Troupe (stages=audit) does more; this one is short enough to copy.
package main
