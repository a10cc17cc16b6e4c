package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/server"
)

// printScreen tells, once the server serves, what a newcomer needs to know.
func printScreen(w io.Writer, s *server.Server, config *server.Config) {
	data, err := filepath.Abs(config.Data.Dir)
	if err != nil {
		data = config.Data.Dir
	}
	fmt.Fprintf(w, "\n  Troupe %s, %s\n\n", server.Version, mode(config))
	fmt.Fprintf(w, "  clients  %s\n", s.ClientAddress())
	if admin := s.AdminAddress(); admin != "" {
		fmt.Fprintf(w, "  admin    http://%s%s\n", admin, config.Admin.CommandURL)
	}
	fmt.Fprintf(w, "  data     %s\n", data)
	fmt.Fprintf(w, "  connect  troupe cli --server %s    (or zkCli, Curator, Kazoo …)\n", reachable(s.ClientAddress()))
	fmt.Fprintf(w, "  stop     Ctrl-C\n\n")
}

// mode is what the server is, as far as the configuration says.
func mode(config *server.Config) string {
	e := config.Ensemble
	if !e.Distributed() {
		return "standalone"
	}
	return fmt.Sprintf("member %d of an ensemble of %d; it serves when a majority is there", e.MyID, len(e.Membership.Members))
}

// reachable is an address that a client on this machine can use: where the server listens on all interfaces, loopback.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip, bad := netip.ParseAddr(host); err != nil || bad != nil || !ip.IsUnspecified() {
		return address
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// newProgress reports on a recovery that takes more than a second, once a second.
func newProgress(w io.Writer) func(persistence.Progress) {
	last := time.Now()
	return func(p persistence.Progress) {
		if time.Since(last) < time.Second {
			return
		}
		last = time.Now()
		percent := int64(0)
		if p.Total > 0 {
			percent = 100 * p.Done / p.Total
		}
		fmt.Fprintf(w, "recovering: %s %d %%, %d records\n", p.Phase, percent, p.Records)
	}
}
