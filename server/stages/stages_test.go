package stages_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/actors/stagetest"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/server/stages"
)

func TestOursPassTheSuite(t *testing.T) {
	t.Run("ratelimit", func(t *testing.T) {
		stagetest.Run(t, stagetest.Options{Settings: map[string]string{"rate": "100000", "burst": "5"}}, stages.RateLimit())
	})
	t.Run("ratelimit-refusing", func(t *testing.T) {
		stagetest.Run(t, stagetest.Options{Settings: map[string]string{"rate": "5", "by": "client", "wait": "0"}}, stages.RateLimit())
	})
	t.Run("audit", func(t *testing.T) {
		stagetest.Run(t, stagetest.Options{Settings: map[string]string{"file": filepath.Join(t.TempDir(), "audit.log")}}, stages.Audit())
	})
	t.Run("audit-sessions", func(t *testing.T) {
		stagetest.Run(t, stagetest.Options{Settings: map[string]string{"file": filepath.Join(t.TempDir(), "audit.log")}}, stages.AuditSessions())
	})
	t.Run("feed", func(t *testing.T) { stagetest.Run(t, stagetest.Options{}, stages.NewFeed().Stage()) })
}

func TestRateLimitByPath(t *testing.T) {
	s := stagetest.New(t, stagetest.Options{Settings: map[string]string{
		"prefix": "/tenants", "rate": "10", "burst": "2", "wait": "0", "node": "/limits",
	}}, stages.RateLimit())
	c := s.Connect()
	c.Create("/tenants", "")
	codes := func(tenant string, n int) (list string) {
		for i := range n {
			code := c.Create(fmt.Sprintf("/tenants/%s-%d", tenant, i), "")
			list += fmt.Sprint(int32(code), " ")
			c.Delete("/none") // of nobody's
		}
		return list
	}
	// Each name is a tenant of its own here, so the same one is asked for again.
	for range 2 {
		if code := c.Set("/tenants/a", "x"); code != messages.ErrNoNode {
			t.Fatal(code)
		}
	}
	if code := c.Set("/tenants/a", "x"); code != messages.ErrThrottledOp {
		t.Fatalf("the third at once: %v", code)
	}
	if got := codes("b", 3); strings.Contains(got, "-127") {
		t.Errorf("others are throttled: %s", got)
	}
	s.Pass(100 * time.Millisecond)
	if code := c.Set("/tenants/a", "x"); code != messages.ErrNoNode {
		t.Errorf("a tenth of a second later: %v", code)
	}
	if code := c.Create("/limits", "a=0,1\n# nobody else is limited\n*=1000000"); code != messages.ErrOK {
		t.Fatal(code)
	}
	s.Pass(2 * time.Second)
	if code := c.Set("/tenants/a", "x"); code != messages.ErrNoNode {
		t.Errorf("the one of the burst: %v", code)
	}
	for range 2 {
		s.Pass(10 * time.Second)
		if code := c.Set("/tenants/a", "x"); code != messages.ErrThrottledOp {
			t.Errorf("at rate 0: %v", code)
		}
	}
}

// What is beyond the rate waits for its turn, and its session with it; others don't.
func TestRateLimitWaits(t *testing.T) {
	s := stagetest.New(t, stagetest.Options{Settings: map[string]string{"rate": "10", "burst": "1", "wait": "1000"}}, stages.RateLimit())
	a, b := s.Connect(), s.Connect()
	for range 5 {
		a.Ask(messages.OpExists, existsBody("/a"))
	}
	a.Ask(messages.OpExists, existsBody("/c"))
	b.Ask(messages.OpExists, existsBody("/b"))
	s.Settle()
	if n, m := len(a.Take()), len(b.Take()); n != 1 || m != 1 {
		t.Fatalf("at once: %d and %d", n, m)
	}
	s.Pass(205 * time.Millisecond)
	if n := len(a.Take()); n != 2 {
		t.Errorf("after two tenths: %d more", n)
	}
	s.Pass(time.Second)
	if got := a.Take(); len(got) != 3 || got[2].Err != messages.ErrNoNode {
		t.Errorf("at last: %+v", got)
	}
}

func existsBody(path string) []byte {
	return append([]byte{0, 0, 0, byte(len(path))}, append([]byte(path), 0)...)
}

func TestAuditLines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "audit.log")
	s := stagetest.New(t, stagetest.Options{Settings: map[string]string{"file": file}}, stages.Audit())
	c := s.Connect()
	c.Create("/a", "x")
	c.Create("/a", "x")
	c.Set("/a", "y")
	c.Get("/a")
	for _, second := range []string{"/none/c", "/c"} {
		c.Do(messages.OpMulti, jute.AppendMulti(nil, []jute.MultiOp{createOp("/b"), createOp(second)}))
	}
	if err := os.Rename(file, file+".1"); err != nil {
		t.Fatal(err)
	}
	s.Pass(2 * time.Second)
	c.Delete("/a")
	for name, want := range map[string][]string{
		file + ".1": {
			"operation=create\tznode=/a\tznode_type=persistent\tresult=success", "operation=create\tznode=/a\tznode_type=persistent\tresult=failure",
			"operation=setData\tznode=/a\tresult=success", "operation=multiOperation\tresult=failure",
			"operation=create\tznode=/b\tznode_type=persistent\tresult=success",
			"operation=create\tznode=/c\tznode_type=persistent\tresult=success",
		},
		file: {"operation=delete\tznode=/a\tresult=success"},
	} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if len(lines) != len(want) {
			t.Fatalf("%s:\n%s", name, text)
		}
		for i, line := range lines {
			_, fields, _ := strings.Cut(line, " INFO audit: ")
			if !strings.HasPrefix(fields, "session=0x") || !strings.Contains(fields, "\tuser=127.0.0.1\tip=127.0.0.1\t") ||
				!strings.HasSuffix(fields, want[i]) {
				t.Errorf("line %q, want %q", line, want[i])
			}
		}
	}
}

func createOp(path string) jute.MultiOp {
	return jute.MultiOp{Op: messages.OpCreate, Record: jute.CreateRequest{Path: path, ACL: messages.WorldACL(messages.PermAll)}}
}

func TestFeedGivesWhatChangesBelowAPath(t *testing.T) {
	feed := stages.NewFeed()
	if _, err := feed.Subscribe("/", stages.Now); err == nil {
		t.Error("there is a feed before there is a server")
	}
	s := stagetest.New(t, stagetest.Options{}, feed.Stage())
	c := s.Connect()
	c.Create("/app", "1")
	sub, err := feed.Subscribe("/app", stages.Now)
	if err != nil {
		t.Fatal(err)
	}
	c.Create("/app/x", "2")
	c.Create("/apple", "3")
	c.Set("/app", "4")
	c.Delete("/app/x")
	want := "created /app/x 2, changed /app 4, deleted /app/x "
	if got := drain(t, sub); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	all, err := feed.Subscribe("/", 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := drain(t, all); got != "created /app 1, created /app/x 2, created /apple 3, changed /app 4, deleted /app/x " {
		t.Errorf("from the beginning: %s", got)
	}
}

// drain reads what there is.
func drain(t *testing.T, sub *stages.Subscription) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var list []string
	for {
		e, err := sub.Next(ctx)
		if err != nil {
			return strings.Join(list, ", ")
		}
		for _, c := range e.Changes {
			list = append(list, fmt.Sprintf("%s %s %s", c.Type, c.Path, c.Data))
		}
	}
}
