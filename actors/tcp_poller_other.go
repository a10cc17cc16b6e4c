//go:build !linux

package actors

import (
	"io"
	"net"
)

// poller is Linux's. Elsewhere each connection has a goroutine that reads.
type poller struct{}

func newPoller() *poller     { return nil }
func (p *poller) wakeUp()    {}
func (p *poller) look() bool { return false }
func (p *poller) wait() int  { return 0 }
func (p *poller) serve(int)  {}
func (p *poller) end()       {}

func onLoop(t Transport, _ *Loop) Transport { return t }

func acceptSockets(l *net.TCPListener) (io.Closer, func() (Transport, error), error) {
	return l, acceptConns(l, NewTCPTransport), nil
}
