// Package stagetest tests stages of somebody's own. Run takes a stage through the suite that every stage must pass; New starts
// a whole server around it, with clients, on one goroutine, with a disk and a network in memory and a clock that the test
// moves. Nothing in it needs an ensemble, a port or a folder, and nothing waits.
//
//	func TestMyStage(t *testing.T) { stagetest.Run(t, stagetest.Options{}, MyStage()) }
package stagetest
