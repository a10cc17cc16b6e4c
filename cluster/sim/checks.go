package sim

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// applied is called when a server's final has handled deliveries: what it has applied must be the history.
func (w *World) applied(s *server, given []messages.Delivery) {
	t := s.life.tree
	if v := s.life.seen; t == nil || (v != nil && v.Role == actors.RoleReadOnly) {
		return
	}
	last := t.LastZxid()
	for i := range given {
		p := given[i].Proposal
		if p == nil || p.Header.Zxid > last {
			continue
		}
		known := len(w.history.entries)
		w.history.append(s.name, s.applied, p.Encoded)
		s.applied = p.Header.Zxid
		if w.failed() {
			return
		}
		if len(w.history.entries) > known {
			w.newlyApplied(s, p)
		}
	}
	if s.applied != last {
		w.fail("apply", "%s was given transactions up to %v, and its tree is at %v", s.name, s.applied, last)
		return
	}
	w.history.digestAt(s.name, last, digestOf(t))
}

// newlyApplied tells the traps of a transaction that nobody had applied before.
func (w *World) newlyApplied(s *server, p *messages.Proposal) {
	w.happened(appliedFirst, s)
	if p.Header.Op == messages.OpReconfig {
		w.happened(membersApplied, s)
	}
}

func digestOf(t *tree.Shared) (sum uint64) {
	t.Read(func(t *tree.Tree) { sum = t.Digest() })
	return sum
}

// looked is called when a peer has handled a message: it may have established a role.
func (w *World) looked(s *server) {
	l := s.life
	view := l.view.Load()
	if view == l.seen {
		return
	}
	if l.seen = view; view == nil {
		w.trace.say(s.name, "serves no more")
		return
	}
	if view.Role == actors.RoleReadOnly {
		w.trace.say(s.name, "serves reads alone, from %v on", view.Tree.LastZxid())
		return
	}
	kept := l.tree == view.Tree // the pipeline goes on in another role, and may have got its next transactions already
	l.tree = view.Tree
	epoch := l.board.Status().Epoch
	l.epoch = epoch
	w.trace.say(s.name, "serves as %v in epoch %d from %v on", view.Role, epoch, view.Tree.LastZxid())
	w.stats.add("served as " + view.Role.String())
	w.established(s, view, epoch, kept)
}

// established checks what a server begins a role with. A leader's history is the history so far: all that was ever applied
// in earlier epochs, and what it has beyond that is committed now. A learner's is a part of it.
func (w *World) established(s *server, view *actors.View, epoch uint32, kept bool) {
	last, committed := view.Tree.LastZxid(), w.history.last()
	if last < s.applied {
		w.fail("monotony", "%s begins at %v, and had applied %v before", s.name, last, s.applied)
		return
	}
	if view.Role == actors.RoleLeader {
		if other, ok := w.leaders[epoch]; ok {
			w.fail("leadership", "%s leads in epoch %d, in which %s has led", s.name, epoch, other)
			return
		}
		w.leaders[epoch] = s.name
		w.happened(established, s)
		if want := w.history.lastBefore(epoch); last < want {
			w.fail("durability", "%s leads epoch %d with a history up to %v; up to %v was applied somewhere", s.name, epoch, last, want)
			return
		}
	}
	// A learner may be ahead of all pipelines: what its leader has committed a moment ago nobody may have applied yet.
	if err := w.logOf(s, last, kept); err != nil {
		w.fail("log", "%s begins at %v: %v", s.name, last, err)
		return
	}
	if _, known := w.history.index[last]; !known && last != 0 && !w.failed() {
		w.fail("prefix", "%s begins at %v, which is not in the history; that goes on to %v", s.name, last, w.history.last())
	}
	s.applied = last
	w.history.digestAt(s.name, last, digestOf(view.Tree))
	if view.Role == actors.RoleLeader {
		w.goesByItsTree(s, committed)
	}
}

// logOf compares a server's log up to a zxid with the history, and adds to that what follows it. Where the log jumps, what is
// before the jump is of no account: a snapshot covers it, and it may never have become history.
func (w *World) logOf(s *server, last messages.Zxid, kept bool) error {
	r, err := persistence.OpenReader(persistence.ReaderOptions{FS: s.disk, Dir: s.life.store.Dir().LogDir, AnyStart: true})
	if err != nil {
		return fmt.Errorf("open its log: %w", err)
	}
	defer r.Close()
	type logged struct {
		zxid messages.Zxid
		body []byte
	}
	var records []logged
	// From the disk itself, as the log: the process may have lost its power in this very step, and reads nothing any more.
	var snapshot messages.Zxid
	files, err := persistence.ListSnapshots(s.disk, s.life.store.Dir().SnapshotDir)
	if err != nil {
		return fmt.Errorf("list its snapshots: %w", err)
	}
	if len(files) > 0 {
		snapshot = messages.Zxid(files[0].Zxid)
	}
	var prev, begin messages.Zxid
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		z := messages.Zxid(record.Zxid)
		if kept && z > last {
			break
		}
		if err == nil && z > last {
			err = fmt.Errorf("it goes on to %v", z)
		}
		if err != nil {
			return fmt.Errorf("read its log behind %v: %w", prev, err)
		}
		_, known := w.history.index[z]
		switch {
		case prev == 0 && known:
			begin = w.history.before(z)
		case prev == 0:
			begin = w.history.last()
		case known && w.history.before(z) != prev && w.history.before(z) <= snapshot:
			records, begin = nil, w.history.before(z)
		case !known && prev < w.history.last() && w.history.last() < z && w.history.last() <= snapshot:
			records, begin = nil, w.history.last() // what it has behind the snapshot nobody has applied yet
		}
		records = append(records, logged{z, append([]byte(nil), record.Body...)})
		prev = z
	}
	if prev < snapshot {
		records = nil // likewise where nothing follows the jump yet
	}
	for _, x := range records {
		if w.failed() {
			break
		}
		w.history.append(s.name, begin, x.body)
		begin = x.zxid
	}
	return nil
}

// agree checks at the end that all servers are in one state, and that it is the one of the history.
func (w *World) agree() {
	last := w.history.last()
	for _, s := range w.servers {
		if s.applied != last {
			w.fail("agreement", "at the end %s has applied %v, and the history goes on to %v", s.name, s.applied, last)
			return
		}
		s.life.tree.Read(func(t *tree.Tree) { w.compare(s, t) })
	}
}

// compare goes through a tree.
func (w *World) compare(s *server, t *tree.Tree) {
	last := t.LastZxid()
	for path := range w.history.paths {
		want := w.history.at(path, last)
		n, ok := t.LookupString(path)
		if ok != want.exists {
			w.fail("state", "at the end %s: %s exists %v, want %v", s.name, path, ok, want.exists)
			return
		}
		if !ok || messages.ParentPath(path) == messages.SystemPath || path == messages.RootPath || path == messages.SystemPath {
			continue
		}
		stat := n.Stat()
		if string(n.Data()) != want.data || stat.Version != want.version || stat.Czxid != want.czxid ||
			messages.SessionID(stat.EphemeralOwner) != want.owner {
			w.fail("state", "at the end %s: %s is %q, %+v, want %+v", s.name, path, n.Data(), stat, want)
			return
		}
	}
	sessions, ephemerals := w.history.open()
	if t.SessionCount() != sessions || t.EphemeralCount() != ephemerals {
		w.fail("state", "at the end %s has %d sessions and %d ephemerals, want %d and %d",
			s.name, t.SessionCount(), t.EphemeralCount(), sessions, ephemerals)
	}
}

// settled checks that nothing was left behind when everybody has gone.
func (w *World) settled() {
	for _, s := range w.servers {
		if sessions := s.life.tree; sessions != nil {
			var n, e int
			sessions.Read(func(t *tree.Tree) { n, e = t.SessionCount(), t.EphemeralCount() })
			if n != 0 || e != 0 {
				w.fail("sessions", "everybody has left, and %s has %d sessions and %d ephemerals", s.name, n, e)
				return
			}
		}
		if n := s.life.rt.Conns.Len(); n != 0 {
			w.fail("connections", "everybody has left, and %s has %d connections", s.name, n)
			return
		}
		if n := s.life.rt.Outstanding(); n != 0 {
			w.fail("requests", "everybody has left, and %s has %d requests that wait for their answers", s.name, n)
			return
		}
	}
}

// refusedOnly is what a client was told that its session is no more: in the end that must be so.
func (w *World) lostSessions() {
	for _, id := range w.lost {
		if s := w.history.sessions[id]; (s == nil && !w.plan.localSessions) || (s != nil && s.closed == 0) {
			w.fail("sessions", "a client was told that its session %v is no more, and it lives", id)
			return
		}
	}
}

// servers by name, for messages.
func (w *World) names(of func(*server) bool) (names []string) {
	for _, s := range w.servers {
		if of(s) {
			names = append(names, s.name)
		}
	}
	slices.Sort(names)
	return names
}
