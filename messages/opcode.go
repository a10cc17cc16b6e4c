package messages

import "strconv"

// OpCode is the type field of a request header.
type OpCode int32

// The operations of the protocol. Those with a negative code never come from a client, but for OpCloseSession.
const (
	OpNotification         OpCode = 0
	OpCreate               OpCode = 1
	OpDelete               OpCode = 2
	OpExists               OpCode = 3
	OpGetData              OpCode = 4
	OpSetData              OpCode = 5
	OpGetACL               OpCode = 6
	OpSetACL               OpCode = 7
	OpGetChildren          OpCode = 8
	OpSync                 OpCode = 9
	OpPing                 OpCode = 11
	OpGetChildren2         OpCode = 12
	OpCheck                OpCode = 13
	OpMulti                OpCode = 14
	OpCreate2              OpCode = 15
	OpReconfig             OpCode = 16
	OpCheckWatches         OpCode = 17
	OpRemoveWatches        OpCode = 18
	OpCreateContainer      OpCode = 19
	OpDeleteContainer      OpCode = 20
	OpCreateTTL            OpCode = 21
	OpMultiRead            OpCode = 22
	OpAuth                 OpCode = 100
	OpSetWatches           OpCode = 101
	OpSASL                 OpCode = 102
	OpGetEphemerals        OpCode = 103
	OpGetAllChildrenNumber OpCode = 104
	OpSetWatches2          OpCode = 105
	OpAddWatch             OpCode = 106
	OpWhoAmI               OpCode = 107
	OpCreateSession        OpCode = -10
	OpCloseSession         OpCode = -11
	OpError                OpCode = -1
	// OpTakeUp is the server's own word for a client that takes up its session again: it passes the gate like a write, so
	// that the client never sees an older state than the one in which the leader found the session alive.
	OpTakeUp OpCode = -12
	// OpRefused is the server's own word for a request that a stage has refused: it goes the request's way, in its place, and
	// is answered with a code. Its body is that code and the client's operation.
	OpRefused OpCode = -13
)

// Special xids of requests and replies.
const (
	XidWatchEvent int32 = -1
	XidPing       int32 = -2
	XidAuth       int32 = -4
	XidSetWatches int32 = -8
)

type opInfo struct {
	name  string
	short string // as the four-letter word cons prints it
	write bool   // goes through prep
}

var opInfos = map[OpCode]opInfo{
	OpCreate:               {"create", "CREA", true},
	OpDelete:               {"delete", "DELE", true},
	OpExists:               {"exists", "EXIS", false},
	OpGetData:              {"getData", "GETD", false},
	OpSetData:              {"setData", "SETD", true},
	OpGetACL:               {"getACL", "GETA", false},
	OpSetACL:               {"setACL", "SETA", true},
	OpGetChildren:          {"getChildren", "GETC", false},
	OpSync:                 {"sync", "SYNC", false},
	OpPing:                 {"ping", "PING", false},
	OpGetChildren2:         {"getChildren2", "GETC", false},
	OpCheck:                {"check", "CHEC", true},
	OpMulti:                {"multi", "MULT", true},
	OpCreate2:              {"create2", "CREA", true},
	OpReconfig:             {"reconfig", "RECO", true},
	OpCheckWatches:         {"checkWatches", "CHKW", false},
	OpRemoveWatches:        {"removeWatches", "REMW", false},
	OpCreateContainer:      {"createContainer", "CREA", true},
	OpDeleteContainer:      {"deleteContainer", "DELE", true},
	OpCreateTTL:            {"createTTL", "CREA", true},
	OpMultiRead:            {"multiRead", "MLTR", false},
	OpAuth:                 {"auth", "AUTH", false},
	OpSetWatches:           {"setWatches", "SETW", false},
	OpSASL:                 {"sasl", "SASL", false},
	OpGetEphemerals:        {"getEphemerals", "GETE", false},
	OpGetAllChildrenNumber: {"getAllChildrenNumber", "GETACN", false},
	OpSetWatches2:          {"setWatches2", "STW2", false},
	OpAddWatch:             {"addWatch", "ADDW", false},
	OpWhoAmI:               {"whoAmI", "HOMI", false},
	OpCreateSession:        {"createSession", "SESS", true},
	OpCloseSession:         {"closeSession", "CLOS", true},
	OpError:                {"error", "NA", false},
}

// String is the operation's name in ZooKeeper's sources, or its number.
func (o OpCode) String() string {
	if i, ok := opInfos[o]; ok {
		return i.name
	}
	return "op" + strconv.Itoa(int(o))
}

// Short is the abbreviation that the word cons prints as lop.
func (o OpCode) Short() string {
	if i, ok := opInfos[o]; ok {
		return i.short
	}
	return "NA"
}

// IsWrite tells whether the operation is judged by prep and becomes a transaction.
func (o OpCode) IsWrite() bool {
	switch o {
	case OpGetData, OpExists, OpPing, OpGetChildren2, OpGetChildren: // the frequent ones, without a map access
		return false
	case OpSetData, OpCreate, OpCreate2, OpDelete:
		return true
	}
	return opInfos[o].write
}

// Known tells whether a client may send the operation at all.
func (o OpCode) Known() bool {
	_, ok := opInfos[o]
	return ok && (o > 0 || o == OpCloseSession)
}
