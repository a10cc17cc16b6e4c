//go:build unix

package bench

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

func mustRun(t *testing.T, cfg Config, scenario Scenario) *Result {
	t.Helper()
	r, err := Run(context.Background(), cfg, scenario)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// runAWhile runs until something was measured, however slow the machine is.
func runAWhile(t *testing.T, cfg Config, scenario Scenario) *Result {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cfg.Warmup, cfg.Duration = 0, time.Hour
	cfg.Progress = func(p Progress) {
		if p.Phase == "measuring" && p.Answers > 0 {
			cancel()
		}
	}
	r, err := Run(ctx, cfg, scenario)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Err(); err != nil || !r.Interrupted || r.Answers == 0 || r.PerSecond <= 0 {
		t.Errorf("%d answers, %v per second, %v %+v", r.Answers, r.PerSecond, err, r.Messages)
	}
	return r
}

func TestFillCreatesEveryKeyOnce(t *testing.T) {
	f := startFake(t, nil)
	for _, threads := range []int{1, 2} {
		cfg := f.config()
		cfg.Threads = threads
		cfg.Keys.Root += "/" + strings.Repeat("x", threads)
		r := mustRun(t, cfg, Fill())
		if err := r.Err(); err != nil {
			t.Error(err, r.Messages)
		}
		if r.Answers != 300 || len(r.Latency) != 1 || r.Latency[0].Op != "create" {
			t.Errorf("%d answers, latencies %+v", r.Answers, r.Latency)
		}
		if got := f.paths(cfg.Keys.Root + "/0000/"); got != 300 {
			t.Errorf("%d threads: %d keys exist, want 300", threads, got)
		}
	}
}

func TestFillTwiceIsRefused(t *testing.T) {
	f := startFake(t, nil)
	mustRun(t, f.config(), Fill())
	r := mustRun(t, f.config(), Fill())
	if r.Refused != 300 || r.Err() == nil {
		t.Errorf("%d refused, want 300; %v", r.Refused, r.Err())
	}
	if len(r.Messages) != 1 || !strings.Contains(r.Messages[0].Text, "NodeExists") || r.Messages[0].Count != 300 {
		t.Errorf("messages %+v", r.Messages)
	}
}

func TestSteadyScenariosAnswerCleanly(t *testing.T) {
	mixed, err := Mixed(50)
	if err != nil {
		t.Fatal(err)
	}
	for _, scenario := range []Scenario{Read(), Write(), mixed, CreateDelete(), Churn()} {
		t.Run(scenario.Name, func(t *testing.T) {
			f := startFake(t, nil)
			r := runAWhile(t, f.config(), scenario)
			if r.Opening.Count != 2 {
				t.Errorf("%d sessions opened, want 2", r.Opening.Count)
			}
		})
	}
}

func TestIdleSessionsPing(t *testing.T) {
	f := startFake(t, nil)
	cfg := f.config()
	cfg.Sessions = 1000 // the fake grants 30 s, so 100 pings a second are due
	r := runAWhile(t, cfg, Idle())
	if len(r.Latency) != 1 || r.Latency[0].Op != "ping" {
		t.Errorf("latencies %+v", r.Latency)
	}
}

func TestEchoServerIsACeiling(t *testing.T) {
	e, err := StartEcho()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Stop()
	cfg := DefaultConfig()
	cfg.Servers, cfg.Sessions, cfg.Window, cfg.Threads = []string{e.Address()}, 3, 8, 2
	cfg.ServerInside = true
	if r := runAWhile(t, cfg, Echo()); r.Server == nil {
		t.Error("the echo server's own CPU is unknown")
	}
}

func TestLargeValues(t *testing.T) {
	f := startFake(t, nil)
	cfg := f.config()
	cfg.Keys.Count, cfg.Keys.ValueBytes = 8, inputBytes*3+17
	runAWhile(t, cfg, Read())
}

// Each way to answer wrongly must fail the run and name what was wrong.
func TestWrongAnswersFailTheRun(t *testing.T) {
	get := opCodes[OpGet]
	cases := []struct {
		name  string
		spoil func(n int, op int32, b []byte) []byte
		want  string
		wrong bool // the server lied, rather than failed
	}{
		{"another xid", func(_ int, op int32, b []byte) []byte {
			if op == get {
				b[3]++
			}
			return b
		}, "xid", true},
		{"zxid back", func(n int, op int32, b []byte) []byte {
			if op == get && n%7 == 0 {
				copy(b[4:12], make([]byte, 8))
			}
			return b
		}, "zxid went back", true},
		{"data damaged", func(_ int, op int32, b []byte) []byte {
			if op == get {
				b[replyHeaderBytes+4+19] ^= 1
			}
			return b
		}, "not what any write stored", true},
		{"data cut", func(_ int, op int32, b []byte) []byte {
			if op == get {
				return b[:len(b)-1]
			}
			return b
		}, "bytes", true},
		{"stat of another", func(_ int, op int32, b []byte) []byte {
			if op == get {
				be.PutUint32(b[len(b)-statBytes+statDataLengthOffset:], 99)
			}
			return b
		}, "stat says 99", true},
		{"watch event", func(_ int, op int32, b []byte) []byte {
			if op == get {
				be.PutUint32(b, 0xFFFFFFFF)
			}
			return b
		}, "watch event", true},
		{"refused", func(_ int, op int32, b []byte) []byte {
			if op == get {
				be.PutUint32(b[12:], uint32(0xFFFFFFFF-102+1)) // -102
				return b[:replyHeaderBytes]
			}
			return b
		}, "NoAuth (-102)", false},
		{"hangs up", func(_ int, op int32, b []byte) []byte {
			if op == get {
				return nil
			}
			return b
		}, "lost: read from", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := startFake(t, c.spoil)
			cfg := f.config()
			cfg.Duration = 50 * time.Millisecond
			r := mustRun(t, cfg, Read())
			if r.Err() == nil || (r.Wrong > 0) != c.wrong {
				t.Errorf("%v: %d wrong, %d refused, %d lost", r.Err(), r.Wrong, r.Refused, r.Lost)
			}
			var all strings.Builder
			for _, m := range r.Messages {
				all.WriteString(m.Text + "\n")
			}
			if !strings.Contains(all.String(), c.want) {
				t.Errorf("messages do not mention %q:\n%s", c.want, all.String())
			}
		})
	}
}

func TestUnansweredRequestsAreLost(t *testing.T) {
	// The server reads everything and says nothing after the handshake.
	l := eachClient(t, func(c net.Conn) {
		p := &plainClient{conn: c}
		for first := true; ; first = false {
			if _, err := p.frame(); err != nil {
				return
			}
			if first {
				_, _ = c.Write(echoGreeting())
			}
		}
	})
	cfg := (&fakeServer{listener: l}).config()
	cfg.Duration, cfg.ReplyTimeout, cfg.SkipPrepare = 10*time.Millisecond, 100*time.Millisecond, true
	r := mustRun(t, cfg, Read())
	if r.Lost != int64(cfg.Sessions*cfg.Window) || r.Err() == nil {
		t.Errorf("%d lost, want %d; %+v", r.Lost, cfg.Sessions*cfg.Window, r.Messages)
	}
}

func TestRunReportsAnUnreachableServer(t *testing.T) {
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	cfg.Servers, cfg.SkipPrepare = []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}, true
	if _, err := Run(context.Background(), cfg, Read()); err == nil || !strings.Contains(err.Error(), cfg.Servers[0]) {
		t.Errorf("got %v, want an error that names %s", err, cfg.Servers[0])
	}
}

func TestConfigErrorsNameTheRange(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"servers":       func(c *Config) { c.Servers = nil },
		"sessions":      func(c *Config) { c.Sessions = SessionsMax + 1 },
		"window":        func(c *Config) { c.Window = 0 },
		"threads":       func(c *Config) { c.Threads = 0 },
		"warm-up":       func(c *Config) { c.Warmup = -1 },
		"session time":  func(c *Config) { c.SessionTimeout = 0 },
		"reply timeout": func(c *Config) { c.ReplyTimeout = 0 },
		"keys":          func(c *Config) { c.Keys.Count = 0 },
	} {
		cfg := DefaultConfig()
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "want") || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	cfg := DefaultConfig()
	cfg.Keys.Count = 10
	_, err := Run(context.Background(), cfg, CreateDelete())
	if err == nil || !strings.Contains(err.Error(), "want at least twice sessions times window, 16") {
		t.Errorf("too few keys for create: %v", err)
	}
	if _, err := Mixed(101); err == nil {
		t.Error("101 percent of reads were accepted")
	}
}

func TestCleanRemovesEverything(t *testing.T) {
	f := startFake(t, nil)
	if err := Prepare(context.Background(), f.config()); err != nil {
		t.Fatal(err)
	}
	if err := Clean(context.Background(), f.config()); err != nil {
		t.Fatal(err)
	}
	if got := f.paths("/"); got != 0 {
		t.Errorf("%d nodes left", got)
	}
}

func TestFirstReadWaitsForTheKey(t *testing.T) {
	refusals := 0
	f := startFake(t, func(_ int, op int32, b []byte) []byte {
		if op == opCodes[OpGet] && refusals < 3 {
			refusals++
			return nil
		}
		return b
	})
	cfg := f.config()
	if err := Prepare(context.Background(), cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := FirstRead(context.Background(), cfg, 299, time.Minute); err != nil || refusals != 3 {
		t.Errorf("%v after %d refusals", err, refusals)
	}
	if _, err := FirstRead(context.Background(), cfg, 300, time.Second); err == nil || !strings.Contains(err.Error(), "NoNode") {
		t.Errorf("a key that does not exist: %v", err)
	}
}
