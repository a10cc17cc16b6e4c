//go:build race

package cluster

// raceDetector tells whether this test program was built with the race detector, which allocates on its own account.
const raceDetector = true
