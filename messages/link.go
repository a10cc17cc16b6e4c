package messages

// LinkProtocol is the version of the conversation between servers. A link to a server that speaks another one is
// refused with a message that names both.
const LinkProtocol uint32 = 1

// Purpose says what a link between two servers is for.
type Purpose uint8

// The purposes of links. The numbers travel between servers.
const (
	ForElection Purpose = 1
	ForLearning Purpose = 2 // dialled by a learner to its leader
)

// Hello is the first message of both sides of a link. Incarnation tells one run of a server's process from another.
// Knock asks the other side, whose id is larger, to dial back: a pair of servers keeps the link that the larger one dialled.
type Hello struct {
	_msgpack    struct{} `msgpack:",as_array"`
	Protocol    uint32
	Purpose     Purpose
	From, To    ServerID
	Incarnation uint64
	Knock       bool
}

// HelloRefused is the last message of a link that is not to be: Reason names what both sides have.
type HelloRefused struct {
	_msgpack struct{} `msgpack:",as_array"`
	Reason   string
}

// KeepAlive says nothing but that the sender lives.
type KeepAlive struct {
	_msgpack struct{} `msgpack:",as_array"`
}
