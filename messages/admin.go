package messages

// FourLetterWord is a command that came as the first bytes of a connection. The answer is an Output with Close.
type FourLetterWord struct {
	_msgpack struct{} `msgpack:",as_array"`
	Conn     ConnID
	Word     string
	Argument []byte // the bytes behind the word that had arrived; stmk uses 8
}

// WatchQuery asks final for the watches of all connections.
type WatchQuery struct {
	_msgpack struct{} `msgpack:",as_array"`
	List     bool     // false: only the numbers
}

// WatchReport is the answer: the numbers count data watches as ZooKeeper does, All counts every table.
type WatchReport struct {
	_msgpack    struct{} `msgpack:",as_array"`
	Connections int64
	Paths       int64
	Total       int64
	All         int64
	Watches     []WatchEntry // sorted by path, then session, when asked for
}

// WatchEntry is one watched path of one session's connection.
type WatchEntry struct {
	_msgpack struct{} `msgpack:",as_array"`
	Path     string
	Session  SessionID
}

// SessionQuery asks the tracker for its buckets.
type SessionQuery struct {
	_msgpack struct{} `msgpack:",as_array"`
}

// SessionReport is the answer: the buckets by deadline.
type SessionReport struct {
	_msgpack struct{} `msgpack:",as_array"`
	Buckets  []BucketReport
}

// BucketReport lists the sessions that expire at Deadline (monotonic milliseconds; Now is the same clock).
type BucketReport struct {
	_msgpack struct{} `msgpack:",as_array"`
	Deadline int64
	Sessions []SessionID
}
