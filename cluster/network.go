package cluster

import (
	"time"

	"github.com/troupekeeper/troupe/actors"
)

// Network is how servers reach each other. The real ones are NewTCP and NewTLS; the seeded simulation has its own.
// Everything that a link needs to know about a connection is the contract of actors.Transport.
type Network interface {
	// Listen binds an address, host:port. Connections are handed out once the acceptor is started. Errors name the address.
	Listen(address string) (actors.Acceptor, error)
	// Dial opens a connection to host:port and returns at once. done is called exactly once, on any goroutine, with the
	// connection or with an error that names the address; it must not block. The host's name is resolved anew at each
	// call, because a server may come back elsewhere. timeout covers everything up to a connection that is ready to be
	// used. A transport that done gets belongs to the caller, who closes it.
	Dial(address string, timeout time.Duration, done func(actors.Transport, error))
}
