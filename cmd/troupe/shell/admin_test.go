package shell

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestLeaderVerbs: what the verbs ask a server's HTTP commands, and what they make of the answers.
func TestLeaderVerbs(t *testing.T) {
	var asked, answer string
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.String()
		fmt.Fprint(w, answer)
	}))
	defer admin.Close()
	host := strings.TrimPrefix(admin.URL, "http://")
	for _, c := range []struct {
		admin, line string
		json        bool
		answer      string
		asked, want string // want may also be the error
	}{
		{host, "leader", false, `{"is_leader":false,"leader_id":3,"leader_ip":"10.0.0.3","command":"leader","error":null}`,
			"GET /commands/leader", "server 3 at 10.0.0.3 leads\n"},
		{host + "/ops/", "leader", true, `{"is_leader":true,"leader_id":3,"leader_ip":"10.0.0.3","error":null}`,
			"GET /ops/leader", `{"is_leader":true,"leader_id":3,"leader_ip":"10.0.0.3"}` + "\n"},
		{host, "leader", false, `{"error":"server is not initialized"}`, "GET /commands/leader", "server is not initialized"},
		{host, "leader", false, `<html>`, "GET /commands/leader", "answered 200 OK: this is not what"},
		{"nowhere", "leader", false, "", "", `--admin "nowhere": expected host:port`},
		{host, "move-leader 2", false, `{"from":3,"to":2,"error":null}`, "POST /commands/move_leader?to=2",
			"server 2 leads in the place of server 3\n"},
		{host, "move-leader 3", false, `{"from":3,"to":3,"error":null}`, "POST /commands/move_leader?to=3", "server 3 leads already\n"},
		{host, "move-leader 2", false, `{"error":"not supported"}`, "POST /commands/move_leader?to=2", "not supported"},
		{host, "move-leader two", false, "", "", `"two" is not the id of a server`},
		{host, "move-leader", false, "", "", "move-leader id"},
	} {
		asked, answer = "", c.answer
		out := &output{}
		s := New(Options{Out: out, Err: out, Admin: c.admin, JSON: c.json})
		err := s.RunLine(t.Context(), c.line)
		got := out.take()
		if err != nil {
			got += err.Error()
		}
		if asked != c.asked || !strings.Contains(got, c.want) || (err == nil && got != c.want) {
			t.Errorf("%s: asked %q, printed %q; want %q and %q", c.line, asked, got, c.asked, c.want)
		}
	}
}

// TestAdminSilent: without a server the error says what to give.
func TestAdminSilent(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	s := New(Options{Out: &output{}, Err: &output{}, Admin: strings.TrimPrefix(gone.URL, "http://")})
	if err := s.RunLine(t.Context(), "leader"); err == nil || !strings.Contains(err.Error(), "admin.serverPort") {
		t.Errorf("without a server: %v", err)
	}
}
