package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Errors of opening a session, in words that say what to do.

// ErrOtherProtocol says that something answers that is no such server.
var ErrOtherProtocol = errors.New("what answers there does not speak ZooKeeper's protocol")

// A handshake's answer has 36 or 37 bytes; servers to come may add to it.
const (
	greetingBytesMin = 4 + 4 + 8 + 4
	greetingBytesMax = 1024
)

// checkGreeting judges the first bytes that arrive on a connection, before a
// length in them is believed and waited for. Fewer than four tell nothing yet.
func checkGreeting(first []byte) error {
	if len(first) < 4 {
		return nil
	}
	length := be.Uint32(first)
	if length >= greetingBytesMin && length <= greetingBytesMax {
		return nil
	}
	const shown = 16
	what := fmt.Sprintf("it begins with %q", first[:min(len(first), shown)])
	const settings = 4 // type of an HTTP/2 frame, which every such connection begins with
	switch {
	case bytes.HasPrefix(first, []byte("HTTP")):
		what = "it answers as an HTTP server, as etcd and admin ports do"
	case first[3] == settings && length>>8 <= greetingBytesMax:
		what = "it answers with HTTP/2, as etcd does"
	case first[0] == 0x15 || first[0] == 0x16:
		what = "it answers with TLS; the generator needs a plain port"
	}
	return fmt.Errorf("%w: %s", ErrOtherProtocol, what)
}

// explainGreeting says what a connection that ends in the handshake may mean.
func explainGreeting(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("it hung up during the handshake: either it takes no more connections from one address (maxClientCnxns), "+
			"or it has no quorum, or it is no ZooKeeper server: %w", err)
	}
	return err
}

// explainDial says what to look at when nothing can be connected to.
func explainDial(err error) error {
	return fmt.Errorf("%w; is a server running there? --servers says where to look", err)
}

const (
	// silenceLimit is how long a server may be silent after the handshake until
	// it is asked whether it is an HTTP server, and httpLimit how long that takes.
	silenceLimit = 2 * time.Second
	httpLimit    = time.Second
)

// speaksHTTP asks whether something is an HTTP server. Such as etcd say nothing
// at all to a handshake, but wait for more.
func speaksHTTP(address string) bool {
	conn, err := net.DialTimeout("tcp", address, httpLimit)
	if err != nil {
		return false
	}
	defer conn.Close()
	var first [4]byte
	if err = conn.SetDeadline(time.Now().Add(httpLimit)); err == nil {
		_, err = io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n")
	}
	if err == nil {
		_, err = io.ReadFull(conn, first[:])
	}
	return err == nil && checkGreeting(first[:]) != nil && string(first[:]) == "HTTP"
}

// explainSilence finds out why servers do not answer the handshake.
func explainSilence(err error, addresses ...string) error {
	for _, address := range addresses {
		if speaksHTTP(address) {
			return fmt.Errorf("%w: %s is an HTTP server, as etcd and admin ports are", ErrOtherProtocol, address)
		}
	}
	return fmt.Errorf("%w; what listens there may be overloaded, or no ZooKeeper server", err)
}
