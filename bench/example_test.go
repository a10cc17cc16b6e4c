//go:build unix

package bench_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/troupekeeper/troupe/bench"
	"github.com/troupekeeper/troupe/server"
)

// readThenWrite is a scenario that the package does not have: each session reads
// a key, writes the same one, and goes on to the next.
type readThenWrite struct {
	bench.Quiet // does nothing in the callbacks that are left out
	part        bench.Part
}

// Start fills the window of a session.
func (l *readThenWrite) Start(s *bench.Session) {
	for range l.part.Window {
		s.Get(l.part.Key())
	}
}

// Answered sends what follows an answer, which was checked already.
func (l *readThenWrite) Answered(s *bench.Session, op bench.Op, key uint32, _ int32) {
	if op == bench.OpGet {
		s.Set(key)
	} else {
		s.Get(l.part.Key())
	}
}

// A scenario of one's own, run against a server until 2000 requests were
// answered.
func Example() {
	address, stop := startServer()
	defer stop()

	cfg := bench.DefaultConfig()
	cfg.Servers = []string{address}
	cfg.Sessions, cfg.Window = 4, 8
	cfg.Keys.Count = 100
	cfg.Warmup, cfg.Duration, cfg.Requests = 0, 0, 2000
	cfg.Distribution.Name = "zipf"

	result, err := bench.Run(context.Background(), cfg, bench.Scenario{
		Name:    "read-then-write",
		Title:   "get of a key, then set of the same",
		Prepare: bench.Prepare, // the keys must exist
		Load:    func(p bench.Part) bench.Load { return &readThenWrite{part: p} },
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := result.Err(); err != nil { // a wrong, refused or missing answer
		log.Fatal(err, result.Messages)
	}
	fmt.Println(result.Answers, "answers, all checked")
	for _, l := range result.Latency {
		fmt.Println(l.Op, l.Count > 900, l.P99US > 0)
	}
	// Output:
	// 2000 answers, all checked
	// get true true
	// set true true
}

// startServer starts a server in this process; any other will do.
func startServer() (address string, stop func()) {
	dir, err := os.MkdirTemp("", "example-*")
	if err != nil {
		log.Fatal(err)
	}
	config, _, err := server.LoadConfig("", nil, map[string]string{
		"clientPort": "0", "clientPortAddress": "127.0.0.1", "dataDir": dir, "admin.enableServer": "false", "forceSync": "no",
	})
	if err != nil {
		log.Fatal(err)
	}
	s, err := server.New(server.Options{Config: config})
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		log.Fatal(err)
	}
	return s.ClientAddress(), func() {
		s.Stop()
		_ = os.RemoveAll(dir)
	}
}
