package sim

import (
	"fmt"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// act lets a client do something.
func (w *World) act() {
	i := w.rand.IntN(len(w.clients))
	c := w.clients[i]
	v := c.visit
	switch n := w.rand.IntN(400); {
	case n == 0:
		w.trace.say(c.name, "hangs up")
		c.hangUp()
	case n == 1 && c.session != 0:
		w.trace.say(c.name, "goes elsewhere and leaves its connection")
		c.leave()
		c.connect(w.anyServer())
	case n == 2 && w.rand.IntN(4) == 0:
		w.trace.say(c.name, "vanishes")
		c.gone = true
		c.host.Vanish()
		w.clients[i] = w.newClient(nil)
	case n == 3 && w.rand.IntN(2) == 0:
		w.trace.say(c.name, "dies")
		c.gone = true
		c.host.Crash()
		w.clients[i] = w.newClient(nil)
	case v == nil || !v.ready || v.closing || c.idle:
	case n == 4:
		v.closing = true
		v.ask(question{op: messages.OpCloseSession}, nil)
	default:
		if len(v.asked) > 50 {
			return
		}
		for range 1 + w.rand.IntN(3) {
			w.request(v)
		}
	}
}

// path is one of a few nodes, so that clients meet.
func (w *World) path() string {
	path := fmt.Sprintf("/p%d", w.rand.IntN(3))
	if w.rand.IntN(2) == 0 {
		path += fmt.Sprintf("/c%d", w.rand.IntN(4))
	}
	return path
}

func (w *World) request(v *visit) {
	path := w.path()
	w.serial++
	data, watch := fmt.Sprintf("d%d", w.serial), w.rand.IntN(3) == 0
	version := int32(-1)
	if w.rand.IntN(4) == 0 {
		version = int32(w.rand.IntN(4))
	}
	if w.rand.IntN(40) == 0 {
		data += string(make([]byte, w.rand.IntN(w.plan.largest)))
	}
	create := jute.CreateRequest{Path: path, Data: []byte(data), ACL: messages.WorldACL(messages.PermAll), Flags: int32(w.rand.IntN(4))}
	if w.rand.IntN(2) == 0 {
		create.Flags = 0
	}
	set := jute.SetDataRequest{Path: path, Data: []byte(data), Version: version}
	remove := jute.PathVersion{Path: path, Version: version}
	read := jute.PathWatch{Path: []byte(path), Watch: watch}
	q := question{path: path, watch: watch}
	if w.plan.freshReads {
		q.floor = w.told
	}
	ask := func(op messages.OpCode, body []byte) {
		q.op = op
		v.ask(q, body)
	}
	kind := w.rand.IntN(16)
	if v.c.reads {
		kind = 8 + kind%5
	}
	switch kind {
	case 0:
		ask(messages.OpCreate, create.Append(nil, messages.OpCreate))
	case 1, 2:
		ask(messages.OpCreate2, create.Append(nil, messages.OpCreate2))
	case 3:
		w.removal(v, path, version)
	case 4, 5, 6:
		ask(messages.OpSetData, set.Append(nil))
	case 7:
		ask(messages.OpMulti, jute.AppendMulti(nil, []jute.MultiOp{
			{Op: messages.OpSetData, Record: set},
			{Op: messages.OpCheck, Record: remove},
			{Op: messages.OpCreate, Record: create},
		}[w.rand.IntN(3):]))
	case 8, 9:
		ask(messages.OpGetData, read.Append(nil))
	case 10:
		ask(messages.OpExists, read.Append(nil))
	case 11:
		ask(messages.OpGetChildren, read.Append(nil))
	case 12, 13:
		q.floor = w.told
		ask(messages.OpSync, jute.AppendString(nil, path))
		if !w.plan.freshReads {
			q.floor = 0
		}
		ask(messages.OpGetData, read.Append(nil))
	case 14:
		create.Flags = 0
		ask(messages.OpCreateContainer, create.Append(nil, messages.OpCreateContainer))
	default:
		v.ask(question{op: messages.OpPing}, nil)
	}
}

// removal deletes a node, mostly one that is there and has no children: sequential ones would pile up otherwise.
func (w *World) removal(v *visit, path string, version int32) {
	hist := w.history
	if names := hist.children(path, never); len(names) > 0 {
		path += "/" + names[w.rand.IntN(len(names))]
		version = -1
	} else if names := hist.children(messages.RootPath, never); len(names) > 10 {
		path = "/" + names[w.rand.IntN(len(names))]
	}
	remove := jute.PathVersion{Path: path, Version: version}
	v.ask(question{op: messages.OpDelete, path: path}, remove.Append(nil))
}
