package killtest

import (
	"fmt"
	"maps"
	"strings"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// node is what the model knows of one node. A time of 0 in the Stat isn't known yet.
type node struct {
	data    []byte // not changed once it is here
	stat    messages.Stat
	creates int32 // children ever created
}

// step is one change: an operation of its own, or one of a multi.
type step struct {
	op      messages.OpCode // create, create2, setData, delete, check, closeSession
	path    string
	data    []byte
	version int32
	mode    client.Mode
}

func (s step) String() string {
	switch s.op {
	case messages.OpCreate, messages.OpCreate2:
		return fmt.Sprintf("%v %s mode %d %q", s.op, s.path, s.mode, s.data)
	case messages.OpSetData:
		return fmt.Sprintf("%v %s version %d %q", s.op, s.path, s.version, s.data)
	case messages.OpCloseSession:
		return s.op.String()
	}
	return fmt.Sprintf("%v %s version %d", s.op, s.path, s.version)
}

func isSequential(m client.Mode) bool {
	return m == client.PersistentSequential || m == client.EphemeralSequential
}

func isEphemeral(m client.Mode) bool { return m == client.Ephemeral || m == client.EphemeralSequential }

// ledger is the model of a folder that one client alone changes.
type ledger struct {
	nodes   map[string]node
	session messages.SessionID // who creates ephemerals now; 0 after the session was closed
}

func (l *ledger) clone() *ledger { return &ledger{nodes: maps.Clone(l.nodes), session: l.session} }

// outcome is what one step answers when all goes well.
type outcome struct {
	path string
	stat messages.Stat
}

// apply carries out the steps of one request, all or none, and predicts the answer. at is the index of the step that
// is refused.
func (l *ledger) apply(steps []step, zxid messages.Zxid) (results []outcome, at int, code messages.ErrCode) {
	work := l
	if len(steps) > 1 {
		work = l.clone()
	}
	for i := range steps {
		out, code := work.step(&steps[i], zxid)
		if code != messages.ErrOK {
			return nil, i, code
		}
		results = append(results, out)
	}
	l.nodes, l.session = work.nodes, work.session
	return results, 0, messages.ErrOK
}

func (l *ledger) step(s *step, zxid messages.Zxid) (outcome, messages.ErrCode) {
	switch s.op {
	case messages.OpCreate, messages.OpCreate2:
		return l.create(s, zxid)
	case messages.OpSetData:
		n, code := l.versioned(s)
		if code != messages.ErrOK {
			return outcome{}, code
		}
		n.data = s.data
		n.stat.Version++
		n.stat.Mzxid, n.stat.Mtime, n.stat.DataLength = zxid, 0, int32(len(s.data))
		l.nodes[s.path] = n
		return outcome{s.path, n.stat}, messages.ErrOK
	case messages.OpCheck:
		_, code := l.versioned(s)
		return outcome{}, code
	case messages.OpDelete:
		n, code := l.versioned(s)
		if code == messages.ErrOK && n.stat.NumChildren > 0 {
			code = messages.ErrNotEmpty
		}
		if code == messages.ErrOK {
			l.remove(s.path, zxid)
		}
		return outcome{}, code
	}
	for path, n := range l.nodes {
		if n.stat.EphemeralOwner == int64(l.session) {
			l.remove(path, zxid)
		}
	}
	l.session = 0
	return outcome{}, messages.ErrOK
}

func (l *ledger) versioned(s *step) (node, messages.ErrCode) {
	n, ok := l.nodes[s.path]
	switch {
	case !ok:
		return n, messages.ErrNoNode
	case s.version != -1 && s.version != n.stat.Version:
		return n, messages.ErrBadVersion
	}
	return n, messages.ErrOK
}

func (l *ledger) create(s *step, zxid messages.Zxid) (outcome, messages.ErrCode) {
	above := messages.ParentPath(s.path)
	parent, ok := l.nodes[above]
	if !ok {
		return outcome{}, messages.ErrNoNode
	}
	path := s.path
	if isSequential(s.mode) {
		path = fmt.Sprintf("%s%010d", path, parent.creates)
	}
	if _, ok := l.nodes[path]; ok {
		return outcome{}, messages.ErrNodeExists
	}
	if parent.stat.EphemeralOwner != 0 {
		return outcome{}, messages.ErrNoChildrenForEphemerals
	}
	parent.creates++
	parent.stat.Cversion++
	parent.stat.NumChildren++
	parent.stat.Pzxid = zxid
	l.nodes[above] = parent
	n := node{data: s.data, stat: messages.Stat{Czxid: zxid, Mzxid: zxid, Pzxid: zxid, DataLength: int32(len(s.data))}}
	if isEphemeral(s.mode) {
		n.stat.EphemeralOwner = int64(l.session)
	}
	l.nodes[path] = n
	return outcome{path, n.stat}, messages.ErrOK
}

func (l *ledger) remove(path string, zxid messages.Zxid) {
	delete(l.nodes, path)
	above := messages.ParentPath(path)
	if parent, ok := l.nodes[above]; ok {
		parent.stat.Cversion++
		parent.stat.NumChildren--
		parent.stat.Pzxid = zxid
		l.nodes[above] = parent
	}
}

// symbol stands for the zxid of the i-th request without reply, which nobody has told yet.
func symbol(i int) messages.Zxid { return symbols + messages.Zxid(i) }

// symbols is above all zxids that a test reaches.
const symbols messages.Zxid = 1 << 62

// binding finds out which zxids the symbols stand for.
type binding struct {
	after messages.Zxid // all of them are later than this
	zxids map[messages.Zxid]messages.Zxid
}

func (b *binding) same(want, got messages.Zxid) bool {
	if want < symbols {
		return want == got
	}
	if known, ok := b.zxids[want]; ok {
		return known == got
	}
	if got <= b.after {
		return false
	}
	for s, z := range b.zxids { // they rise with the order of the requests
		if (s < want) != (z < got) || z == got {
			return false
		}
	}
	b.zxids[want] = got
	return true
}

// differs tells what is wrong with a Stat, "" if nothing.
func (b *binding) differs(want, got messages.Stat) string {
	var wrong []string
	note := func(ok bool, field string, want, got any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf("%s is %v, should be %v", field, got, want))
		}
	}
	note(b.same(want.Czxid, got.Czxid), "czxid", want.Czxid, got.Czxid)
	note(b.same(want.Mzxid, got.Mzxid), "mzxid", want.Mzxid, got.Mzxid)
	note(b.same(want.Pzxid, got.Pzxid), "pzxid", want.Pzxid, got.Pzxid)
	note(want.Ctime == 0 || want.Ctime == got.Ctime, "ctime", want.Ctime, got.Ctime)
	note(want.Mtime == 0 || want.Mtime == got.Mtime, "mtime", want.Mtime, got.Mtime)
	note(want.Version == got.Version, "version", want.Version, got.Version)
	note(want.Cversion == got.Cversion, "cversion", want.Cversion, got.Cversion)
	note(want.Aversion == got.Aversion, "aversion", want.Aversion, got.Aversion)
	note(want.EphemeralOwner == got.EphemeralOwner, "ephemeralOwner", want.EphemeralOwner, got.EphemeralOwner)
	note(want.DataLength == got.DataLength, "dataLength", want.DataLength, got.DataLength)
	note(want.NumChildren == got.NumChildren, "numChildren", want.NumChildren, got.NumChildren)
	return strings.Join(wrong, "; ")
}
