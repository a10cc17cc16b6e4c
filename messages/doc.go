// Package messages is the vocabulary of the house: the values that stages, servers and files exchange. It imports
// nothing of ours. A message is frozen once it has been sent.
//
// The catalogue of the standalone server (sender, receiver, what order means):
//
//	Requests        connection → throttle → request processor → commit    a connection's requests in their order
//	Requests        request processor → prep                              writes only, in the same order
//	Proposals       prep → sync                                           consecutive zxids
//	Committed       sync → commit                                         consecutive zxids, durable
//	Refusals        prep → commit                                         by After, released when After is applied
//	Deliveries      commit → final                                        transactions by zxid; requests by session
//	Output          final → connection                                    replies and events as the client must see them
//	Applied         final → prep, snapshotter                             rising zxids
//	DiskSpace       sync → prep                                           the latest counts
//	Connect         connection → request processor                        once a connection
//	SessionReady    final or request processor → connection               before any reply to the session
//	SessionRefused  request processor → connection
//	Revalidate      request processor → tracker; Revalidated back         per connection
//	Touch           connection → tracker                                  rising Now per session
//	SessionOpened   final → tracker                                       before its SessionClosed
//	SessionClosed   final → tracker, request processor
//	BucketJoin …    tracker → bucket                                      a session is in one bucket at a time
//	UpgradeRefused  final → request processor                             before the session's next UpgradeRefused
//	SessionsExpired tracker of local sessions → request processor
//	ConnClosed      connection → request processor, final                 the last word of a connection
//	CloseConn       anybody → connection
//	FourLetterWord  connection → commands                                 answered by an Output with Close
//	*Query/*Report  commands ↔ final, tracker
//
// In an ensemble besides (between servers over a link, which is FIFO or broken):
//
//	Notification    electionpeer ↔ electionpeer                           the newest word counts
//	Hello           link ↔ link                                           first on a link, both ways
//	LearnerInfo …   learner ↔ learnerhandler: LeaderInfo, EpochAck, Truncate, Truncated, SnapBegin, SnapChunk, SnapCredit,
//	                History, NewLeader, NewLeaderAck, UpToDate            one after the other, as listed in learner.go
//	Proposals       prep → proposal → leader and sync                     consecutive zxids
//	Propose         leader → learnerhandler → learner (follower) → sync   consecutive zxids, behind UpToDate
//	Durable         sync → ack or sendack                                 rising zxids
//	Ack             ack, sendack → leader                                 rising zxids, cumulative
//	Commit          leader → learner (follower)                           rising zxids, behind what it commits
//	Inform          leader → learner (observer)                           consecutive zxids
//	Committed       leader, learner → commit                              consecutive zxids
//	Requests        request processor → the leader's prep, over the link  writes and syncs, in session order
//	Words           prep → proposal → leader → learner → commit           before the commits of what was judged later
//	SyncWishes      prep → proposal → leader                              in their place among the proposals
//	Ping, Pong      leader ↔ learner                                      rising beats
//	Touches         a learner's sessions → the leader's                   with each answer to a heartbeat
//	Revalidate      request processor → leader → commit → final → tracker; Revalidated back by the leader
//	SessionHome     tracker → prep                                        before the session's requests from there
//	HandOver        leader → learner                                      the last word of a reign
//
// Package messages/jute is the clients' wire format, messages/pack the servers' own.
package messages
