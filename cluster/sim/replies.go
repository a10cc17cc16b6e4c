package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// What a client is told is judged at once: the server that says it has applied everything up to the zxid of its reply, so
// the history has it.

func (v *visit) errorf(property, format string, args ...any) {
	v.c.w.fail(property, "%s with session %v at %s: %s", v.c.name, v.c.session, v.s.name, fmt.Sprintf(format, args...))
}

func (v *visit) reply(frame []byte) {
	d := jute.NewDecoder(frame)
	h := jute.DecodeReplyHeader(&d)
	switch h.Xid {
	case messages.XidWatchEvent:
		if v.rearms != nil {
			v.rearms.event(v, h.Zxid, jute.DecodeWatcherEvent(&d))
			return
		}
		v.event(h.Zxid, jute.DecodeWatcherEvent(&d))
		return
	case messages.XidPing:
		return
	case messages.XidSetWatches:
		v.rearmed(h)
		return
	}
	if len(v.asked) == 0 || v.asked[0].xid != h.Xid {
		v.errorf("client order", "a reply to request %d came, waiting are %v", h.Xid, v.asked)
		return
	}
	q := v.asked[0]
	v.asked = v.asked[1:]
	v.c.w.trace.say(v.c.name, "hears from %s: %v#%d %v at %v", v.s.name, q.op, q.xid, int32(h.Err), h.Zxid)
	v.c.w.stats.replies++
	v.c.alive(q.at, v.s)
	if h.Zxid < v.last {
		v.errorf("zxid order", "the reply to %v#%d has zxid %v, one before it %v", q.op, h.Xid, h.Zxid, v.last)
		return
	}
	if h.Zxid < v.c.floor && !v.abandoned() {
		v.errorf("sync", "the reply to %v#%d has zxid %v; %v was told before its last sync was asked", q.op, h.Xid, h.Zxid, v.c.floor)
		return
	}
	if _, known := v.c.w.history.index[h.Zxid]; !known && h.Zxid != 0 {
		v.errorf("zxid order", "the reply to %v#%d has zxid %v, which is not in the history", q.op, h.Xid, h.Zxid)
		return
	}
	v.last = h.Zxid
	v.c.last = max(v.c.last, h.Zxid)
	v.c.w.told = max(v.c.w.told, h.Zxid)
	v.nothingMissed(h.Zxid)
	switch {
	case q.op == messages.OpSync:
		v.synced(q, h)
	case q.op.IsWrite():
		v.write1(q, h, d.Rest())
	default:
		v.read(q, h, &d)
	}
}

// abandoned tells whether the client has gone on to another connection: what is said on this one is of an older time.
func (v *visit) abandoned() bool { return v.c.visit != v }

// synced: what is read from now on is at least as new as all that anybody had been told when it was asked.
func (v *visit) synced(q question, h jute.ReplyHeader) {
	if h.Err != messages.ErrOK {
		if h.Err != messages.ErrSessionExpired && h.Err != messages.ErrSessionMoved {
			v.errorf("sync", "sync#%d gives %v", q.xid, h.Err)
		}
		return
	}
	if h.Zxid < q.floor {
		v.errorf("sync", "sync#%d is answered at %v, and somebody was told of %v before it was asked", q.xid, h.Zxid, q.floor)
		return
	}
	v.c.floor = max(v.c.floor, q.floor)
	v.c.w.stats.add("sync answered")
	v.c.w.happened(syncTold, v.s)
}

// write1 judges the word on a write.
func (v *visit) write1(q question, h jute.ReplyHeader, body []byte) {
	w := v.c.w
	failed := h.Err != messages.ErrOK || (q.op == messages.OpMulti && strings.HasPrefix(string(body), "\xff\xff\xff\xff\x00"))
	z, happened := w.history.xids[v.c.session][q.xid]
	switch {
	case failed && happened:
		v.errorf("refusal", "%v#%d was refused (%v), and happened as %v", q.op, q.xid, h.Err, z)
	case failed:
		if w.history.refused[v.c.session] == nil {
			w.history.refused[v.c.session] = map[int32]messages.ErrCode{}
		}
		w.history.refused[v.c.session][q.xid] = h.Err
		if h.Err != messages.ErrOK {
			w.stats.add("write refused: " + h.Err.Error())
		}
	case q.op == messages.OpCloseSession && !happened && w.plan.localSessions: // nobody else need know of its end
	case !happened || z != h.Zxid:
		v.errorf("acknowledged", "%v#%d was acknowledged as %v; in the history it is %v (%v)", q.op, q.xid, h.Zxid, z, happened)
	default:
		w.stats.writes++
		w.happened(writeTold, v.s)
		if q.op == messages.OpReconfig {
			v.reconfigured(h, body)
		}
	}
	switch {
	case q.op == messages.OpCloseSession:
		v.c.drop()
	case h.Err == messages.ErrSessionExpired:
		w.lost = append(w.lost, v.c.session)
		v.c.drop()
	case h.Err == messages.ErrSessionMoved && !v.abandoned():
		v.c.hangUp()
	}
}

func (v *visit) read(q question, h jute.ReplyHeader, d *jute.Decoder) {
	hist := v.c.w.history
	if h.Zxid < q.floor && h.Err != messages.ErrSessionExpired && h.Err != messages.ErrSessionMoved {
		v.errorf("fresh reads", "%v#%d shows %v, and somebody was told of %v before it was asked", q.op, q.xid, h.Zxid, q.floor)
		return
	}
	s := hist.at(q.path, h.Zxid)
	want := messages.ErrOK
	if !s.exists {
		want = messages.ErrNoNode
	}
	if h.Err != want {
		v.errorf("read", "%v of %s at %v gives %v, want %v", q.op, q.path, h.Zxid, h.Err, want)
		return
	}
	switch q.op {
	case messages.OpGetData:
		if s.exists {
			data, stat := d.Buffer(), jute.DecodeStat(d)
			if string(data) != s.data {
				v.errorf("read", "%s at %v reads %q, want %+v", q.path, h.Zxid, data, s)
			}
			v.stat(q.path, h.Zxid, &stat, s)
		}
		v.arm(v.data, q.watch && s.exists, q.path, h.Zxid)
	case messages.OpExists:
		if s.exists {
			stat := jute.DecodeStat(d)
			v.stat(q.path, h.Zxid, &stat, s)
		}
		v.arm(v.data, q.watch, q.path, h.Zxid)
	case messages.OpGetChildren:
		if s.exists {
			v.children(d.Strings(), q.path, h.Zxid)
		}
		v.arm(v.child, q.watch && s.exists, q.path, h.Zxid)
	}
}

func (v *visit) stat(path string, z messages.Zxid, stat *messages.Stat, s nodeState) {
	if stat.Version != s.version || stat.Czxid != s.czxid || stat.Mzxid != s.mzxid || messages.SessionID(stat.EphemeralOwner) != s.owner {
		v.errorf("read", "%s at %v has the stat %+v, want %+v", path, z, *stat, s)
	}
}

func (v *visit) children(names []string, path string, z messages.Zxid) {
	want := v.c.w.history.children(path, z)
	slices.Sort(names)
	if !slices.Equal(names, want) {
		v.errorf("read", "%s at %v has the children %v, want %v", path, z, names, want)
	}
}

func (v *visit) arm(table map[string]messages.Zxid, set bool, path string, z messages.Zxid) {
	if _, armed := table[path]; set && !armed {
		table[path] = z
	}
}

// event: the watch was set, and this is the first change behind it.
func (v *visit) event(z messages.Zxid, e jute.WatcherEvent) {
	hist := v.c.w.history
	fits := false
	if after, armed := v.data[e.Path]; armed && e.Type != messages.EventNodeChildrenChanged {
		fits = hist.nextData(e.Path, after) == z
		delete(v.data, e.Path)
	}
	after, armed := v.child[e.Path]
	if armed && (e.Type == messages.EventNodeChildrenChanged || e.Type == messages.EventNodeDeleted) {
		fits = fits || hist.nextChild(e.Path, after) == z
		delete(v.child, e.Path)
	}
	if !fits {
		v.errorf("watch", "event %v of %s at %v came unasked, or isn't the first", e.Type, e.Path, z)
		return
	}
	v.c.w.stats.add("watch event")
}

// nothingMissed: before this reply all events must have come that it could explain.
func (v *visit) nothingMissed(z messages.Zxid) {
	hist := v.c.w.history
	for path, after := range v.data {
		if next := hist.nextData(path, after); next <= z {
			v.errorf("watch", "a reply with %v came, but not the event of %s at %v, watched since %v", z, path, next, after)
			return
		}
	}
	for path, after := range v.child {
		if next := hist.nextChild(path, after); next <= z {
			v.errorf("watch", "a reply with %v came, but not the event of the children of %s at %v", z, path, next)
			return
		}
	}
}
