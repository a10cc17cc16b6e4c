package cluster

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/troupekeeper/troupe/messages"
)

// TestElectionScenarios plays testdata/election. A message takes 1 ms. The commands, ids being those of servers:
//
//	ensemble 1 2 3 [observers=(4)] [groups=(1-2,3-4)] [weights=(3:0)]   servers, none of which runs
//	boot 1 2 … [epoch=E] [zxid=E.C]   processes start, with that on disk, link up with those that run, and look for a leader
//	crash 1 …           processes end, and their links break
//	hang 1 …            processes do nothing any more, and their links stay up
//	look 1 … [epoch=E] [zxid=E.C]     roles end, and their servers look for a leader
//	establish E         the leader's epoch is established: those who are settled say so from now on
//	cut 1-2 …, heal 1-2 …
//	members 1 … rule=(1,2) [proposed=(2,3)] [version=N]      the shell sets the membership
//	designate 1 … leader=2
//	say from=3 to=1 state=following leader=2 [epoch=E] [zxid=E.C] round=R [config=N]   a notification made by hand
//	run MS              time passes
//	state               what each server says
//
// Each prints what changes in what the servers say, at which millisecond.
func TestElectionScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/election", func(t *testing.T, path string) {
		var s *electionScene
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "ensemble" {
				s = newElectionScene(t, d)
				return ""
			}
			s.out.Reset()
			s.play(t, d)
			if s.out.Len() == 0 {
				return "(nothing)\n"
			}
			return s.out.String()
		})
	})
}

type electionScene struct {
	*electionWorld
	out strings.Builder
}

func newElectionScene(t *testing.T, d *datadriven.TestData) *electionScene {
	s := &electionScene{electionWorld: newElectionWorld()}
	s.tell = func(format string, args ...any) {
		fmt.Fprintf(&s.out, "%3d ms  %s\n", s.now, fmt.Sprintf(format, args...))
	}
	voters := scanIDs(t, d)
	rule := NewMajority(voters)
	var observers []messages.ServerID
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "observers":
			observers = parseIDs(t, arg.Vals)
		case "groups":
			rule = scanGroups(t, d, arg.Vals)
		}
	}
	for _, id := range append(voters, observers...) {
		s.add(id, []QuorumRule{rule})
	}
	return s
}

func scanGroups(t *testing.T, d *datadriven.TestData, texts []string) QuorumRule {
	var groups [][]messages.ServerID
	for _, text := range texts {
		groups = append(groups, parseIDs(t, strings.Split(text, "-")))
	}
	weights := map[messages.ServerID]int{}
	for _, arg := range d.CmdArgs {
		if arg.Key == "weights" {
			for _, text := range arg.Vals {
				id, weight, _ := strings.Cut(text, ":")
				n, err := strconv.Atoi(weight)
				if err != nil {
					t.Fatal(err)
				}
				weights[parseIDs(t, []string{id})[0]] = n
			}
		}
	}
	rule, err := NewHierarchical(groups, weights)
	if err != nil {
		t.Fatal(err)
	}
	return rule
}

func (s *electionScene) play(t *testing.T, d *datadriven.TestData) {
	switch d.Cmd {
	case "boot", "look":
		s.start(t, d)
	case "crash":
		for _, id := range scanIDs(t, d) {
			s.crash(id)
		}
	case "hang":
		for _, id := range scanIDs(t, d) {
			s.nodes[id].hung = true
		}
	case "establish":
		s.establish(t, d)
	case "cut", "heal":
		for _, arg := range d.CmdArgs {
			ends := parseIDs(t, strings.Split(arg.Key, "-"))
			s.setCut(ends[0], ends[1], d.Cmd == "cut")
		}
	case "members":
		s.members(t, d)
	case "designate":
		var leader uint64
		d.ScanArgs(t, "leader", &leader)
		for _, id := range scanIDs(t, d) {
			s.nodes[id].core.Designate(messages.ServerID(leader))
		}
	case "say":
		s.say(t, d)
	case "run":
		ms, err := strconv.Atoi(d.CmdArgs[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		s.run(int64(ms))
	case "state":
		for _, id := range s.ids() {
			if n := s.nodes[id]; n.core != nil && n.told != "" {
				s.tell("%d: %s", id, n.told)
			}
		}
	default:
		t.Fatalf("unknown command %s", d.Cmd)
	}
}

func (s *electionScene) start(t *testing.T, d *datadriven.TestData) {
	epoch, zxid, given := scanHistory(t, d)
	ids := scanIDs(t, d)
	for _, id := range ids {
		n := s.nodes[id]
		if given {
			n.history = messages.Vote{Epoch: epoch, Zxid: zxid}
		}
		if d.Cmd == "boot" {
			o := DefaultElectionOptions(id)
			o.FirstRound = uint64(100 * n.boots)
			s.boot(id, o)
		}
		s.look(id)
	}
}

func (s *electionScene) establish(t *testing.T, d *datadriven.TestData) {
	epoch, err := strconv.ParseUint(d.CmdArgs[0].Key, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range s.ids() {
		n := s.nodes[id]
		if n.core == nil || n.hung || n.core.Looking() {
			continue
		}
		n.history.Epoch = uint32(epoch)
		word := n.core.word
		s.apply(n, n.core.Settled(word.State, word.Vote.Leader, uint32(epoch), n.history.Zxid))
	}
}

func (s *electionScene) members(t *testing.T, d *datadriven.TestData) {
	var rules []QuorumRule
	var version uint64
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "rule", "proposed":
			rules = append(rules, NewMajority(parseIDs(t, arg.Vals)))
		case "version":
			d.ScanArgs(t, "version", &version)
		}
	}
	for _, id := range scanIDs(t, d) {
		n := s.nodes[id]
		n.rules, n.version = rules, messages.Zxid(version)
		if n.core != nil {
			s.apply(n, n.core.SetRules(rules, n.version, membershipText(n.version), s.now))
		}
	}
}

func (s *electionScene) say(t *testing.T, d *datadriven.TestData) {
	var from, to, leader, round, config uint64
	var state string
	d.ScanArgs(t, "from", &from)
	d.ScanArgs(t, "to", &to)
	d.ScanArgs(t, "leader", &leader)
	d.ScanArgs(t, "round", &round)
	d.ScanArgs(t, "state", &state)
	d.MaybeScanArgs(t, "config", &config)
	epoch, zxid, _ := scanHistory(t, d)
	n := s.nodes[messages.ServerID(to)]
	word := &messages.Notification{
		From: messages.ServerID(from), Round: round, Config: messages.Zxid(config), Members: membershipText(messages.Zxid(config)),
		Vote:  messages.Vote{Leader: messages.ServerID(leader), Epoch: epoch, Zxid: zxid},
		State: map[string]messages.ServerState{"looking": 0, "following": 1, "leading": 2, "observing": 3}[state],
	}
	out := n.core.Notified(word, s.now)
	for _, send := range out.Sends {
		if send.To == word.From {
			s.tell("%d: answers %d", n.id, send.To)
		}
	}
	s.apply(n, out)
}

// scanHistory reads epoch=E and zxid=E.C.
func scanHistory(t *testing.T, d *datadriven.TestData) (epoch uint32, zxid messages.Zxid, given bool) {
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "epoch":
			d.ScanArgs(t, "epoch", &epoch)
			given = true
		case "zxid":
			var e, counter uint32
			if _, err := fmt.Sscanf(arg.Vals[0], "%d.%d", &e, &counter); err != nil {
				t.Fatal(err)
			}
			zxid, given = messages.MakeZxid(e, counter), true
		}
	}
	return epoch, zxid, given
}

// scanIDs reads the arguments that are ids alone.
func scanIDs(t *testing.T, d *datadriven.TestData) (ids []messages.ServerID) {
	for _, arg := range d.CmdArgs {
		if len(arg.Vals) == 0 {
			ids = append(ids, parseIDs(t, []string{arg.Key})...)
		}
	}
	return ids
}

func parseIDs(t *testing.T, texts []string) (ids []messages.ServerID) {
	for _, text := range texts {
		id, err := strconv.ParseUint(text, 10, 8)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, messages.ServerID(id))
	}
	return ids
}
