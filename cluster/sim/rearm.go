package sim

import (
	"fmt"
	"maps"
	"slices"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// rearm is a client's wish that the watches of its last connection be set on its new one: what has changed since the
// newest zxid that the client knows must be told before the answer, and nothing else.
type rearm struct {
	asked jute.SetWatches
	heard []string // events, in words
}

// rearm asks for the watches of the connection before. What was armed there was not changed by the time of the client's last
// reply, if that came on the same connection.
func (v *visit) rearm() {
	c := v.c
	old := c.prev
	if c.prev = v; old == nil || old.last != c.last {
		return
	}
	r := &rearm{asked: jute.SetWatches{RelativeZxid: c.last, Child: slices.Sorted(maps.Keys(old.child))}}
	for _, path := range slices.Sorted(maps.Keys(old.data)) {
		if c.w.history.at(path, c.last).exists {
			r.asked.Data = append(r.asked.Data, path)
		} else {
			r.asked.Exist = append(r.asked.Exist, path)
		}
	}
	if len(r.asked.Data)+len(r.asked.Exist)+len(r.asked.Child) == 0 {
		return
	}
	v.rearms, c.prev = r, old
	c.w.trace.say(c.name, "sets its watches at %s: %+v", v.s.name, r.asked)
	h := jute.RequestHeader{Xid: messages.XidSetWatches, Op: messages.OpSetWatches}
	v.write(frameOf(r.asked.Append(jute.AppendRequestHeader(nil, h), messages.OpSetWatches)))
}

func (r *rearm) event(v *visit, z messages.Zxid, e jute.WatcherEvent) {
	if int64(z) != -1 {
		v.errorf("watch", "event %v of %s at %v came before the answer to setWatches", e.Type, e.Path, z)
		return
	}
	r.heard = append(r.heard, fmt.Sprintf("%v of %s", e.Type, e.Path))
}

// rearmed judges the answer: the events before it must be those of what has changed.
func (v *visit) rearmed(h jute.ReplyHeader) {
	r, hist := v.rearms, v.c.w.history
	if r == nil || h.Err != messages.ErrOK || h.Zxid < v.last {
		v.errorf("watch", "setWatches is answered with %v at %v, behind %v", h.Err, h.Zxid, v.last)
		return
	}
	v.rearms, v.c.prev, v.last = nil, v, h.Zxid
	v.c.last = max(v.c.last, h.Zxid)
	var want []string
	fire := func(e messages.EventType, path string) { want = append(want, fmt.Sprintf("%v of %s", e, path)) }
	for _, path := range r.asked.Data {
		switch s := hist.at(path, h.Zxid); {
		case !s.exists:
			fire(messages.EventNodeDeleted, path)
		case s.mzxid > r.asked.RelativeZxid:
			fire(messages.EventNodeDataChanged, path)
		default:
			v.data[path] = h.Zxid
		}
	}
	for _, path := range r.asked.Exist {
		if hist.at(path, h.Zxid).exists {
			fire(messages.EventNodeCreated, path)
		} else {
			v.data[path] = h.Zxid
		}
	}
	for _, path := range r.asked.Child {
		switch s := hist.at(path, h.Zxid); {
		case !s.exists:
			fire(messages.EventNodeDeleted, path)
		case max(s.czxid, hist.lastChild(path, h.Zxid)) > r.asked.RelativeZxid:
			fire(messages.EventNodeChildrenChanged, path)
		default:
			v.child[path] = h.Zxid
		}
	}
	slices.Sort(want)
	slices.Sort(r.heard)
	if !slices.Equal(want, r.heard) {
		v.errorf("watch", "setWatches behind %v at %v tells %q, want %q", r.asked.RelativeZxid, h.Zxid, r.heard, want)
	}
	v.c.w.stats.add("watches set anew")
}
