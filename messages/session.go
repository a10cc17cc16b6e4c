package messages

// PasswordLength is the size of a session's password in bytes.
const PasswordLength = 16

// Connect is a client's wish to open a session (Session 0) or to take up one that it has.
type Connect struct {
	_msgpack struct{} `msgpack:",as_array"`
	Conn     ConnID
	Session  SessionID
	Password []byte
	Timeout  int32 // milliseconds, already within the server's limits
	Received int64 // monotonic microseconds
}

// SessionReady tells a connection that its session stands; requests may follow.
type SessionReady struct {
	_msgpack struct{} `msgpack:",as_array"`
	Conn     ConnID
	Session  SessionID
	Timeout  int32
	Password []byte
}

// SessionRefused tells a connection that the session it asked for is not to be had.
type SessionRefused struct {
	_msgpack struct{} `msgpack:",as_array"`
	Conn     ConnID
}

// CloseConn ends a connection; Reason goes to the log.
type CloseConn struct {
	_msgpack struct{} `msgpack:",as_array"`
	Conn     ConnID
	Reason   string
}

// ConnClosed tells that a connection has ended: its watches go, its session lives on.
type ConnClosed struct {
	_msgpack struct{} `msgpack:",as_array"`
	Conn     ConnID
	Session  SessionID
}

// ConnIdentities tells who a connection has proved to be from now on.
type ConnIdentities struct {
	_msgpack   struct{} `msgpack:",as_array"`
	Conn       ConnID
	Identities []Identity
}

// Touch tells the tracker that a session's client gave a sign of life at Now (monotonic milliseconds).
type Touch struct {
	_msgpack struct{} `msgpack:",as_array"`
	Session  SessionID
	Now      int64
}

// Revalidate asks the tracker whether a session lives, and renews its timeout if so. Server is the learner that asks, 0 for
// this server, which has checked the password itself.
type Revalidate struct {
	_msgpack struct{} `msgpack:",as_array"`
	Server   ServerID
	Conn     ConnID
	Session  SessionID
	Timeout  int32
	Password []byte
}

// Revalidated is the answer. The session's tree is not older than After when its client is served; 0 asks for nothing.
type Revalidated struct {
	_msgpack struct{} `msgpack:",as_array"`
	Server   ServerID
	Conn     ConnID
	Session  SessionID
	Timeout  int32
	Valid    bool
	After    Zxid
}

// SessionOpened tells that a session's createSession has been applied.
type SessionOpened struct {
	_msgpack struct{} `msgpack:",as_array"`
	Session  SessionID
	Timeout  int32
}

// SessionClosed tells that a session's closeSession has been applied.
type SessionClosed struct {
	_msgpack struct{} `msgpack:",as_array"`
	Session  SessionID
}

// UpgradeRefused tells the request processor that a session which was to become everybody's stays local.
type UpgradeRefused struct {
	_msgpack struct{} `msgpack:",as_array"`
	Session  SessionID
}

// SessionsExpired tells the request processor that the time of sessions that only this server knows is over.
type SessionsExpired struct {
	_msgpack struct{} `msgpack:",as_array"`
	Sessions []SessionID
}

// BucketJoin puts a session into a bucket, BucketLeave takes it out.
type BucketJoin struct {
	_msgpack struct{} `msgpack:",as_array"`
	Session  SessionID
}

// BucketLeave takes a session out of its bucket: it was touched, or closed.
type BucketLeave struct {
	_msgpack struct{} `msgpack:",as_array"`
	Session  SessionID
}

// BucketDue tells a bucket that its deadline has come: what is still in it expires.
type BucketDue struct {
	_msgpack struct{} `msgpack:",as_array"`
}

// SessionInfo is one session of a recovered tree, for the tracker's start.
type SessionInfo struct {
	_msgpack struct{} `msgpack:",as_array"`
	Session  SessionID
	Timeout  int32
}
