// Command policy is a server that takes values below /config only if they are JSON objects that have the required fields.
// It is the leader's rule: it holds whichever server of the ensemble a client writes to, if all run this program.
package main
