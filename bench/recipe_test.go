//go:build unix

package bench

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// rig is a loop whose sessions need no server: what they send is dropped, and
// the test answers.
type rig struct {
	loop     *loop
	load     Load
	sessions []*Session
}

func newRig(t *testing.T, scenario Scenario, sessions int) *rig {
	t.Helper()
	cfg := DefaultConfig()
	part := Part{Loops: 1, Window: 1, Keys: 1, Random: NewRandom(1), Keyspace: cfg.Keys}
	load := scenario.Load(part)
	l, err := newLoop(&cfg, 0, load, &atomic.Int32{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.poll.close)
	r := &rig{loop: l, load: load}
	for i := range sessions {
		s := &Session{loop: l, index: i, fd: -1, state: stateOpen}
		r.sessions = append(r.sessions, s)
		load.Start(s)
	}
	return r
}

// answer answers a request of a session, whatever it has outstanding.
func (r *rig) answer(session int, tag uint32, code int32, record []byte) {
	s := r.sessions[session]
	s.out, s.record = nil, record
	r.loop.now += time.Millisecond
	s.waiting.clear()
	r.load.Answered(s, OpRecipe, tag, code)
}

// list is the record of a list of names.
func list(names ...string) []byte {
	b := be.AppendUint32(nil, uint32(len(names)))
	for _, name := range names {
		b = appendString(b, name)
	}
	return append(b, make([]byte, statBytes)...)
}

// wants says how many wrong answers there must be so far, and what the last
// kind of them is called.
func (r *rig) wants(t *testing.T, wrong int64, text string) {
	t.Helper()
	var all []string
	for message := range r.loop.rec.messages {
		all = append(all, message)
	}
	if r.loop.rec.wrong != wrong || !strings.Contains(strings.Join(all, "\n"), text) {
		t.Errorf("%d wrong answers, want %d with %q: %q", r.loop.rec.wrong, wrong, text, all)
	}
}

func TestLockNoticesWhoJumpsTheLine(t *testing.T) {
	r := newRig(t, Lock(), 2)
	parent := DefaultConfig().Keys.Root + "/lock/"
	r.answer(0, lockCreate, codeOK, appendString(nil, parent+"lock-0000000001"))
	r.answer(1, lockCreate, codeOK, appendString(nil, parent+"lock-0000000002"))
	r.answer(0, lockList, codeOK, list("lock-0000000001", "lock-0000000002"))
	r.answer(1, lockList, codeOK, list("lock-0000000002")) // the first has given up
	r.wants(t, 0, "")
	r.answer(0, lockCreate, codeOK, appendString(nil, parent+"lock-0000000003"))
	r.answer(1, lockCreate, codeOK, appendString(nil, parent+"lock-0000000004"))
	r.answer(1, lockList, codeOK, list("lock-0000000004")) // the first has not
	r.wants(t, 1, errTwoHolders.Error())
	r.answer(0, lockList, codeOK, list("lock-0000000004"))
	r.wants(t, 2, "does not see its own node")
	r.answer(0, lockCreate, codeOK, appendString(nil, "/elsewhere"))
	r.wants(t, 3, "another path")
}

func TestQueueNoticesItemsTakenTwice(t *testing.T) {
	r := newRig(t, Queue(), 4)
	item := DefaultConfig().Keys.Root + "/queue/item-0000000007"
	r.answer(0, queuePut, codeOK, appendString(nil, item))
	r.answer(1, 7|queueDelete, codeOK, nil)
	r.wants(t, 0, "")
	r.answer(3, 7|queueDelete, codeNoNode, nil) // another was faster
	r.wants(t, 0, "")
	r.answer(3, 8|queueDelete, codeOK, nil) // its put is not acknowledged yet
	r.answer(1, 8|queueDelete, codeOK, nil)
	r.wants(t, 1, errTakenTwice.Error())
	r.shut()
	r.load.Tick(time.Hour, r.sessions) // and never was
	r.wants(t, 2, errTakenTwice.Error())
	r.answer(1, 9, codeOK, []byte("rubbish"))
	r.wants(t, 3, "item 9 of the queue")
}

// shut leaves the sessions in a state in which they are not given up, as they
// have no socket to close.
func (r *rig) shut() {
	for _, s := range r.sessions {
		s.state = stateClosing
	}
}

func TestBarrierNoticesWhoGetsThrough(t *testing.T) {
	r := newRig(t, Barrier(), 2)
	b := r.load.(*barrier)
	r.answer(0, barrierWatch, codeNoNode, nil)
	r.answer(0, barrierEnter, codeOK, nil)
	r.answer(0, barrierCount, codeOK, list("p-0-0"))
	r.sessions[0].out = nil
	if err := b.PathEvent(r.sessions[0], eventCreated, b.ready(0)); err != nil {
		t.Fatal(err)
	}
	r.wants(t, 1, errEarly.Error())
	r.answer(0, barrierLeave, codeOK, nil)
	r.answer(0, barrierRemain, codeOK, list())
	r.wants(t, 2, errLeft.Error())
	if err := b.PathEvent(r.sessions[1], eventDeleted, b.ready(0)); err == nil {
		t.Error("an event of another kind was accepted")
	}
}

func TestNodeChecks(t *testing.T) {
	keys := &Keyspace{Root: "/bench", Count: 2, ValueBytes: 20}
	good := list("00000000", "00000001")
	be.PutUint32(good[len(good)-statBytes+statChildrenOffset:], 2)
	change := func(b []byte, how func([]byte) []byte) []byte { return how(append([]byte(nil), b...)) }
	stats := appendMultiHeader(nil, opCodes[OpSet], false)
	stats = append(stats, fakeStat(20)...)
	stats = appendMultiHeader(stats, -1, true)
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"list":          {checkChildren(good, keys, 0), ""},
		"list, cut":     {checkChildren(good[:20], keys, 0), "no key has"},
		"list, twice":   {checkChildren(list("00000001", "00000001"), keys, 0), "twice"},
		"list, foreign": {checkChildren(list("00000000", "00000002"), keys, 0), "no key there"},
		"list, short":   {checkChildren(list("00000000"), keys, 0), "want 2 names"},
		"list, count":   {checkChildren(list("00000000", "00000001"), keys, 0), "stat says 0 children"},
		"multi":         {checkMulti(stats, 1, 20), ""},
		"multi, cut":    {checkMulti(stats[:len(stats)-1], 1, 20), "bytes"},
		"multi, type":   {checkMulti(change(stats, func(b []byte) []byte { b[3] = 9; return b }), 1, 20), "type 9"},
		"multi, size":   {checkMulti(stats, 1, 21), "stat says 20"},
		"multi, end":    {checkMulti(change(stats, func(b []byte) []byte { b[len(b)-5] = 0; return b }), 1, 20), "no end"},
	} {
		if (c.want == "") != (c.err == nil) || c.err != nil && !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, c.err, c.want)
		}
	}
	if n, err := checkNumbered(appendString(nil, "/a-0000000042"), "/a-"); n != 42 || err != nil {
		t.Errorf("number %d, %v", n, err)
	}
	for _, path := range []string{"/a-42", "/b-0000000042", "/a-00000000x2"} {
		if _, err := checkNumbered(appendString(nil, path), "/a-"); err == nil {
			t.Errorf("%s was accepted", path)
		}
	}
	s := &Session{loop: &loop{keys: *keys}, number: 5}
	if err := s.checkNode(outstanding{op: OpCreateSequential}, appendString(nil, keys.numberedPrefix(0)+"0000000005")); err == nil {
		t.Error("a number that was given before was accepted")
	}
}

// Sessions that wait for an event which does not come are given up, so that the
// run ends and says so.
func TestRecipesNoticeAStall(t *testing.T) {
	for _, scenario := range []Scenario{Lock(), Queue(), Barrier()} {
		r := newRig(t, scenario, 2)
		for _, s := range r.sessions {
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { closeSocket(fds[1]) })
			for len(r.loop.byFD) <= fds[0] {
				r.loop.byFD = append(r.loop.byFD, nil)
			}
			r.loop.byFD[fds[0]], s.fd = s, fds[0]
			s.waiting.clear()
		}
		r.loop.live = 2
		r.load.Tick(time.Second, r.sessions)
		r.sessions[0].waiting.clear() // a queue's Tick may have sent something
		if r.loop.rec.lost != 0 {
			t.Errorf("%s: sessions were given up after a second", scenario.Name)
		}
		r.load.Tick(time.Hour, r.sessions)
		if r.loop.rec.lost != 2 || r.loop.live != 0 {
			t.Errorf("%s: %d sessions given up, want 2", scenario.Name, r.loop.rec.lost)
		}
	}
}
