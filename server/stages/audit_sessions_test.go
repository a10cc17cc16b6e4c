package stages_test

import (
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/actors/stagetest"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/server/stages"
)

func createEphemeral(t *testing.T, c *stagetest.Client, path string) {
	t.Helper()
	r := jute.CreateRequest{Path: path, ACL: messages.WorldACL(messages.PermAll), Flags: 1}
	if answer, ok := c.Do(messages.OpCreate, r.Append(nil, messages.OpCreate)); !ok || answer.Err != messages.ErrOK {
		t.Fatalf("create %s: %v, answered: %v", path, answer.Err, ok)
	}
}

// auditOf reads the lines of an audit log that have a word in them, without what differs from run to run: stamps and sessions.
func auditOf(t *testing.T, file, word string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if _, fields, ok := strings.Cut(line, " INFO audit: session=0x"); ok && strings.Contains(line, word) {
			_, fields, _ = strings.Cut(fields, "\t")
			lines = append(lines, strings.TrimSuffix(fields, "\n"))
		}
	}
	return lines
}

func sessionEnds(t *testing.T, paths ...string) (lines []string) {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Skip("the system has no name for who runs the test")
	}
	for _, path := range paths {
		lines = append(lines, "user="+me.Username+"\toperation=ephemeralZNodeDeletionOnSessionCloseOrExpire\tznode="+path+"\tresult=success")
	}
	return lines
}

// Each node that goes with its session has one line, whether the client closes the session or is lost. What a client has
// deleted before has the line of a delete alone. Pipelines that are built anew write nothing again.
func TestAuditOfSessionsThatEnd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "audit.log")
	s := stagetest.New(t, stagetest.Options{Settings: map[string]string{"file": file}}, stages.Audit(), stages.AuditSessions())
	const ends = "ephemeralZNodeDeletion"

	closes := s.Connect()
	createEphemeral(t, closes, "/closed-1")
	createEphemeral(t, closes, "/closed-2")
	createEphemeral(t, closes, "/deleted")
	closes.Delete("/deleted")
	if code := closes.Create("/stays", ""); code != messages.ErrOK {
		t.Fatal(code)
	}
	closes.Do(messages.OpCloseSession, nil)
	want := sessionEnds(t, "/closed-1", "/closed-2")
	if got := auditOf(t, file, ends); !slices.Equal(got, want) {
		t.Fatalf("closed: %q, want %q", got, want)
	}

	lost := s.Connect()
	createEphemeral(t, lost, "/expired")
	lost.Hangup()
	s.Pass(20 * time.Second)
	if got := auditOf(t, file, ends); !slices.Equal(got, want) {
		t.Errorf("before the session has expired: %q", got)
	}
	s.Pass(30 * time.Second)
	want = append(want, sessionEnds(t, "/expired")...)
	if got := auditOf(t, file, ends); !slices.Equal(got, want) {
		t.Errorf("expired: %q, want %q", got, want)
	}

	if err := s.Rebuild(); err != nil {
		t.Fatal(err)
	}
	last := s.Connect()
	createEphemeral(t, last, "/later")
	last.Do(messages.OpCloseSession, nil)
	want = append(want, sessionEnds(t, "/later")...)
	if got := auditOf(t, file, ends); !slices.Equal(got, want) {
		t.Errorf("in a new pipeline: %q, want %q", got, want)
	}
	if got := len(auditOf(t, file, "operation=delete\t")); got != 1 {
		t.Errorf("%d lines of deletes, want the client's own one", got)
	}
	if got := len(auditOf(t, file, "")); got != 5+1+1+len(want) { // creates, and the delete
		t.Errorf("%d lines in all", got)
	}
}
