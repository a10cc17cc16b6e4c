package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/troupekeeper/troupe/messages"
)

// electionWorld is some servers' elections, links that are FIFO or broken, and a virtual time in milliseconds.
type electionWorld struct {
	now      int64
	latency  int64
	nodes    map[messages.ServerID]*electionNode
	cut      map[[2]messages.ServerID]bool // links that are kept down, lower id first
	inFlight map[[2]messages.ServerID][]wireItem
	elected  func(n *electionNode, e *messages.Elected)
	newer    func(n *electionNode, w *NewerConfig)
	doubts   func(n *electionNode, w *LeaderElsewhere)
	saw      func(n *electionNode)            // after each input of a server; may be nil
	tell     func(format string, args ...any) // of each change of a server's word; may be nil
}

// electionNode is one server. core is nil while its process doesn't run.
type electionNode struct {
	id      messages.ServerID
	core    *Election
	history messages.Vote // epoch and zxid on disk
	rules   []QuorumRule
	version messages.Zxid
	boots   int
	hung    bool // it neither reads nor does anything, and its links stay up
	wakeAt  int64
	told    string
	outcome *messages.Elected // of the last election
}

type wireItem struct {
	at int64
	n  *messages.Notification
}

func newElectionWorld() *electionWorld {
	return &electionWorld{
		latency: 1, nodes: map[messages.ServerID]*electionNode{},
		cut: map[[2]messages.ServerID]bool{}, inFlight: map[[2]messages.ServerID][]wireItem{},
	}
}

func (w *electionWorld) add(id messages.ServerID, rules []QuorumRule) *electionNode {
	n := &electionNode{id: id, rules: rules}
	w.nodes[id] = n
	return n
}

func (w *electionWorld) ids() []messages.ServerID { return slices.Sorted(maps.Keys(w.nodes)) }

// boot starts a server's process and its links. It doesn't look for a leader yet.
func (w *electionWorld) boot(id messages.ServerID, o ElectionOptions) {
	n := w.nodes[id]
	n.core, n.hung, n.wakeAt, n.outcome = NewElection(o), false, 0, nil
	n.boots++
	w.apply(n, n.core.SetRules(n.rules, n.version, membershipText(n.version), w.now))
	for _, other := range w.ids() {
		w.connect(id, other)
	}
}

// membershipText stands for what a membership of that version says.
func membershipText(version messages.Zxid) string { return fmt.Sprintf("members of %v", version) }

func (w *electionWorld) look(id messages.ServerID) {
	n := w.nodes[id]
	n.outcome = nil
	w.apply(n, n.core.Start(n.history, w.now))
}

// crash ends a process; the others see its links break.
func (w *electionWorld) crash(id messages.ServerID) {
	for _, other := range w.ids() {
		w.disconnect(id, other)
	}
	n := w.nodes[id]
	n.core, n.wakeAt, n.outcome, n.told = nil, 0, nil, ""
}

func (w *electionWorld) connected(a, b messages.ServerID) bool {
	return a != b && w.nodes[a].core != nil && w.nodes[b].core != nil && !w.cut[pair(a, b)]
}

func pair(a, b messages.ServerID) [2]messages.ServerID {
	return [2]messages.ServerID{min(a, b), max(a, b)}
}

func (w *electionWorld) connect(a, b messages.ServerID) {
	if w.connected(a, b) {
		w.apply(w.nodes[a], w.nodes[a].core.LinkUp(b, w.now))
		w.apply(w.nodes[b], w.nodes[b].core.LinkUp(a, w.now))
	}
}

// disconnect breaks a link; what is under way is lost.
func (w *electionWorld) disconnect(a, b messages.ServerID) {
	was := w.connected(a, b)
	delete(w.inFlight, [2]messages.ServerID{a, b})
	delete(w.inFlight, [2]messages.ServerID{b, a})
	if was {
		w.apply(w.nodes[a], w.nodes[a].core.LinkDown(b, w.now))
		w.apply(w.nodes[b], w.nodes[b].core.LinkDown(a, w.now))
	}
}

// setCut cuts or heals the link between two servers.
func (w *electionWorld) setCut(a, b messages.ServerID, cut bool) {
	if w.cut[pair(a, b)] == cut || a == b {
		return
	}
	if cut {
		w.disconnect(a, b)
		w.cut[pair(a, b)] = true
		return
	}
	delete(w.cut, pair(a, b))
	w.connect(a, b)
}

// apply does what a core has asked for.
func (w *electionWorld) apply(n *electionNode, out ElectionOutput) {
	n.wakeAt = out.WakeAt
	if w.saw != nil {
		w.saw(n)
	}
	w.describe(n)
	for _, s := range out.Sends {
		if other := w.nodes[s.To]; other == nil || !w.connected(n.id, s.To) {
			continue
		}
		key := [2]messages.ServerID{n.id, s.To}
		w.inFlight[key] = append(w.inFlight[key], wireItem{at: w.now + w.latency, n: s.Notification})
	}
	if out.Newer != nil {
		if w.tell != nil {
			w.tell("%d: is told of membership %v by %d", n.id, out.Newer.Version, out.Newer.From)
		}
		if w.newer != nil {
			w.newer(n, out.Newer)
		}
	}
	if out.Elsewhere != nil {
		if w.tell != nil {
			w.tell("%d: is told that a quorum has leader %d", n.id, out.Elsewhere.Leader)
		}
		if w.doubts != nil {
			w.doubts(n, out.Elsewhere)
		}
	}
	if out.Elected != nil {
		n.outcome = out.Elected
		if w.elected != nil {
			w.elected(n, out.Elected)
		}
	}
}

func (w *electionWorld) describe(n *electionNode) {
	word := n.core.word
	if word == nil {
		return
	}
	text := fmt.Sprintf("looks, round %d, votes for %s", word.Round, describeVote(word.Vote))
	switch word.State {
	case messages.Leading:
		text = fmt.Sprintf("LEADS, round %d, epoch %d", word.Round, word.Vote.Epoch)
	case messages.Following, messages.Observing:
		text = fmt.Sprintf("%s %d, round %d, epoch %d", strings.ToUpper(word.State.String()), word.Vote.Leader, word.Round, word.Vote.Epoch)
	}
	if text != n.told && w.tell != nil {
		w.tell("%d: %s", n.id, text)
	}
	n.told = text
}

func describeVote(v messages.Vote) string {
	if v.Leader == 0 {
		return "nobody"
	}
	return fmt.Sprintf("%d (epoch %d, %v)", v.Leader, v.Epoch, v.Zxid)
}

// ready are the directions in which the next message may be delivered, in a fixed order.
func (w *electionWorld) ready(at int64) (keys [][2]messages.ServerID) {
	for key, items := range w.inFlight {
		if len(items) > 0 && items[0].at <= at && !w.nodes[key[1]].hung {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b [2]messages.ServerID) int { return slices.Compare(a[:], b[:]) })
	return keys
}

// deliver hands over the oldest message of a direction, and may leave it there as if it had been sent twice.
func (w *electionWorld) deliver(key [2]messages.ServerID, again bool) {
	items := w.inFlight[key]
	if !again {
		w.inFlight[key] = items[1:]
	}
	n := w.nodes[key[1]]
	w.apply(n, n.core.Notified(items[0].n, w.now))
}

// run lets time pass, and does what is due in order of time, then of ids.
func (w *electionWorld) run(ms int64) {
	for end := w.now + ms; ; {
		next := end + 1
		for key, items := range w.inFlight {
			if len(items) > 0 && !w.nodes[key[1]].hung {
				next = min(next, items[0].at)
			}
		}
		for _, n := range w.nodes {
			if n.core != nil && !n.hung && n.wakeAt > 0 {
				next = min(next, n.wakeAt)
			}
		}
		if next > end {
			w.now = end
			return
		}
		w.now = max(w.now, next)
		if keys := w.ready(w.now); len(keys) > 0 {
			w.deliver(keys[0], false)
			continue
		}
		for _, id := range w.ids() {
			if n := w.nodes[id]; n.core != nil && !n.hung && n.wakeAt > 0 && n.wakeAt <= w.now {
				w.apply(n, n.core.Tick(w.now))
			}
		}
	}
}
