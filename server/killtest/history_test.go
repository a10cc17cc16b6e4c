package killtest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// op is one request of a client, with what became of it.
type op struct {
	number int
	round  int
	steps  []step // several make a multi
	call   *client.Call

	// What the model expects: an error, of the step at, or success.
	want messages.ErrCode
	at   int

	zxid  messages.Zxid // of the reply
	state string        // "" while there is no reply
}

// touches tells whether the op is a part of a key's history.
func (o *op) touches(key string) bool {
	for _, s := range o.steps {
		if s.op == messages.OpCloseSession || s.path == key || messages.HasPathPrefix(key, s.path) ||
			strings.HasPrefix(key, s.path) || strings.HasPrefix(s.path, key) {
			return true
		}
	}
	return false
}

func (o *op) String() string {
	parts := make([]string, len(o.steps))
	for i, s := range o.steps {
		parts[i] = s.String()
	}
	text := strings.Join(parts, "; ")
	if len(parts) > 1 {
		text = "multi[" + text + "]"
	}
	state := o.state
	if state == "" {
		state = "no reply"
	}
	return fmt.Sprintf("round %d #%d %s (should be: %v) → %s", o.round, o.number, text, o.want, state)
}

// history is what one client has sent, oldest first; very old requests are forgotten.
type history struct{ ops []*op }

// historyLength is how many requests of a client are kept to be shown.
const historyLength = 4000

func (h *history) add(o *op) {
	if len(h.ops) >= 2*historyLength {
		h.ops = append(h.ops[:0:0], h.ops[historyLength:]...)
	}
	h.ops = append(h.ops, o)
}

// of tells the history of one key.
func (h *history) of(key string) string {
	var lines []string
	for _, o := range h.ops {
		if o.touches(key) {
			lines = append(lines, "    "+o.String())
		}
	}
	const most = 60
	if len(lines) > most {
		lines = append([]string{fmt.Sprintf("    … %d older", len(lines)-most)}, lines[len(lines)-most:]...)
	}
	return strings.Join(lines, "\n")
}

// violation is a broken promise.
type violation struct {
	key     string
	what    string
	history string
}

func (v violation) String() string {
	return fmt.Sprintf("%s: %s\n  history of %s:\n%s", v.key, v.what, v.key, v.history)
}

// tally is what all clients of a campaign share: the counts, the newest zxid that anybody has seen, and what went
// wrong while they were at work.
type tally struct {
	acknowledged atomic.Int64 // writes with a reply of success, all compared after the next crash
	refused      atomic.Int64
	unknown      atomic.Int64 // writes without reply
	survived     atomic.Int64 // of these, carried out
	checked      atomic.Int64 // nodes compared

	mu         sync.Mutex
	newest     messages.Zxid
	since      messages.Zxid                  // where this round began
	writes     map[messages.Zxid]fmt.Stringer // the round's acknowledged writes
	violations []violation
}

// saw notes the zxid of a reply.
func (t *tally) saw(zxid messages.Zxid) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if int64(zxid) > 0 {
		t.newest = max(t.newest, zxid)
	}
}

// wrote notes an acknowledged write: each has a zxid of its own, later than all that was there when the round began.
func (t *tally) wrote(zxid messages.Zxid, who fmt.Stringer) {
	t.acknowledged.Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.newest = max(t.newest, zxid)
	if zxid <= t.since {
		t.violations = append(t.violations, violation{key: zxid.String(), what: fmt.Sprintf(
			"a write got the zxid %v, but the round began after %v", zxid, t.since), history: "    " + who.String()})
	}
	if other, ok := t.writes[zxid]; ok {
		t.violations = append(t.violations, violation{
			key: zxid.String(), what: "two writes got the same zxid", history: "    " + other.String() + "\n    " + who.String()})
	}
	if t.writes == nil {
		t.writes = map[messages.Zxid]fmt.Stringer{}
	}
	t.writes[zxid] = who
}

// begin starts a round with a server that shows zxid.
func (t *tally) begin(zxid messages.Zxid) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if zxid < t.newest {
		t.violations = append(t.violations, violation{
			key: "the zxid", what: fmt.Sprintf("the server is at %v, a reply has shown %v", zxid, t.newest)})
	}
	t.since, t.newest = zxid, max(zxid, t.newest)
	t.writes = nil
}

func (t *tally) report(v violation) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.violations = append(t.violations, v)
}

// take gives what went wrong since the last call.
func (t *tally) take() []violation {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.violations
	t.violations = nil
	return list
}
