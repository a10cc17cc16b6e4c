// Package chaostest proves that an ensemble keeps its word while its members die, freeze, lose their disks and stop
// hearing each other. It runs real processes, of this project or of ZooKeeper, and looks at them from outside.
//
//	go test ./server/chaostest -run Chaos -duration 10m -servers 5 -observers 1 -seed 7 -timeout 30m
//	go test ./server/chaostest -run LeaderKilled -kills 20 -v -target zookeeper
//
// TestChaos draws faults from a seed while many clients work, and judges everything at the end; the others each look
// at one thing: TestLeaderKilled and TestSilentLeader measure how long nobody's write is acknowledged,
// TestSessionsOverLeaderChanges holds idle sessions, TestReconfig replaces all members under load, TestPowerAndDisk
// takes power and disks away. The flags are in flags_test.go.
//
// What enters: the program and a source of chance. What leaves: violations with the seed, the faults so far and the
// history of what was broken, or a table of times. What must always hold: a judgement is made from answers alone; a
// request without an answer may have been carried out, or may be later; nothing outlives the test process.
//
// As root on Linux each server has a host of its own (host_linux_test.go) and this process is the network between them
// (network_test.go): it can lose or delay packets for each pair and direction. Elsewhere all servers share the loopback,
// and faults of the network are left out.
//
// Each kind of client has a model that is as small as possible:
//
//   - scribes write shared registers, with and without a version, and read them after a sync: there is an order that
//     explains all answers (register_test.go);
//   - builders own a folder, so they know each answer in advance and what must be there at the end: creates, deletes,
//     multis, and bursts of which some first part is carried out (builder_test.go);
//   - drawers draw sequence numbers from one folder: each once, rising with time and zxid (drawer_test.go);
//   - guests open sessions with ephemerals, move, and close or leave them: ephemerals go with their session and not
//     before (guest_test.go).
//
// Of all of them: no session is shown an older zxid or version than before, wherever it moves; no session is lost; a
// write that began after another one was acknowledged has the larger zxid; a read after a sync shows what was
// acknowledged before (record_test.go). At the end all members are at one zxid and show the same tree (view_test.go).
package chaostest
