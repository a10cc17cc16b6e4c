// Package transcript plays recorded conversations of a real ZooKeeper 3.8 against a server and reports every difference.
//
// What enters: the recordings in testdata, one file a topic, one scenario after the other in it, and the addresses of a
// server or an ensemble. What leaves: an error for the first event that went differently, with both frames decoded. What
// must always hold: every byte of every frame is accounted for. A field may differ from the recording only if the recording
// has a rule for it (a zxid, a time, a session id …), and then the rule is checked; bytes left over are a difference.
//
// The decoder here is a table of record shapes and shares no code with messages/jute, so an error in the one can't hide an
// error in the other.
package transcript
