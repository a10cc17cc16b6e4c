//go:build race

package actortest

// RaceDetector tells whether a test program was built with the race detector, which allocates on its own account.
const RaceDetector = true
