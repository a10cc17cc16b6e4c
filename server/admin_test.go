package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/rs/zerolog"
)

// testServer starts a server on free ports of the loopback interface.
func testServer(t *testing.T, settings map[string]string) *Server {
	t.Helper()
	s := newTestServer(t, settings)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

func newTestServer(t *testing.T, settings map[string]string) *Server {
	t.Helper()
	flags := map[string]string{
		"clientPort": "0", "admin.serverPort": "0", "dataDir": filepath.Join(t.TempDir(), "data"),
		"4lw.commands.whitelist": "*", "preAllocSize": "64",
	}
	for k, v := range settings {
		flags[k] = v
	}
	cfg, _, err := LoadConfig("", nil, flags)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{Config: cfg, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// say sends bytes over a connection of their own and reads until the server closes it.
func say(t *testing.T, address, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("%q: %v (had %q)", text, err, answer)
	}
	return string(answer)
}

// request asks over HTTP and gives status, content type and body.
func request(t *testing.T, method, url string) (status int, kind, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), string(b)
}

// TestFourLetterWordsOverTCP: a word is answered and the connection closed, whatever follows the word.
func TestFourLetterWordsOverTCP(t *testing.T) {
	s := testServer(t, nil)
	for text, want := range map[string]string{
		"ruok": "imok", "ruok\n": "imok", "isro": "rw",
		"stmk\x00\x00\x00\x00\x00\x00\x00\x07": "7",
		"wchs":                                 "0 connections watching 0 paths\nTotal watches:0\n",
		"wchc":                                 "\n",
	} {
		if got := say(t, s.ClientAddress(), text); got != want {
			t.Errorf("%q answered %q, want %q", text, got, want)
		}
	}
	for _, word := range fourLetterWords() {
		if got := say(t, s.ClientAddress(), word+"\x00\x00\x00\x00\x00\x00\x00\x00"); got == "" {
			t.Errorf("%s answered nothing", word)
		}
	}
	if got := say(t, s.ClientAddress(), "abcd"); got != "" {
		t.Errorf("an unknown word answered %q", got)
	}
}

// TestAdminServer walks over everything that the admin port serves.
func TestAdminServer(t *testing.T) {
	s := testServer(t, map[string]string{"admin.commandURL": "/ops/zk"})
	base := "http://" + s.AdminAddress()
	for _, c := range []struct {
		method, path string
		status       int
		kind, part   string
	}{
		{"GET", "/ops/zk", 200, "text/html", `<a href="/ops/zk/server_stats">server_stats</a>`},
		{"GET", "/ops/zk/", 200, "text/html", "srvr"},
		{"GET", "/ops/zk/stat", 200, "application/json", `"command": "stats"`},
		{"HEAD", "/ops/zk/stat", 200, "application/json", ""},
		{"GET", "/ops/zk/nosuch", 200, "application/json", `"error": "Unknown command: nosuch"`},
		{"GET", "/ops/zk/%3Cb%3E", 200, "application/json", `Unknown command: \u003cb\u003e`},
		{"GET", "/ops/zk/stmk?traceMask=9", 200, "application/json", `"tracemask": 9`},
		{"GET", "/ops/zk/lead", 200, "application/json", `"error": "server is not initialized"`},
		{"POST", "/ops/zk/stat", 405, "text/plain", ""},
		{"GET", "/ops/zk/restore", 405, "text/plain", ""},
		{"POST", "/ops/zk/restore", 200, "application/json", "not supported"},
		{"TRACE", "/ops/zk/stat", 403, "text/plain", ""},
		{"DELETE", "/ops/zk", 405, "text/plain", ""},
		{"GET", "/commands/stat", 404, "text/plain", ""},
		{"GET", "/healthz", 200, "text/plain", "ok\n"},
		{"POST", "/healthz", 405, "text/plain", ""},
		{"GET", "/metrics", 200, "text/plain", "\ntroupe_serving 1\n"},
		{"POST", "/metrics", 405, "text/plain", ""},
	} {
		status, kind, body := request(t, c.method, base+c.path)
		if status != c.status || !strings.HasPrefix(kind, c.kind) || !strings.Contains(body, c.part) {
			t.Errorf("%s %s: %d %s %q, want %d %s with %q", c.method, c.path, status, kind, body, c.status, c.kind, c.part)
		}
	}
}

// TestCrossOrigin: a page in an operator's browser can't let commands act.
func TestCrossOrigin(t *testing.T) {
	front := &httpCommands{console: testConsole(t), base: "/commands"}
	for origin, want := range map[string]int{"": 200, "http://127.0.0.1:8080": 200, "http://elsewhere.example": 403} {
		r := httptest.NewRequest("POST", "http://127.0.0.1:8080/commands/move_leader?to=2", nil)
		r.SetPathValue("name", "move_leader")
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := httptest.NewRecorder()
		if front.command(w, r); w.Code != want {
			t.Errorf("from %q: %d, want %d", origin, w.Code, want)
		}
	}
}

// TestHealthBeforeServing: the ports are open before the state is recovered, and say that it isn't.
func TestHealthBeforeServing(t *testing.T) {
	s := newTestServer(t, nil)
	if err := s.openStore(); err != nil {
		t.Fatal(err)
	}
	s.startRuntime()
	if err := s.startAdmin(); err != nil {
		t.Fatal(err)
	}
	base := "http://" + s.AdminAddress()
	if status, _, _ := request(t, "GET", base+"/healthz"); status != 503 {
		t.Errorf("health is %d, want 503", status)
	}
	if _, _, body := request(t, "GET", base+"/commands/srvr"); !strings.Contains(body, notServing) {
		t.Errorf("srvr answered %q", body)
	}
	_, _, body := request(t, "GET", base+"/metrics")
	if !strings.Contains(body, "\ntroupe_serving 0\n") || strings.Contains(body, "\ntroupe_znodes ") {
		t.Error("a server that doesn't serve must say so and have no numbers of a tree")
	}
}

// TestMetricsPort: the metrics provider of zoo.cfg has a port of its own; the names follow Prometheus' rules.
func TestMetricsPort(t *testing.T) {
	s := testServer(t, map[string]string{
		"metricsProvider.className": "prometheus", "metricsProvider.httpHost": "127.0.0.1",
		"metricsProvider.httpPort": "0", "admin.enableServer": "false",
	})
	if s.AdminAddress() != "" {
		t.Errorf("the admin server is off and listens on %s", s.AdminAddress())
	}
	say(t, s.ClientAddress(), "ruok")
	_, _, body := request(t, "GET", "http://"+s.admin.ports[0].listener.Addr().String()+"/metrics")
	for _, part := range []string{
		"# HELP troupe_znodes ", "# TYPE troupe_fsync_seconds summary", "troupe_watches_fired_count{event=\"created\"} 0",
		"troupe_build_info{", "troupe_disk_free_bytes ", "troupe_watches 0", "go_goroutines ",
	} {
		if !strings.Contains(body, part) {
			t.Errorf("%q is missing", part)
		}
	}
	var ours strings.Builder // the collectors of the library have exceptions of their own
	for line := range strings.Lines(body) {
		if strings.Contains(line, "troupe_") {
			ours.WriteString(line)
		}
	}
	problems, err := promlint.New(strings.NewReader(ours.String())).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestAdminPortInUse: the error names the key and the port, and nothing stays open.
func TestAdminPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for key, settings := range map[string]map[string]string{
		"admin.serverPort": {"admin.serverPort": port},
		"metricsProvider.httpPort": {
			"metricsProvider.httpPort": port, "metricsProvider.httpHost": "127.0.0.1", "metricsProvider.className": "prometheus",
		},
	} {
		s := newTestServer(t, settings)
		err := s.Start()
		if err == nil || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), port) {
			t.Errorf("error is %v, want one with %s and %s", err, key, port)
		}
		if _, err := net.Dial("tcp", s.ClientAddress()); err == nil {
			t.Error("the client port stayed open")
		} else if op := (*net.OpError)(nil); !errors.As(err, &op) {
			t.Error(err)
		}
	}
}
