// Package actortest holds what tests of actors need: a clock that a test moves, dispatchers that run everything on
// the test's own goroutine, and a probe that collects messages. Nothing in it sleeps.
package actortest
