package actors

import (
	"sort"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// record is what prep must know of a node to judge a write: the tree's state plus all that is proposed and not yet
// applied.
type record struct {
	zxid     messages.Zxid // of the latest proposal that changed it
	exists   bool
	acl      []messages.ACL
	owner    messages.Owner
	version  int32
	aversion int32
	creates  int32 // children ever created: the counter of sequence numbers
	children int
	data     int // bytes
}

// sessionState is a session's in prep's eyes.
type sessionState struct {
	zxid    messages.Zxid
	closing bool // otherwise it is being opened
}

// usage is what proposals in flight add to a quota's account; it is negative if they take away more.
type usage struct{ count, bytes int64 }

// pending is prep's private overlay over the tree. An entry stays until the proposal that changed it last has been
// applied; then the tree says the same.
type pending struct {
	tree     *tree.Tree // only while a batch is judged
	nodes    map[string]record
	owned    map[messages.Owner]int // how many of nodes are ephemerals of that owner
	sessions map[messages.SessionID]sessionState
	quotas   map[string]usage
	queue    fifo[pendingChange]
	undo     []undoStep
	inMulti  bool
	released []pendingChange // what the multi takes away from quotas; it counts when the multi is judged
	trial    *pendingTrial   // nil: nothing that is entered need be taken back
}

// pendingChange remembers what to forget when its transaction has been applied.
type pendingChange struct {
	zxid    messages.Zxid
	path    string             // a node, or …
	session messages.SessionID // … a session, or …
	quota   string             // … a quota's account
	usage   usage
}

type undoStep struct {
	path string
	old  record
	had  bool // otherwise the overlay had none
}

func newPending() *pending {
	return &pending{
		nodes:    map[string]record{},
		owned:    map[messages.Owner]int{},
		sessions: map[messages.SessionID]sessionState{},
		quotas:   map[string]usage{},
	}
}

// get gives the node's record; ok is false when it doesn't exist.
func (p *pending) get(path string) (r record, ok bool) {
	if r, ok = p.nodes[path]; ok {
		return r, r.exists
	}
	n, ok := p.tree.LookupString(path)
	if !ok {
		return record{}, false
	}
	return record{
		exists: true, acl: n.ACL(), owner: n.Owner(), version: n.Version(), aversion: n.Aversion(),
		creates: n.Creates(), children: n.NumChildren(), data: n.DataLength(),
	}, true
}

// must gives the record of a node that is known to exist.
func (p *pending) must(path string) record {
	r, ok := p.get(path)
	if !ok {
		panic("prep: " + path + " is gone")
	}
	return r
}

// set enters what a proposal makes of a node.
func (p *pending) set(path string, r record, zxid messages.Zxid) {
	old, had := p.nodes[path]
	if p.trial != nil {
		p.trial.nodes = append(p.trial.nodes, undoStep{path, old, had})
	}
	if p.inMulti {
		p.undo = append(p.undo, undoStep{path, old, had})
	}
	p.disown(&old)
	r.zxid = zxid
	p.put(path, r)
	p.queue.add(pendingChange{zxid: zxid, path: path})
}

// disown, put and remove are the places where the overlay of nodes changes: of an old record, before it is replaced or
// removed, and to a new one. They count each owner's ephemerals, so that closing a session that has proposed none needn't
// look through the overlay: ten thousand sessions that expire together would otherwise each look at what the others have
// left there.
func (p *pending) disown(old *record) {
	if old.exists && old.owner.IsEphemeral() {
		if p.owned[old.owner]--; p.owned[old.owner] == 0 {
			delete(p.owned, old.owner)
		}
	}
}

func (p *pending) put(path string, r record) {
	p.nodes[path] = r
	if r.exists && r.owner.IsEphemeral() {
		p.owned[r.owner]++
	}
}

func (p *pending) remove(path string, old *record) {
	p.disown(old)
	delete(p.nodes, path)
}

// restore makes the overlay what it was before a step.
func (p *pending) restore(s *undoStep) {
	now := p.nodes[s.path]
	if !s.had {
		p.remove(s.path, &now)
		return
	}
	p.disown(&now)
	p.put(s.path, s.old)
}

// begin starts a multi, whose changes may have to be taken back.
func (p *pending) begin() (mark int) {
	p.inMulti = true
	p.undo, p.released = p.undo[:0], p.released[:0]
	return p.queue.len()
}

// end keeps or takes back what the multi has done since begin.
func (p *pending) end(mark int, keep bool) {
	p.inMulti = false
	if keep {
		for _, c := range p.released {
			p.account(c.quota, c.usage, c.zxid)
		}
		return
	}
	for i := len(p.undo) - 1; i >= 0; i-- {
		p.restore(&p.undo[i])
	}
	p.takeBack(mark)
}

// takeBack forgets the changes since a mark, whose records and sessions have been restored.
func (p *pending) takeBack(mark int) {
	for _, c := range p.queue.items()[mark:] {
		if c.quota != "" {
			p.charge(c.quota, usage{-c.usage.count, -c.usage.bytes})
		}
	}
	p.queue.cut(mark)
}

func (p *pending) setSession(id messages.SessionID, s sessionState) {
	if p.trial != nil {
		p.trial.session(id, p.sessions)
	}
	p.sessions[id] = s
	p.queue.add(pendingChange{zxid: s.zxid, session: id})
}

// account adds to a quota's usage until the transaction has been applied.
func (p *pending) account(root string, u usage, zxid messages.Zxid) {
	c := pendingChange{zxid: zxid, quota: root, usage: u}
	if p.inMulti && (u.count < 0 || u.bytes < 0) {
		p.released = append(p.released, c)
		return
	}
	p.charge(root, u)
	p.queue.add(c)
}

func (p *pending) charge(root string, u usage) {
	sum := p.quotas[root]
	sum.count += u.count
	sum.bytes += u.bytes
	if sum == (usage{}) {
		delete(p.quotas, root)
		return
	}
	p.quotas[root] = sum
}

// trim forgets what the tree knows now. It returns how many changes it forgot.
func (p *pending) trim(applied messages.Zxid) int {
	changes, n := p.queue.items(), 0
	for ; n < len(changes) && changes[n].zxid <= applied; n++ {
		switch c := &changes[n]; {
		case c.quota != "":
			p.charge(c.quota, usage{-c.usage.count, -c.usage.bytes})
		case c.session != 0:
			if s, ok := p.sessions[c.session]; ok && s.zxid <= applied {
				delete(p.sessions, c.session)
			}
		default:
			if r, ok := p.nodes[c.path]; ok && r.zxid <= applied {
				p.remove(c.path, &r)
			}
		}
	}
	p.queue.drop(n)
	return n
}

// checkSession tells whether a session may write.
func (p *pending) checkSession(id messages.SessionID) messages.ErrCode {
	if s, ok := p.sessions[id]; ok {
		if s.closing {
			return messages.ErrSessionExpired
		}
		return messages.ErrOK
	}
	if _, ok := p.tree.Session(id); !ok {
		return messages.ErrSessionExpired
	}
	return messages.ErrOK
}

// ephemerals lists what the session owns once all proposals are applied, sorted.
func (p *pending) ephemerals(id messages.SessionID) []string {
	owner := messages.SessionOwner(id)
	var list []string
	for _, path := range p.tree.Ephemerals(id) {
		if r, ok := p.nodes[path]; !ok || (r.exists && r.owner == owner) {
			list = append(list, path)
		}
	}
	if p.owned[owner] == 0 {
		return list // the tree lists them sorted
	}
	for path, r := range p.nodes {
		if r.exists && r.owner == owner && !p.treeOwns(path, owner) {
			list = append(list, path)
		}
	}
	sort.Strings(list)
	return list
}

func (p *pending) treeOwns(path string, owner messages.Owner) bool {
	n, ok := p.tree.LookupString(path)
	return ok && n.Owner() == owner
}
