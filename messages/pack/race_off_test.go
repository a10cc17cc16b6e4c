//go:build !race

package pack

// raceDetector tells whether this test program was built with the race detector, which allocates on its own account.
const raceDetector = false
