package messages

// Request is one client request on its way through the stages. It is a value: each stage may copy it, none
// changes what another one holds. Body is the jute record behind the request header, exactly as it came; the
// stage that needs it decodes it.
type Request struct {
	_msgpack   struct{} `msgpack:",as_array"`
	Conn       ConnID   // where the reply goes; 0 for requests of the server's own
	Session    SessionID
	Ticket     Ticket // set by the request processor on writes
	Xid        int32
	Op         OpCode
	Body       []byte
	Identities []Identity // who the connection has proved to be; shared, never changed in place
	Origin     ServerID   // the learner whose client asks; 0: of this server
	Local      bool       // the session is known to the origin alone; nothing of it is in the tree
	Fresh      bool       // it must see all that was acknowledged before it came, wherever that was
	Received   int64      // monotonic microseconds at which the frame was read, for latencies
}

// Requests is a batch of one connection's requests, in the order in which they came.
type Requests struct {
	_msgpack struct{} `msgpack:",as_array"`
	Items    []Request
	recycled bool // see NewRequests
}

// Output is encoded frames for one connection. Close asks to close it when they have been written.
type Output struct {
	_msgpack struct{} `msgpack:",as_array"`
	Conn     ConnID
	Frames   []byte // whole frames, length prefixes included; owned by the receiver
	Replies  int32  // how many of the frames answer a request (the others are events)
	Close    bool
	Last     Zxid   // the zxid of the last reply header, for the connection's statistics
	Op       OpCode // the operation of the last reply
	Xid      int32  // the xid of the last reply
	Oldest   int64  // Received of the slowest answered request, 0 for none
	Latency  int64  // sum of the latencies of the replies, microseconds
}
