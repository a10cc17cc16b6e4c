package messages

// ServerState is what a member of an ensemble is doing.
type ServerState uint8

// The states of a member. The numbers travel between servers.
const (
	Looking   ServerState = 0 // it looks for a leader
	Following ServerState = 1
	Leading   ServerState = 2
	Observing ServerState = 3
)

// String is the word that log lines and commands print.
func (s ServerState) String() string {
	switch s {
	case Looking:
		return "looking"
	case Following:
		return "following"
	case Leading:
		return "leading"
	case Observing:
		return "observing"
	}
	return "unknown"
}

// Vote proposes a leader. Epoch is the candidate's current epoch (of the last leader whose history it has taken over),
// Zxid its last logged transaction. Votes are ordered by epoch, zxid and id.
type Vote struct {
	_msgpack struct{} `msgpack:",as_array"`
	Leader   ServerID
	Zxid     Zxid
	Epoch    uint32
}

// Beats tells whether v is the better vote of the two.
func (v Vote) Beats(w Vote) bool {
	if v.Epoch != w.Epoch {
		return v.Epoch > w.Epoch
	}
	if v.Zxid != w.Zxid {
		return v.Zxid > w.Zxid
	}
	return v.Leader > w.Leader
}

// Notification is a member's word in an election: its state and the vote it stands by. A member that is not looking
// answers those who are with the leader that it has, and the epoch of that leader's reign.
type Notification struct {
	_msgpack struct{} `msgpack:",as_array"`
	From     ServerID
	State    ServerState
	Round    uint64 // the sender's count of elections ("logical clock")
	Vote     Vote
	Config   Zxid   // version of the sender's current membership
	Members  string // that membership's text
	Proposed string // the text of the membership that the sender has acknowledged and that may be in effect; "": there is none
}

// Elected is the outcome: what this server is to be, and whom it is to follow (itself when it leads).
type Elected struct {
	_msgpack struct{} `msgpack:",as_array"`
	State    ServerState
	Leader   ServerID
	Round    uint64
}
