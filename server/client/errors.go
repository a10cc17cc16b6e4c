package client

import (
	"errors"
	"fmt"

	"github.com/troupekeeper/troupe/messages"
)

// Errors that arise in the client. What a server answers is a messages.ErrCode; errors.Is finds it.
var (
	ErrConnectionLoss = errors.New("connection lost")                  // a write may or may not have been carried out
	ErrClosed         = errors.New("the client is closed")             // by Close or Abandon
	ErrNoServer       = errors.New("no server answers")                // all were tried
	ErrProtocol       = errors.New("not the protocol")                 // the peer sent what a server never sends
	ErrSessionExpired = error(messages.ErrSessionExpired)              // the server has given the session up
	ErrAuthFailed     = error(messages.ErrAuthFailed)                  // a credential was refused
	ErrClosedByServer = errors.New("the server closed the connection") // in a handshake: it has no leader, or no room
	errTooLarge       = errors.New("reply above the limit")            // see Options.MaxReply
)

// Error tells which operation on which node failed. Unwrap gives the reason: a messages.ErrCode, one of the errors
// above, or that of a context.
type Error struct {
	Op   messages.OpCode
	Path string // as the caller wrote it, or "" when the operation has none
	Err  error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%v: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("%v %s: %v", e.Op, e.Path, e.Err)
}

// Unwrap gives the reason.
func (e *Error) Unwrap() error { return e.Err }
