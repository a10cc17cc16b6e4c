// Command troupe is a coordination service that ZooKeeper's clients use unchanged. What enters is a command line, what
// leaves is text and an exit code: 0 done, 1 failed, 2 used wrongly. Everything else is in the packages that the
// subcommands call; a file here holds one subcommand, its flags and how it talks to a person, and none of them reads or
// writes a server's files on its own. main.go is made to be copied: a program of one's own imports what it adds and calls
// the same run.
package main
