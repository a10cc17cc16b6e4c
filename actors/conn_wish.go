package actors

import (
	"fmt"

	"github.com/troupekeeper/troupe/messages"
)

// SchemeTroupe is the scheme with which a client adds a wish to its connection, as it would add a credential: no client
// library needs a new call for it, and all of them repeat it on each new connection. No identity comes of it.
const SchemeTroupe = "troupe"

// The wishes about reads. The last one counts.
const (
	WishFreshReads = "reads=fresh" // see all that was acknowledged before, at any server
	WishLocalReads = "reads=local" // see this server's state, as in ZooKeeper
)

// wish answers as a credential is answered. One that is unknown is refused like a wrong password: a client that is told
// nothing would believe that it is served as it wishes.
func (c *Conn) wish(xid int32, wish string) {
	switch wish {
	case WishFreshReads:
		c.fresh = true
	case WishLocalReads:
		c.fresh = false
	default:
		c.authRefused = true
		c.reply(xid, messages.ErrAuthFailed)
		c.close(fmt.Sprintf("the client wishes %.40q; there are %s and %s", wish, WishFreshReads, WishLocalReads), true)
		return
	}
	c.reply(xid, messages.ErrOK)
}
