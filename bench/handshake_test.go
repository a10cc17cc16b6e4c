//go:build unix

package bench

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// eachClient listens until the test ends and deals with each connection, which is closed behind it.
func eachClient(t *testing.T, deal func(c net.Conn)) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				deal(c)
			}()
		}
	}()
	return l
}

// sayOnly says the same to everybody, or hangs up at once.
func sayOnly(t *testing.T, text string) string {
	t.Helper()
	return eachClient(t, func(c net.Conn) {
		buf := make([]byte, 1024)
		_, _ = c.Read(buf)
		if text == "" {
			return
		}
		_, _ = c.Write([]byte(text))
		_, _ = c.Read(buf) // stays until the client leaves
	}).Addr().String()
}

// An HTTP server that waits for more after a handshake is found out by asking.
func TestSilentHTTPServersAreToldApart(t *testing.T) {
	l := eachClient(t, func(c net.Conn) {
		buf := make([]byte, 1024)
		if n, _ := c.Read(buf); strings.HasPrefix(string(buf[:n]), "GET ") {
			_, _ = c.Write([]byte("HTTP/1.0 404 Not Found\r\n\r\n"))
			return
		}
		_, _ = c.Read(buf)
	})
	cfg := DefaultConfig()
	cfg.Servers, cfg.Duration, cfg.ReplyTimeout = []string{l.Addr().String()}, time.Second, 100*time.Millisecond
	for _, scenario := range []Scenario{Read(), Churn()} {
		if _, err := Run(context.Background(), cfg, scenario); !errors.Is(err, ErrOtherProtocol) || !strings.Contains(err.Error(), "etcd") {
			t.Errorf("%s: %v", scenario.Name, err)
		}
	}
}

// Whatever else listens there must be named as such, at once, by the steps
// before a load and by the load itself.
func TestOtherProtocolsAreToldApart(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"http":    {"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP server"},
		"http/2":  {"\x00\x00\x18\x04\x00\x00\x00\x00\x00", "HTTP/2"},
		"tls":     {"\x15\x03\x01\x00\x02\x02\x46", "TLS"},
		"ssh":     {"SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0"},
		"hang-up": {"", "hung up during the handshake"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.Servers, cfg.Duration, cfg.ReplyTimeout = []string{sayOnly(t, c.text)}, time.Second, time.Minute
			for _, skip := range []bool{false, true} {
				cfg.SkipPrepare = skip
				_, err := Run(context.Background(), cfg, Read())
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), cfg.Servers[0]) {
					t.Errorf("skip preparation %v: got %v, want %q", skip, err, c.want)
				}
				if c.text != "" && !errors.Is(err, ErrOtherProtocol) {
					t.Errorf("skip preparation %v: %v is not told to be another protocol", skip, err)
				}
			}
		})
	}
}
