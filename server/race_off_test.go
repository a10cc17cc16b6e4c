//go:build !race

package server_test

// raceDetector tells whether this test program was built with the race detector.
const raceDetector = false
