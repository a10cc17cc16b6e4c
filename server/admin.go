package server

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	adminHeaderPatience = 10 * time.Second // to send the head of a request
	adminWritePatience  = time.Minute      // to take an answer
	adminStopPatience   = time.Second      // for answers under way when the server stops
	adminHeaderBytes    = 16 << 10
)

// adminServer is the side of the server that operators use: the console behind all commands, and the HTTP ports.
type adminServer struct {
	console *console
	ports   []*adminPort
	main    *adminPort // nil when admin.enableServer is false

	stopFeed func() // ends the streams of the change feed; nil: there are none
}

// adminPort is one port with its HTTP server.
type adminPort struct {
	http     *http.Server
	listener net.Listener
	done     chan struct{}
}

// startAdmin makes the console and opens the ports that the configuration asks for: the admin port with commands,
// health and metrics, and the port of the metrics provider. The error names the key and the port that can't be used.
func (s *Server) startAdmin() error {
	s.admin = &adminServer{console: newConsole(s)}
	registry := newMetricsRegistry(s.admin.console)
	if c := s.config.Admin; c.Enabled {
		p, err := s.admin.listen("admin.serverPort", c.Address, c.Port, s.adminHandler(registry), c.IdleTimeout)
		if err != nil {
			return fmt.Errorf("%w, or turn the admin server off with admin.enableServer=false", err)
		}
		s.admin.main = p
		s.log.Info().Str("component", "admin").Msgf("commands at http://%s%s", p.listener.Addr(), c.CommandURL)
	}
	if c := s.config.Metrics; c.Enabled {
		mux := http.NewServeMux()
		mux.Handle("/metrics", metricsHandler(registry))
		p, err := s.admin.listen("metricsProvider.httpPort", c.Host, c.Port, onlyReads(mux), s.config.Admin.IdleTimeout)
		if err != nil {
			return fmt.Errorf("%w, or leave metricsProvider.className empty", err)
		}
		s.log.Info().Str("component", "admin").Msgf("metrics at http://%s/metrics", p.listener.Addr())
	}
	return nil
}

func (s *Server) adminHandler(registry *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	base := "/" + strings.Trim(s.config.Admin.CommandURL, "/")
	front := &httpCommands{console: s.admin.console, base: base, log: Component(s.log, "admin")}
	mux.HandleFunc(base, front.list)
	mux.HandleFunc(base+"/{$}", front.list)
	mux.HandleFunc(base+"/{name}", front.command)
	mux.HandleFunc("/healthz", front.health)
	if s.feed != nil {
		mux.Handle("/feed", s.admin.feedHandler(s.feed))
	}
	if s.config.Admin.Metrics {
		mux.Handle("/metrics", metricsHandler(registry))
	}
	return onlyReads(mux)
}

// listen opens a port and serves on it until close.
func (a *adminServer) listen(key, host string, port int, h http.Handler, idle time.Duration) (*adminPort, error) {
	if host == "0.0.0.0" { // in zoo.cfg it means every interface, IPv6 too
		host = ""
	}
	address := net.JoinHostPort(host, strconv.Itoa(port))
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, portError(key, address, err)
	}
	p := &adminPort{listener: listener, done: make(chan struct{}), http: &http.Server{
		Handler: h, IdleTimeout: idle, ReadHeaderTimeout: adminHeaderPatience, WriteTimeout: adminWritePatience,
		MaxHeaderBytes: adminHeaderBytes,
	}}
	a.ports = append(a.ports, p)
	logger := Component(a.console.runtime.Log, "admin")
	p.http.ErrorLog = log.New(logger, "", 0)
	go func() {
		defer close(p.done)
		if err := p.http.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			logger.Error().Err(err).Msgf("the HTTP port %s has failed", address)
		}
	}()
	return p, nil
}

// address is where the admin server listens, "" when it is off.
func (a *adminServer) address() string {
	if a.main == nil {
		return ""
	}
	return a.main.listener.Addr().String()
}

// close lets answers under way finish for a moment, then closes the ports.
func (a *adminServer) close() {
	if a.stopFeed != nil {
		a.stopFeed()
	}
	ctx, cancel := context.WithTimeout(context.Background(), adminStopPatience)
	defer cancel()
	for _, p := range a.ports {
		if p.http.Shutdown(ctx) != nil {
			_ = p.http.Close()
		}
		<-p.done
	}
}

// onlyReads forbids TRACE, as ZooKeeper does: it would give cookies and credentials of a request back to a script.
// Other methods are up to the handlers.
func onlyReads(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodTrace {
			http.Error(w, "TRACE is forbidden", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
