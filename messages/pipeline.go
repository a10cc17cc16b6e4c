package messages

// Proposal is a transaction on its way to the log and the tree. Encoded is its one and only encoding (see
// EncodeTxn); Header and Body are the same thing as Go values, so that the server that made it needn't decode.
// Between servers only Origin, Ticket and Encoded travel; the receiver decodes the rest from them.
type Proposal struct {
	_msgpack struct{}  `msgpack:",as_array"`
	Header   TxnHeader `msgpack:"-"`
	Origin   ServerID  // whose client asked for it; 0: of the server that proposed it, or nobody's
	Ticket   Ticket    // of the request that became this transaction, for the gate of the server that has it
	Encoded  []byte
	Body     TxnBody `msgpack:"-"`
}

// Proposals is a batch that goes from prep to sync: consecutive zxids.
type Proposals struct {
	_msgpack struct{} `msgpack:",as_array"`
	Items    []Proposal
}

// Committed is a batch that has become durable: on this server's disk when it runs alone, on a quorum's
// otherwise. Consecutive zxids; what is in it will happen on every server.
type Committed struct {
	_msgpack struct{} `msgpack:",as_array"`
	Items    []Proposal
}

// Refusal is prep's word that a write becomes no transaction. It was judged after all transactions up to After,
// so it is answered when these have been applied. Results has a code per operation of a multi.
type Refusal struct {
	_msgpack struct{} `msgpack:",as_array"`
	Origin   ServerID // whose client asked for it; 0: of the server that judged it
	Ticket   Ticket
	After    Zxid
	Err      ErrCode
	Results  []ErrCode
}

// Refusals is a batch of them, in the order of their After.
type Refusals struct {
	_msgpack struct{} `msgpack:",as_array"`
	Items    []Refusal
}

// Delivery is what the gate lets through to final: a read (only Request), a committed transaction (Proposal, and
// Request when a client of this server waits for it) or a refused write (Request and Refusal).
type Delivery struct {
	_msgpack struct{} `msgpack:",as_array"`
	Request  Request
	Proposal *Proposal
	Refusal  *Refusal
}

// Deliveries is a batch of them: transactions in zxid order, each session's requests in its own order.
type Deliveries struct {
	_msgpack struct{} `msgpack:",as_array"`
	Items    []Delivery
	recycled bool // see NewDeliveries
}

// Applied tells that the tree holds all transactions up to Zxid, and how many bytes of log they took.
type Applied struct {
	_msgpack struct{} `msgpack:",as_array"`
	Zxid     Zxid
	Count    int64
	Bytes    int64
}

// DiskSpace tells that the log is about to run out of space, or that there is enough of it again.
type DiskSpace struct {
	_msgpack struct{} `msgpack:",as_array"`
	Full     bool
	Free     int64 // bytes
}
