package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// Changes of members: in some runs there are spare servers, and clients ask for members to come, go, move and change their
// part, at any time and without regard to what else happens.

// drawSpares decides how many spares there are, how often members change beside the other faults, and how well clocks go. It
// has a source of its own, so that all else of a seed stays what it was.
func (p *plan) drawSpares(r *rand.Rand) {
	p.changeEvery, p.moveOneIn, p.places = pick(r, 15, 40, 100), 4, 2
	if p.stepCost > 50 {
		return // all servers share one processor: more of anything would be too much for it
	}
	if p.reconfig {
		p.spares = r.IntN(3)
	}
	if p.drift = pick[int64](r, 0, 0, 250); p.syncLimit == 5 {
		p.drift *= 2 // a leader goes on for a while when others have given it up
	}
	if p.freshReads {
		p.clients += 4 // half of them only read
	}
}

// configure writes the servers' configurations. A spare knows the founders, and itself unless by chance it doesn't.
func (w *World) configure() {
	founders := w.plan.voters + w.plan.observers
	for i, s := range w.servers {
		s.configured.Members = append(s.configured.Members, w.membership.Members[:founders]...)
		if own := w.membership.Members[i]; i >= founders && w.rand.IntN(4) > 0 {
			own.Role = messages.MemberRole(w.rand.IntN(2))
			s.configured.Members = append(s.configured.Members, own)
		}
	}
}

// members are those in effect by the end of the history, or those of the start.
func (w *World) members() messages.Membership {
	m, err := messages.ParseMembership(w.history.at(messages.ConfigPath, w.history.last()).data)
	if err != nil {
		return w.servers[0].configured
	}
	return m
}

// changeMembers has a client ask for a change.
func (w *World) changeMembers() bool {
	c := w.clients[w.rand.IntN(len(w.clients))]
	v := c.visit
	if !w.plan.reconfig || v == nil || !v.ready || v.closing || c.idle {
		return false
	}
	now := w.members()
	q := jute.ReconfigRequest{ConfigID: -1}
	if w.rand.IntN(4) == 0 {
		q.ConfigID = int64(now.Version) - int64(w.rand.IntN(2))
	}
	switch w.rand.IntN(4) {
	case 0:
		q.Leaving = fmt.Sprint(w.anyServer().id)
	case 1, 2:
		m := w.line(w.anyServer(), now)
		q.Joining = fmt.Sprintf("server.%d=%s", m.ID, m)
		if w.rand.IntN(3) == 0 {
			q.Leaving = fmt.Sprint(w.anyServer().id)
		}
	default:
		whole := w.wholeMembership(now)
		q.NewMembers = &whole
	}
	w.trace.say(c.name, "wants members +%q -%q", q.Joining, q.Leaving)
	v.ask(question{op: messages.OpReconfig, path: messages.ConfigPath}, q.Append(nil))
	return true
}

// changeAmidBlackout has a client ask for a change, and cuts the power of all servers while that is under way.
func (w *World) changeAmidBlackout() bool {
	if !w.changeMembers() {
		return false
	}
	w.later(w.between(0, 10*time.Millisecond+6*(w.plan.delay+w.plan.jitter+w.plan.diskDelay)), func() { w.blackout() })
	return true
}

// line is a server as a member: as it is, or with another part or other ports. Who joins does so where it listens: nobody could
// know where to look for it.
func (w *World) line(s *server, now messages.Membership) messages.Member {
	m, ok := now.Member(s.id)
	if !ok {
		m = w.membership.Members[s.id-1]
	}
	if w.rand.IntN(2) == 0 {
		m.Role = messages.MemberRole(w.rand.IntN(2))
	}
	if ok && w.rand.IntN(w.plan.moveOneIn) == 0 {
		more := w.rand.IntN(w.plan.places)
		m.Addresses = []messages.MemberAddress{{Host: s.name, QuorumPort: quorumPort + more, ElectionPort: electionPort + more}}
	}
	return m
}

// wholeMembership is one of any servers, sometimes in groups.
func (w *World) wholeMembership(now messages.Membership) string {
	var lines []string
	var voters []string
	for _, i := range w.rand.Perm(len(w.servers))[:1+w.rand.IntN(len(w.servers))] {
		m := w.line(w.servers[i], now)
		lines = append(lines, fmt.Sprintf("server.%d=%s", m.ID, m))
		if m.Role == messages.Participant {
			voters = append(voters, fmt.Sprint(m.ID))
		}
	}
	if n := len(voters); n > 1 && w.rand.IntN(3) == 0 {
		cut := w.rand.IntN(n)
		for g, part := range [][]string{voters[:cut], voters[cut:]} {
			if len(part) > 0 {
				lines = append(lines, fmt.Sprintf("group.%d=%s", g+1, strings.Join(part, ":")))
			}
		}
		lines = append(lines, fmt.Sprintf("weight.%s=%d", voters[0], w.rand.IntN(4)))
	}
	return strings.Join(lines, "\n")
}

// reconfigured judges the answer to a change that was made.
func (v *visit) reconfigured(h jute.ReplyHeader, body []byte) {
	d := jute.NewDecoder(body)
	text, stat := string(d.Buffer()), jute.DecodeStat(&d)
	m, err := messages.ParseMembership(text)
	if err != nil || m.Version != h.Zxid || messages.Zxid(stat.Mzxid) != h.Zxid || stat.Version != messages.ReconfigVersion {
		v.errorf("members", "a change at %v is answered with %q, %+v", h.Zxid, text, stat)
		return
	}
	if want := v.c.w.history.at(messages.ConfigPath, h.Zxid).data; want != text {
		v.errorf("members", "a change at %v is answered with %q, the history has %q", h.Zxid, text, want)
	}
	v.c.w.stats.add("members changed")
}

// membersOf checks what a server thinks of its ensemble: its idea never gets older, and is one of the history.
func (w *World) membersOf(s *server) {
	l := s.life
	m := l.board.Status().Members
	if m.Version == l.members || m.Version == 0 {
		return
	}
	if m.Version < l.members {
		w.fail("members", "%s goes by the members of %v, and knew those of %v before", s.name, m.Version, l.members)
		return
	}
	l.members = m.Version
}

// goesByItsTree checks a leader that has just been established: a change of members that was committed before is in its
// history, and it must go by it. Most of such mistakes are put right by the next change, and are not seen at the end.
func (w *World) goesByItsTree(s *server, committed messages.Zxid) {
	m, err := messages.ParseMembership(w.history.at(messages.ConfigPath, min(s.applied, committed)).data)
	if is := s.life.board.Status().Members; err == nil && w.plan.reconfig && m.Version > is.Version && !w.failed() {
		w.fail("members", "%s leads and goes by the members of %v; those of %v were committed", s.name, is.Version, m.Version)
	}
}

// leaveBehind lets go of servers that have no part in the ensemble any more and can't find it: all that they know of the
// members has moved or left since. Nobody looks for them.
func (w *World) leaveBehind() {
	members := w.members()
	w.servers = slices.DeleteFunc(w.servers, func(s *server) bool {
		_, member := members.Member(s.id)
		if member || s.serving() {
			return false
		}
		w.stats.add("server left behind")
		s.kill("is left behind")
		return true
	})
}

// belongs tells whether a server is a member, or of an ensemble whose members don't change.
func (w *World) belongs(s *server) bool {
	_, member := w.members().Member(s.id)
	return member || !w.plan.reconfig
}

// sameMembers checks at the end that all servers go by the members that the tree has, and that one of them leads.
func (w *World) sameMembers() {
	if !w.plan.reconfig {
		return
	}
	want, led := w.members(), false
	for _, s := range w.servers {
		if got := s.life.board.Status().Members; !got.Equal(want) {
			w.fail("members", "at the end %s goes by %q, and the tree has %q", s.name, got, want)
			return
		}
		led = led || s.leads() && slices.Contains(want.Voters(), s.id)
	}
	if !led {
		w.fail("members", "at the end no voter of %q leads", want)
	}
}
