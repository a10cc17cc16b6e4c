package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/server"
)

// asMember makes this test's own program a member of an ensemble: "fake" one that only answers srvr, "real" the server.
const asMember = "ENSEMBLE_TEST_MEMBER"

func TestMain(m *testing.M) {
	switch os.Getenv(asMember) {
	case "fake":
		os.Exit(fakeMember(os.Args[1]))
	case "real":
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// fakeMember answers on the client port of a configuration: server 1 leads. A file named broken beside the configuration
// makes it end at once.
func fakeMember(config string) int {
	c, _, err := server.LoadConfig(config, nil, nil)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(config), "broken")); err == nil {
		fmt.Println("something is broken")
		return 3
	}
	l, err := net.Listen("tcp", c.ClientListen())
	if err != nil {
		fmt.Println(err)
		return 1
	}
	mode := map[bool]string{true: "leader", false: "follower"}[c.Ensemble.MyID == 1]
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			word := make([]byte, 4)
			_, _ = io.ReadFull(conn, word)
			fmt.Fprintf(conn, "Zxid: 0x100000001\nMode: %s\n", mode)
			_ = conn.Close()
		}
	}()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
	return 0
}

// newsWriter lets a test wait for lines.
type newsWriter struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{}
}

func newNewsWriter() *newsWriter { return &newsWriter{grown: make(chan struct{}, 1)} }

func (w *newsWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.grown <- struct{}{}:
	default:
	}
	return w.text.Write(p)
}

// await waits for one of the lines and forgets all up to it.
func (w *newsWriter) await(t *testing.T, oneOf ...string) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		w.mu.Lock()
		all := w.text.String()
		end := -1
		for _, line := range oneOf {
			if i := strings.Index(all, line+"\n"); i >= 0 {
				end = i + len(line) + 1
			}
		}
		w.text.Next(max(end, 0))
		w.mu.Unlock()
		if end >= 0 {
			return
		}
		select {
		case <-w.grown:
		case <-deadline:
			t.Fatalf("none of %q was told; what was: %q", oneOf, all)
		}
	}
}

// testEnsemble lays out an ensemble at ports that are free now.
func testEnsemble(t *testing.T, kind string, voters, observers int, out io.Writer) *ensemble {
	t.Helper()
	for base := 21100; base < 30000; base += 20 {
		l, err := planEnsemble(filepath.Join(t.TempDir(), "e"), voters, observers, base, portFree)
		if err != nil {
			continue
		}
		if err := l.write(); err != nil {
			t.Fatal(err)
		}
		t.Setenv(asMember, kind)
		return newEnsemble(l, func(config string) *exec.Cmd {
			if kind == "fake" {
				return exec.Command(os.Args[0], config)
			}
			return exec.Command(os.Args[0], "serve", config)
		}, out, false)
	}
	t.Fatal("no free ports")
	return nil
}

// TestEnsembleProcesses plays with servers that aren't: start, kill, pause, stop, revive, the end.
func TestEnsembleProcesses(t *testing.T) {
	out := newNewsWriter()
	e := testEnsemble(t, "fake", 3, 0, out)
	if err := e.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys, ended := make(chan byte), make(chan error, 1)
	go func() { ended <- e.serve(keys, nil) }()
	play := func(line string, pressed ...byte) {
		t.Helper()
		for _, k := range pressed {
			keys <- k
		}
		out.await(t, line)
	}
	play("server 2: killed", '2', 'k')
	play("server 3: paused", '3', 'p')
	play("server 3 is follower", 'p')
	play("server 3: paused", 'p')
	play("server 3 is follower", 'r')
	play("server 1: stopped", '1', 's')
	play("server 2 is follower", '2', 'r')
	play("server 1 is leader", '1', 'r')
	play("server 1: paused", '9', 'x', 'p') // keys that mean nothing change nothing; a paused one must end too
	keys <- 'q'
	if err := <-ended; err != nil {
		t.Error(err)
	}
	e.stop(nil)
	for _, p := range e.processes {
		if p.running() || p.ended != "stopped" {
			t.Errorf("server %d: %s", p.server.ID, p.ended)
		}
	}
}

// TestEnsembleFailsToStart: the server that can't start is named with its last words, and nothing is left running.
func TestEnsembleFailsToStart(t *testing.T) {
	e := testEnsemble(t, "fake", 2, 1, io.Discard)
	if err := os.WriteFile(filepath.Join(e.layout.dir(3), "broken"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := e.start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "server 3 ended: exit status 3") ||
		!strings.HasSuffix(err.Error(), "\nsomething is broken") {
		t.Errorf("start gives %v", err)
	}
	if !e.noneRuns() {
		t.Error("servers were left running")
	}
}

// TestEnsembleWithoutServers: in a script there is nothing to wait for when all servers are gone.
func TestEnsembleWithoutServers(t *testing.T) {
	out := newNewsWriter()
	e := testEnsemble(t, "fake", 1, 0, out)
	if err := e.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(e.processes[0].pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := e.serve(nil, nil); err == nil || !strings.Contains(err.Error(), "no server is left") {
		t.Errorf("without servers: %v", err)
	}
	out.await(t, "server 1: ended: signal: killed")
}

// TestEnsembleServes runs real servers: they elect a leader, and one that is killed and comes back is a member again. If it
// is back before the others have elected, it may lead again.
func TestEnsembleServes(t *testing.T) {
	out := newNewsWriter()
	e := testEnsemble(t, "real", 3, 1, out)
	if err := e.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer e.stop(nil)
	leader := 0
	for _, v := range e.rows {
		if v.State == "leader" {
			leader = v.ID
		}
	}
	if leader == 0 || e.rows[3].State != "observer" {
		t.Fatalf("after the start: %+v", e.rows)
	}
	keys, ended := make(chan byte), make(chan error, 1)
	go func() { ended <- e.serve(keys, nil) }()
	keys <- byte('0' + leader)
	keys <- 'k'
	out.await(t, fmt.Sprintf("server %d: killed", leader))
	keys <- 'r'
	out.await(t, fmt.Sprintf("server %d starts", leader))
	out.await(t, fmt.Sprintf("server %d is follower", leader), fmt.Sprintf("server %d is leader", leader))
	keys <- 'q'
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
