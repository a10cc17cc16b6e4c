// Command ratelimit is a server that lets each tenant, which is the first name of a path, do so many writes a second and
// refuses the others as throttled. The limit that comes with Troupe (stages=ratelimit) lets requests wait, and changes at run
// time; this one is short enough to copy.
package main
