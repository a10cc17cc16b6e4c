package messages

// TxnKind says which body a transaction has. The numbers are part of the log format.
type TxnKind uint8

// The kinds of transactions.
const (
	TxnCreate        TxnKind = 1
	TxnDelete        TxnKind = 2
	TxnSetData       TxnKind = 3
	TxnSetACL        TxnKind = 4
	TxnCreateSession TxnKind = 5
	TxnCloseSession  TxnKind = 6
	TxnMulti         TxnKind = 7
)

// String is the name that log dumps print.
func (k TxnKind) String() string {
	switch k {
	case TxnCreate:
		return "create"
	case TxnDelete:
		return "delete"
	case TxnSetData:
		return "setData"
	case TxnSetACL:
		return "setACL"
	case TxnCreateSession:
		return "createSession"
	case TxnCloseSession:
		return "closeSession"
	case TxnMulti:
		return "multi"
	}
	return "unknown"
}

// TxnHeader is what all transactions have in common. Time is the proposer's clock in milliseconds since 1970.
type TxnHeader struct {
	_msgpack struct{} `msgpack:",as_array"`
	Zxid     Zxid
	Time     int64
	Session  SessionID
	Xid      int32
	Op       OpCode // the client's operation, which decides the form of the reply
}

// TxnBody is one of CreateTxn, DeleteTxn, SetDataTxn, SetACLTxn, CreateSessionTxn, CloseSessionTxn and MultiTxn.
// A body says what becomes so, not what was asked: applying it needs no decision and can't fail.
type TxnBody interface{ Kind() TxnKind }

// CreateTxn adds a node. Owner is the stored owner: a session, or one of the markers for containers and TTL
// nodes. ParentCreates is the parent's count of creates after this one.
type CreateTxn struct {
	_msgpack      struct{} `msgpack:",as_array"`
	Path          string
	Data          []byte // nil is kept apart from empty
	ACL           []ACL
	Owner         Owner
	ParentCreates int32
}

// DeleteTxn removes a node that has no children.
type DeleteTxn struct {
	_msgpack struct{} `msgpack:",as_array"`
	Path     string
}

// SetDataTxn replaces a node's data; Version is the one that it has afterwards.
type SetDataTxn struct {
	_msgpack struct{} `msgpack:",as_array"`
	Path     string
	Data     []byte
	Version  int32
}

// SetACLTxn replaces a node's ACL; Version is the aversion that it has afterwards.
type SetACLTxn struct {
	_msgpack struct{} `msgpack:",as_array"`
	Path     string
	ACL      []ACL
	Version  int32
}

// CreateSessionTxn opens the session of the header. Timeout is in milliseconds.
type CreateSessionTxn struct {
	_msgpack struct{} `msgpack:",as_array"`
	Timeout  int32
	Password []byte // 16 random bytes, checked when the client comes back
}

// CloseSessionTxn ends the session of the header and deletes its ephemerals, all of them listed: every server
// deletes the same ones.
type CloseSessionTxn struct {
	_msgpack struct{} `msgpack:",as_array"`
	Paths    []string
}

// MultiTxn is several operations under one zxid. All or none of them happen.
type MultiTxn struct {
	_msgpack struct{} `msgpack:",as_array"`
	Ops      []MultiOp
}

// MultiOp is one operation of a multi. Body is nil for a check, which changes nothing but has a result.
type MultiOp struct {
	Op   OpCode
	Body TxnBody
}

// Kind tells the type of the body.
func (*CreateTxn) Kind() TxnKind        { return TxnCreate }
func (*DeleteTxn) Kind() TxnKind        { return TxnDelete }        // Kind tells the type of the body.
func (*SetDataTxn) Kind() TxnKind       { return TxnSetData }       // Kind tells the type of the body.
func (*SetACLTxn) Kind() TxnKind        { return TxnSetACL }        // Kind tells the type of the body.
func (*CreateSessionTxn) Kind() TxnKind { return TxnCreateSession } // Kind tells the type of the body.
func (*CloseSessionTxn) Kind() TxnKind  { return TxnCloseSession }  // Kind tells the type of the body.
func (*MultiTxn) Kind() TxnKind         { return TxnMulti }         // Kind tells the type of the body.
