package chaostest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// outcome is what a client knows of a request.
type outcome int

const (
	done    outcome = iota // acknowledged
	refused                // answered with an error: it was not carried out
	unknown                // without an answer: it may have been carried out, now or later
)

// step is one operation, or one of a multi.
type step struct {
	op      messages.OpCode
	path    string
	data    string
	version int32
	mode    client.Mode
}

func (s step) String() string {
	text := s.op.String()
	if s.path != "" {
		text += " " + s.path
	}
	switch s.op {
	case messages.OpCreate, messages.OpCreate2:
		return fmt.Sprintf("%s mode %d %q", text, s.mode, s.data)
	case messages.OpSetData:
		return fmt.Sprintf("%s version %d %q", text, s.version, s.data)
	case messages.OpDelete, messages.OpCheck:
		return fmt.Sprintf("%s version %d", text, s.version)
	}
	return text
}

// op is one request of a client with what became of it.
type op struct {
	user         *user
	steps        []step        // several make a multi
	call         *client.Call  // nil when it has ended
	begun, ended time.Duration // since the record began; an outcome that is unknown has no end
	server       string        // where the client was connected when the answer came
	outcome      outcome
	code         messages.ErrCode // why it was refused
	err          error            // why there was no answer
	zxid         messages.Zxid    // of the answer
	path         string           // of the answer to a create
	data         string           // of the answer to a read
	stat         messages.Stat
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
	at := func(d time.Duration) string { return fmt.Sprintf("%.4f", d.Seconds()) }
	switch o.outcome {
	case unknown:
		return fmt.Sprintf("%s–… %s %s → unknown (%v)", at(o.begun), o.user.name, text, o.err)
	case refused:
		return fmt.Sprintf("%s–%s %s@%s %s → refused: %v at %v", at(o.begun), at(o.ended), o.user.name, o.server, text, o.code, o.zxid)
	}
	answer := ""
	switch o.steps[0].op {
	case messages.OpGetData:
		answer = fmt.Sprintf(" %q version %d", o.data, o.stat.Version)
	case messages.OpSetData:
		answer = fmt.Sprintf(" version %d", o.stat.Version)
	case messages.OpCreate:
		answer = " " + o.path
	}
	return fmt.Sprintf("%s–%s %s@%s %s → done%s at %v", at(o.begun), at(o.ended), o.user.name, o.server, text, answer, o.zxid)
}

// violation is a broken promise.
type violation struct {
	key     string
	what    string
	history []fmt.Stringer
}

// lines makes requests a history.
func lines(ops ...*op) (list []fmt.Stringer) {
	for _, o := range ops {
		list = append(list, o)
	}
	return list
}

func (v violation) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s", v.key, v.what)
	const most = 250
	if skip := len(v.history) - most; skip > 0 {
		fmt.Fprintf(&text, "\n    … %d older", skip)
		v.history = v.history[skip:]
	}
	for _, o := range v.history {
		fmt.Fprintf(&text, "\n    %v", o)
	}
	return text.String()
}

// record is what all clients of a run share: the counts, the order of all writes, and what went wrong.
type record struct {
	start time.Time

	mu         sync.Mutex
	counts     [3]int // by outcome
	moves      int    // connections after a session's first
	points     []point
	reads      int // after a sync
	violations []violation
	dropped    int // violations beyond the ones that are kept
}

// point is an acknowledged write, or a read after a sync, in the order of all.
type point struct {
	begun, ended time.Duration
	zxid         messages.Zxid
	read         bool
	name, server string
	first        step
}

func (p point) String() string {
	return fmt.Sprintf("%.4f–%.4f %s@%s %v → %v", p.begun.Seconds(), p.ended.Seconds(), p.name, p.server, p.first, p.zxid)
}

func newRecord() *record { return &record{start: time.Now()} }

// now is the time since the record began.
func (r *record) now() time.Duration { return time.Since(r.start) }

func (r *record) count(o *op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[o.outcome]++
}

// place puts a write, or a read after a sync, into the order.
func (r *record) place(o *op, begun time.Duration, read bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if read {
		r.reads++
	}
	r.points = append(r.points, point{begun, o.ended, o.zxid, read, o.user.name, o.server, o.steps[0]})
}

func (r *record) report(v violation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.violations) >= 20 {
		r.dropped++
		return
	}
	r.violations = append(r.violations, v)
}

// broken tells whether something has gone wrong so far.
func (r *record) broken() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.violations) > 0
}

// verdict is an error with all violations, nil if there are none.
func (r *record) verdict() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.violations) == 0 {
		return nil
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%d violations:", len(r.violations)+r.dropped)
	for i, v := range r.violations {
		if i == 5 {
			text.WriteString("\n…")
			break
		}
		fmt.Fprintf(&text, "\n%v", v)
	}
	return fmt.Errorf("%s", &text)
}

// judgeOrder compares the order of all acknowledged writes with their zxids: a write that began after another was
// acknowledged has the larger one, and no two have the same. A read after a sync shows at least the zxid of each write
// that was acknowledged before the sync began; it counts the ones that don't if they aren't violations.
func (r *record) judgeOrder(strict bool) (stale int) {
	byBegin := slices.Clone(r.points)
	slices.SortFunc(byBegin, func(a, b point) int { return int(a.begun - b.begun) })
	byEnd := slices.DeleteFunc(slices.Clone(r.points), func(p point) bool { return p.read })
	slices.SortFunc(byEnd, func(a, b point) int { return int(a.ended - b.ended) })
	var newest point // of the writes that had ended before p began
	seen := make(map[messages.Zxid]point, len(byEnd))
	for _, p := range byBegin {
		for len(byEnd) > 0 && byEnd[0].ended < p.begun {
			if byEnd[0].zxid > newest.zxid {
				newest = byEnd[0]
			}
			byEnd = byEnd[1:]
		}
		switch {
		case p.read && p.zxid < newest.zxid:
			stale++
			if strict {
				r.report(violation{"the order", fmt.Sprintf("a read after a sync shows %v, but %v was acknowledged before it began",
					p.zxid, newest.zxid), []fmt.Stringer{newest, p}})
			}
		case !p.read && p.zxid <= newest.zxid:
			r.report(violation{"the order", fmt.Sprintf("a write got %v, but %v was acknowledged before it began",
				p.zxid, newest.zxid), []fmt.Stringer{newest, p}})
		}
		if p.read {
			continue
		}
		if other, twice := seen[p.zxid]; twice {
			r.report(violation{"the order", fmt.Sprintf("two writes got the zxid %v", p.zxid), []fmt.Stringer{other, p}})
		}
		seen[p.zxid] = p
	}
	return stale
}
