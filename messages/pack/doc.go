// Package pack is the format in which our servers talk to each other, and in which a mailbox can be recorded: one
// frame a message.
//
//	offset  size
//	0       2     version of this frame layout, Version
//	2       2     code of the message's type
//	4       4     length of the body in bytes
//	8       4     CRC32C (Castagnoli) of the first 8 bytes and the body
//	12      n     body
//
// All integers of the header are big-endian. The body is a msgpack array with the fields of the message in their
// order, integers in their shortest form; lists, buffers and pointers are nil where the Go value is. A transaction
// body is what messages.EncodeTxn makes of it, and a Proposal travels as its ticket and that encoding.
//
// The codes are fixed for ever:
//
//	 1 Request            20 Connect            50 FourLetterWord     81 CreateTxn
//	 2 Requests           21 SessionReady       51 WatchQuery         82 DeleteTxn
//	 3 Proposal           22 SessionRefused     52 WatchReport        83 SetDataTxn
//	 4 Proposals          23 CloseConn          53 WatchEntry         84 SetACLTxn
//	 5 Committed          24 ConnClosed         54 SessionQuery       85 CreateSessionTxn
//	 6 Refusal            25 ConnIdentities     55 SessionReport      86 CloseSessionTxn
//	 7 Refusals           26 Touch              56 BucketReport       87 MultiTxn
//	 8 Delivery           27 Revalidate
//	 9 Deliveries         28 Revalidated        70 Identity
//	10 Output             29 SessionOpened      71 ACL
//	11 Applied            30 SessionClosed      72 Stat
//	12 DiskSpace          31 BucketJoin         73 TxnHeader
//	                      32 BucketLeave
//	                      33 BucketDue
//	                      34 (was never sent)
//	                      35 SessionInfo
//	                      36 UpgradeRefused
//	                      37 SessionsExpired
//
//	100 Hello             120 LearnerInfo       129 NewLeader          138 Touches
//	101 HelloRefused      121 LeaderInfo        130 NewLeaderAck       139 Words
//	102 KeepAlive         122 EpochAck          131 UpToDate           140 Durable
//	103 Vote              123 Truncate          132 Propose            141 SyncWishes
//	104 Notification      124 Truncated         133 Ack                142 SyncWish
//	105 Elected           125 SnapBegin         134 Commit             143 SessionHome
//	                      126 SnapChunk         135 Inform             144 HandOver
//	                      127 SnapCredit        136 Ping               145 ProposedMembers
//	                      128 History           137 Pong               146 Followers
//
// 147 to 199 are kept for election and learners. A message whose fields change gets a new code and the old one stays
// what it was; Version changes only with the layout of the frame. A decoder takes exactly the fields that it knows.
//
// Nothing is trusted: a length allocates nothing before the bytes have come, a decoded message takes at most about
// sixteen times the memory of its frame, and whatever is wrong with a frame is an error that tells what, never a panic.
package pack
