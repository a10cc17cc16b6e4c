// Package shell is the command line of `troupe cli`: the verbs, options and output of ZooKeeper's zkCli, so that hands
// and scripts find what they know, and a few that it lacks.
//
// A Shell holds one session and carries out commands, which are words or a line of text. Three ways of use share it:
// OneShot (the words of the process's own command line), Script (lines from a reader, nothing echoed) and Interactive
// (a terminal with history and completion). Each verb has a file of its own with a constructor that newCommands
// lists; what it prints goes through a screen, which lets watch events in between lines and never into one.
package shell
