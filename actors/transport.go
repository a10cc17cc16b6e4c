package actors

// Transport is one client's byte stream. The real one is a TCP socket; the simulation has its own.
type Transport interface {
	// Remote is the other side as ip:port.
	Remote() string
	// Start begins to read. Each chunk that arrives is handed to received, which owns it; the end of the stream
	// (err not nil) is handed over once, as the last call. received runs on a goroutine of the transport.
	Start(received func(chunk []byte, err error))
	// TryWrite writes what fits at once and never blocks. n < len(b) means that the rest has to wait.
	TryWrite(b []byte) (n int, err error)
	// WriteRest writes b, blocking on a goroutine of the transport's own, then calls done.
	WriteRest(b []byte, done func(err error))
	// Pause stops or resumes reading. A read that is under way may still deliver its chunk.
	Pause(stop bool)
	// Close ends the stream in both directions; received hears of it.
	Close()
}

// Acceptor hands out the connections that clients open.
type Acceptor interface {
	// Start begins to accept. accepted runs on a goroutine of the acceptor; failed is called when it can't go on.
	Start(accepted func(Transport), failed func(error))
	// Addr is where clients connect to: host:port.
	Addr() string
	// Close stops accepting.
	Close()
}
