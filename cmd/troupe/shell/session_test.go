package shell

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/server"
)

// patience ends a test that waits for something that doesn't come.
const patience = 30 * time.Second

// startServer starts a server in this process, with a disk in memory.
func startServer(t *testing.T) *server.Server {
	t.Helper()
	config, _, err := server.LoadConfig("", nil, map[string]string{
		"clientPort": "0", "clientPortAddress": "127.0.0.1", "dataDir": "data", "admin.enableServer": "false",
		"enforceQuota": "true", "tickTime": "500",
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Options{Config: config, FS: persistence.NewMemFS()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// output collects what a shell prints, from whatever goroutine.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) take() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := o.buf.String()
	o.buf.Reset()
	return text
}

// cast is the shells of one script, by name.
type cast struct {
	t      *testing.T
	addr   string
	shells map[string]*Shell
	out    map[string]*output
}

func (c *cast) get(name string) (*Shell, *output) {
	c.t.Helper()
	if s := c.shells[name]; s != nil {
		return s, c.out[name]
	}
	out := &output{}
	s := New(Options{Servers: c.addr, Out: out, Err: out})
	if err := s.Connect(context.Background(), ""); err != nil {
		c.t.Fatal(err)
	}
	c.shells[name], c.out[name] = s, out
	return s, out
}

// TestSession runs the scripts of testdata/session against a server. The step run carries out commands in the shell
// that as= names; await waits until that shell has printed what its input says.
func TestSession(t *testing.T) {
	datadriven.Walk(t, "testdata/session", func(t *testing.T, path string) {
		c := &cast{t: t, addr: startServer(t).ClientAddress(), shells: map[string]*Shell{}, out: map[string]*output{}}
		defer func() {
			for _, s := range c.shells {
				s.Close()
			}
		}()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			name := "a"
			d.MaybeScanArgs(t, "as", &name)
			switch d.Cmd {
			case "run":
				return c.run(name, d.Input)
			case "await":
				return c.await(name, d.Input)
			}
			t.Fatalf("%s: unknown step %s", d.Pos, d.Cmd)
			return ""
		})
	})
}

func (c *cast) run(name, commands string) string {
	s, out := c.get(name)
	var b strings.Builder
	for line := range strings.Lines(commands) {
		line = strings.TrimSpace(line)
		if err := s.RunLine(context.Background(), line); err != nil {
			s.complain(err)
		}
		fmt.Fprintf(&b, "> %s\n%s", line, calm(out.take()))
	}
	return b.String()
}

func (c *cast) await(name, text string) string {
	_, out := c.get(name)
	seen := ""
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if seen += out.take(); strings.Contains(seen, strings.TrimSpace(text)) {
			return calm(seen)
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			c.t.Fatalf("%q never came; there was %q", text, seen)
		}
	}
}

// varying is what differs from run to run.
var varying = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`(time) = .*`), "$1 = T"},
	{regexp.MustCompile(`(Zxid) = 0x[0-9a-f]+`), "$1 = Z"},
	{regexp.MustCompile(`(zxid:) \d+`), "$1 Z"},
	{regexp.MustCompile(`(ephemeralOwner) = 0x[1-9a-f][0-9a-f]+`), "$1 = S"},
	{regexp.MustCompile(`("[cm]time"):\d+`), "$1:T"},
	{regexp.MustCompile(`("[cmp]Zxid"):"0x[0-9a-f]+"`), `$1:"Z"`},
}

func calm(text string) string {
	for _, v := range varying {
		text = v.pattern.ReplaceAllString(text, v.instead)
	}
	return text
}

func TestScriptAndOneShotHaveExitCodes(t *testing.T) {
	addr := startServer(t).ClientAddress()
	run := func(o Options, f func(*Shell) int) (int, string) {
		out := &output{}
		o.Servers, o.Out, o.Err = addr, out, out
		code := f(New(o))
		return code, out.take()
	}
	ctx := context.Background()
	for _, c := range []struct {
		name string
		o    Options
		f    func(*Shell) int
		code int
		out  string
	}{
		{"one-shot", Options{}, func(s *Shell) int { return s.OneShot(ctx, []string{"create", "/s", "x"}) }, 0, "Created /s\n"},
		{"failed one-shot", Options{}, func(s *Shell) int { return s.OneShot(ctx, []string{"get", "/nix"}) }, 1,
			"Node does not exist: /nix\n"},
		{"JSON", Options{JSON: true}, func(s *Shell) int { return s.OneShot(ctx, []string{"ls", "/s"}) }, 0,
			`{"path":"/s","children":[]}` + "\n"},
		{"script", Options{}, script("# comment\n\nget /s\nquit\nget /nix\n"), 0, "x\n"},
		{"failed script", Options{}, script("get /nix\nget /s\n"), 1, "Node does not exist: /nix\nx\n"},
		{"fail-fast", Options{Stop: true}, script("get /nix\nget /s\n"), 1, "Node does not exist: /nix\n"},
		{"line without end of quote", Options{}, script(`get "/s`), 1, "the quote \" at column 5 has no end\n"},
		{"verbose", Options{Verbose: true}, script("close\n"), 0, "" +
			"\nWATCHER::\n\nWatchedEvent state:SyncConnected type:None path:null\n" +
			"\nWATCHER::\n\nWatchedEvent state:Closed type:None path:null\n"},
	} {
		if code, out := run(c.o, c.f); code != c.code || out != c.out {
			t.Errorf("%s: exit code %d, output %q; want %d, %q", c.name, code, out, c.code, c.out)
		}
	}
}

func script(text string) func(*Shell) int {
	return func(s *Shell) int { return s.Script(context.Background(), strings.NewReader(text)) }
}

// TestDeleteAllInBatches deletes a tree in many requests, one of which names a node that is gone already.
func TestDeleteAllInBatches(t *testing.T) {
	s := New(Options{Servers: startServer(t).ClientAddress(), Out: io.Discard, Err: io.Discard})
	ctx := context.Background()
	if err := s.Connect(ctx, ""); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	paths := []string{"/t"}
	for i := range 10 {
		paths = append(paths, fmt.Sprintf("/t/%d", i))
		for j := range 30 {
			paths = append(paths, fmt.Sprintf("/t/%d/%d", i, j))
		}
	}
	for _, path := range paths {
		if err := s.Run(ctx, []string{"create", path}); err != nil {
			t.Fatal(err)
		}
	}
	// Half of a batch is gone already: the batch is repeated node by node.
	if err := s.deleteBatch(ctx, []string{"/t/9/0", "/t/9/1", "/t/gone"}); err != nil {
		t.Fatal(err)
	}
	if n, err := s.client.DescendantCount(ctx, "/t"); err != nil || n != len(paths)-3 {
		t.Fatalf("%d nodes left (%v), want %d", n, err, len(paths)-3)
	}
	if err := s.Run(ctx, []string{"deleteall", "/t", "-b", "7"}); err != nil {
		t.Fatal(err)
	}
	if n, err := s.client.DescendantCount(ctx, "/"); err != nil || n != 3 {
		t.Fatalf("%d nodes left (%v), want the 3 that are always there", n, err)
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	if err := s.Run(ctx, []string{"create", "/t"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(stopped, []string{"deleteall", "/t"}); err == nil || explain(err) != "Interrupted" {
		t.Fatalf("an interrupted deleteall: %v", err)
	}
}
