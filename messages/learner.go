package messages

// The conversation between a leader and a learner (follower or observer), in the order of its phases: discovery,
// synchronisation, broadcast. Junqueira, Reed, Serafini, DSN 2011, section IV; what must be durable before which message
// is said in package cluster.

// LearnerInfo is a learner's first word: what it has promised so far.
type LearnerInfo struct {
	_msgpack      struct{} `msgpack:",as_array"`
	Server        ServerID
	Observer      bool
	AcceptedEpoch uint32
	Config        Zxid // version of its active membership
}

// LeaderInfo announces the epoch that the leader wants to begin.
type LeaderInfo struct {
	_msgpack struct{} `msgpack:",as_array"`
	Epoch    uint32
}

// EpochAck accepts it; AcceptedEpoch is durable. Fresh is false when the learner had promised this very epoch before: such
// a promise doesn't count again.
type EpochAck struct {
	_msgpack     struct{} `msgpack:",as_array"`
	Fresh        bool
	CurrentEpoch uint32
	Last         Zxid // the learner's last logged transaction
}

// Truncate asks the learner to remove all transactions beyond After, which never became history.
type Truncate struct {
	_msgpack struct{} `msgpack:",as_array"`
	After    Zxid
}

// Truncated tells where the learner's log ends now, durably: at After or, if it has no such transaction, before.
type Truncated struct {
	_msgpack struct{} `msgpack:",as_array"`
	Last     Zxid
}

// SnapBegin announces a snapshot that replaces the learner's whole state. Bytes is the size of its records.
type SnapBegin struct {
	_msgpack struct{} `msgpack:",as_array"`
	Zxid     Zxid
	Bytes    int64
}

// SnapChunk is a part of its records: kind (one byte), length (uvarint) and bytes of each. The learner answers with a
// SnapCredit when it has taken it in, and the leader sends a bounded number ahead.
type SnapChunk struct {
	_msgpack struct{} `msgpack:",as_array"`
	Records  []byte
	Last     bool // the snapshot is whole with this one
}

// SnapCredit asks for one more chunk.
type SnapCredit struct {
	_msgpack struct{} `msgpack:",as_array"`
}

// History is transactions that the learner lacks, in order, without a gap to what it has. They are part of the leader's
// history, so they are applied without a further word.
type History struct {
	_msgpack struct{} `msgpack:",as_array"`
	Items    []Proposal
}

// ProposedMembers comes before NewLeader when the leader's history holds a change of members of which nobody knows yet
// whether it is committed: until the leader is established a quorum must be one of these members, too. Members is the
// text of the new membership.
type ProposedMembers struct {
	_msgpack struct{} `msgpack:",as_array"`
	Members  string
}

// NewLeader ends the synchronisation: Last is where the learner's history must end now. Members is the membership's text.
type NewLeader struct {
	_msgpack struct{} `msgpack:",as_array"`
	Epoch    uint32
	Last     Zxid
	Config   Zxid
	Members  string
}

// NewLeaderAck promises that everything up to NewLeader is durable, the current epoch last.
type NewLeaderAck struct {
	_msgpack struct{} `msgpack:",as_array"`
	Epoch    uint32
}

// UpToDate lets the learner serve clients.
type UpToDate struct {
	_msgpack struct{} `msgpack:",as_array"`
	Epoch    uint32
}

// Propose hands followers transactions to be logged and acknowledged, consecutive zxids.
type Propose struct {
	_msgpack struct{} `msgpack:",as_array"`
	Items    []Proposal
}

// Ack tells that the learner's log is durable up to Zxid.
type Ack struct {
	_msgpack struct{} `msgpack:",as_array"`
	Server   ServerID
	Zxid     Zxid
}

// Commit tells that everything up to Zxid is committed.
type Commit struct {
	_msgpack struct{} `msgpack:",as_array"`
	Zxid     Zxid
}

// Inform hands observers transactions that are committed already.
type Inform struct {
	_msgpack struct{} `msgpack:",as_array"`
	Items    []Proposal
}

// Ping is the leader's heartbeat. Heard is the latest beat that it knows the learner to have answered: a learner whose
// answers don't arrive can tell so by it.
type Ping struct {
	_msgpack struct{} `msgpack:",as_array"`
	Beat     uint64
	Heard    uint64
	Last     Zxid // committed
}

// Pong is the learner's answer. DiskFull tells that it has no room for more log: it had better not lead.
type Pong struct {
	_msgpack struct{} `msgpack:",as_array"`
	Server   ServerID
	Beat     uint64
	DiskFull bool
}

// Touches are the sessions whose clients gave a sign of life at a learner since its last word.
type Touches struct {
	_msgpack struct{} `msgpack:",as_array"`
	Sessions []SessionID
}

// Followers tells a leader's prep, on one server, which servers acknowledge proposals at the moment, the leader among them,
// by rising id. Some of them may not be voters yet.
type Followers struct {
	_msgpack struct{} `msgpack:",as_array"`
	Servers  []ServerID
}

// Words are the leader's answers to the requests of one server's clients that become no transaction: refusals, and the
// end of a sync. Server is whose.
type Words struct {
	_msgpack struct{} `msgpack:",as_array"`
	Server   ServerID
	Items    []Refusal
}

// Durable tells, on one server, that its log is durable up to Zxid.
type Durable struct {
	_msgpack struct{} `msgpack:",as_array"`
	Zxid     Zxid
}

// SyncWishes are syncs that prep has passed on in the order of the writes around them: they are answered when everything
// proposed before them is committed, and the leader has proved that it still leads.
type SyncWishes struct {
	_msgpack struct{} `msgpack:",as_array"`
	Items    []SyncWish
}

// SyncWish is one of them. After is the last transaction proposed before it; 0: it is a read, which needs what is committed
// when the leader hears of it.
type SyncWish struct {
	_msgpack struct{} `msgpack:",as_array"`
	Server   ServerID
	Ticket   Ticket
	After    Zxid
}

// SessionHome tells prep that a session's client is now connected to Server: writes that come from elsewhere are of
// an older connection.
type SessionHome struct {
	_msgpack struct{} `msgpack:",as_array"`
	Session  SessionID
	Server   ServerID
}

// HandOver is a leader's last message to a learner that is up to date: everything up to Zxid is committed, every request
// that was judged has been answered, and To is to lead next. To itself is also told where the sessions' clients are: a write
// that one of them has left behind on an older connection must not be taken by the new desk either.
type HandOver struct {
	_msgpack struct{} `msgpack:",as_array"`
	To       ServerID
	Zxid     Zxid
	Homes    []SessionHome
}
