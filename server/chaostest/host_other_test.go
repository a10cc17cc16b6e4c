//go:build !linux

package chaostest

import (
	"errors"
	"os"
)

// separate says that on this system a host can be a machine of its own.
const separate = false

var errNotSeparate = errors.New("only Linux can give a host a network of its own")

// host is where one member runs: here always this machine.
type host struct {
	id  int
	tun *os.File
}

func newHost(id int, apart bool) (*host, error) {
	if apart {
		return nil, errNotSeparate
	}
	return &host{id: id}, nil
}

func (h *host) do(f func()) { f() }

func (h *host) close() {}

func (h *host) within(func()) error { return errNotSeparate }

func (h *host) mountSmall(string, int64) error { return errNotSeparate }
