package messages

import (
	"errors"
	"strings"
	"testing"
)

const (
	line1 = "server.1=10.0.0.1:2888:3888:participant;10.0.0.1:2181"
	line2 = "server.2=10.0.0.2:2888:3888:participant;10.0.0.2:2181"
	line3 = "server.3=10.0.0.3:2888:3888:participant;10.0.0.3:2181"
	line4 = "server.4=10.0.0.4:2888:3888:observer;10.0.0.4:2181"
	three = line1 + "\n" + line2 + "\n" + line3
)

// changeCase is one request to a membership of the servers 1 to 3 with version 100000002. Empty want: nothing changes but
// the version.
type changeCase struct {
	joining, leaving, members string // members "-": none given
	want                      string // the lines of the new membership
	code                      ErrCode
	reason                    string
}

// changeCases: their like was put to a ZooKeeper 3.8 ensemble of three with standaloneEnabled=false; the codes and the
// memberships are its answers. Where ours differ on purpose the reason begins with "ours:".
var changeCases = []changeCase{
	{leaving: "9", members: "-"},
	{leaving: " 9 ", members: "-"},
	{leaving: "9,", members: "-"},
	{leaving: ",9", members: "-"},
	{leaving: "300,-5", members: "-"},
	{members: "-"},
	{leaving: "3", members: "-", want: line1 + "\n" + line2},
	{leaving: "x", members: "-", code: ErrMarshalling, reason: `"x" among the leaving servers is not an id`},
	{leaving: "3.0", members: "-", code: ErrMarshalling, reason: "is not an id"},
	{leaving: "1,2,3,4", members: "-", code: ErrBadArguments, reason: "0 participants would be left; at least 1 must vote"},
	{leaving: "1,2", members: "-", want: line3},

	{joining: line4, members: "-", want: three + "\n" + line4},
	{joining: line4, leaving: "4", members: "-", want: three + "\n" + line4},
	{joining: line4 + ",", members: "-", want: three + "\n" + line4},
	{joining: " server.4 = 10.0.0.4:2888:3888:OBSERVER;10.0.0.4:2181 ", members: "-", want: three + "\n" + line4},
	{joining: line4 + ",server.4=10.0.0.4:2888:3888;2181", members: "-",
		want: three + "\nserver.4=10.0.0.4:2888:3888:participant;0.0.0.0:2181"},
	{joining: "server.2=10.0.0.9:2888:3888;2181", members: "-",
		want: line1 + "\nserver.2=10.0.0.9:2888:3888:participant;0.0.0.0:2181\n" + line3},
	{joining: strings.Replace(line3, "participant", "observer", 1), members: "-",
		want: line1 + "\n" + line2 + "\n" + strings.Replace(line3, "participant", "observer", 1)},
	{joining: "4=10.0.0.4:2888:3888:observer;10.0.0.4:2181", members: "-", want: three + "\n" + line4},
	{joining: "foo.4=10.0.0.4:2888:3888:observer;10.0.0.4:2181", members: "-", want: three + "\n" + line4},
	{joining: "server.9=garbage", members: "-", code: ErrBadArguments, reason: "joining server 9: not of the form"},
	{joining: "no equals sign", members: "-", code: ErrBadArguments, reason: "is not of the form server.N="},
	{joining: line4 + "=5", members: "-", code: ErrBadArguments, reason: "is not of the form server.N="},
	{joining: "server.4=10.0.0.4:2888:3888:observer", members: "-", code: ErrBadArguments, reason: "has no client port"},
	{joining: "server.4=10.0.0.4:2888;2181", members: "-", code: ErrBadArguments, reason: "has no election port"},
	{joining: "server.4=10.0.0.4:2888:3888:leader;2181", members: "-", code: ErrBadArguments, reason: "not of the form"},
	{joining: "server.4=10.0.0.4 : 2888:3888;2181", members: "-", code: ErrBadArguments, reason: "is not a host"},
	{joining: "server.4=10.0.0.4:2888:2888;2181", members: "-", code: ErrBadArguments, reason: "has the port 2888 twice"},
	{joining: "server.x=10.0.0.4:2888:3888;2181", members: "-", code: ErrMarshalling, reason: `"x" is not the id of a server`},
	{joining: "group.1=1:2:3", members: "-", code: ErrBadArguments},
	{joining: "weight.1=3", members: "-", code: ErrBadArguments},
	{joining: "server.4=10.0.0.4:2888:3888|10.0.1.4:2888:3888;2181", members: "-", code: ErrBadArguments,
		reason: "needs multiAddress.enabled=true"},
	{joining: "server.4=10.0.0.2:2888:3889:observer;10.0.0.4:2181", members: "-", code: ErrBadArguments,
		reason: "joining server 4 and server 2 both have the address 10.0.0.2:2888"},
	{joining: "server.4=10.0.0.2:2889:3889:observer;10.0.0.2:3888", members: "-", code: ErrBadArguments},
	{joining: "server.4=10.0.0.2:2181:3889:observer;10.0.0.2:2182", members: "-", code: ErrBadArguments},
	{joining: "server.4=10.0.0.4:2888:3888;2181,server.5=10.0.0.4:2888:3889;2182", members: "-", code: ErrBadArguments},
	{joining: "server.4=10.0.0.3:2888:3888:observer;10.0.0.3:2181", leaving: "3", members: "-",
		want: line1 + "\n" + line2 + "\nserver.4=10.0.0.3:2888:3888:observer;10.0.0.3:2181"},
	{joining: "server.4=127.0.0.1:1:2;3,server.5=localhost:1:2;0.0.0.0:3", members: "-", want: three +
		"\nserver.4=127.0.0.1:1:2:participant;0.0.0.0:3\nserver.5=localhost:1:2:participant;0.0.0.0:3"},
	{joining: "server.300=10.0.0.4:2888:3888;2181", members: "-", code: ErrBadArguments,
		reason: "ours: 300 is not the id of a server; allowed: 0 to 255"},
	{joining: "server.-5=10.0.0.4:2888:3888;2181", members: "-", code: ErrBadArguments, reason: "ours: -5 is not the id"},
	{joining: "server.255=10.0.0.4:2888:3888;2181", members: "-", code: ErrBadArguments,
		reason: "ours: server 255: this id can't be used with TTL nodes; take one up to 254"},
	{joining: "server.4=10.0.0.4:99999:3888;2181", members: "-", code: ErrBadArguments,
		reason: "ours: joining server 4: quorum port \"99999\" is not a port; allowed: 1 to 65535"},

	{members: "", code: ErrMarshalling, reason: "the new membership is empty"},
	{members: "bogus", code: ErrBadArguments, reason: `"bogus" is not of the form`},
	{members: line1, want: line1},
	{members: line1 + "," + line2 + "\n" + line3 + ",version=77", want: three},
	{members: line1 + "\n\n# one\n" + line2 + "\n" + line4, want: line1 + "\n" + line2 + "\n" + line4},
	{members: "server.1=10.0.0.1:2888:3888", want: "server.1=10.0.0.1:2888:3888:participant"},
	{members: line1, joining: line4, leaving: "1", want: line1},
	{members: line4, code: ErrBadArguments, reason: "0 participants would be left"},
	{members: line1 + ",tickTime=99", code: ErrBadArguments, reason: `"tickTime" is no key of a membership`},
	{members: line1 + ",foo.x=99", code: ErrBadArguments},
	{members: line1 + ",version=zz", code: ErrMarshalling, reason: `"zz" is not a version`},
	{members: line1 + ",server.x=10.0.0.2:2888:3888;2181", code: ErrMarshalling, reason: `"x" is not the id of a server`},
	{members: line1 + "," + line1, code: ErrBadArguments, reason: "ours: server 1 has a line already"},
	{members: line1 + ",weight.1=3", code: ErrBadArguments, reason: "weights without groups"},
	{members: line1 + "," + line2 + ",group.1=1:2", want: line1 + "\n" + line2 + "\ngroup.1=1:2\nweight.1=1\nweight.2=1"},
	{members: line1 + "," + line2 + ",group.1=1:2,weight.2=5",
		want: line1 + "\n" + line2 + "\ngroup.1=1:2\nweight.1=1\nweight.2=5"},
	{members: line1 + "," + line2 + ",group.1=1", code: ErrBadArguments, reason: "server 2 is in no group"},
}

func changeRequest(c changeCase) MembershipChange {
	r := MembershipChange{Joining: c.joining, Leaving: c.leaving, Expected: -1}
	if c.members != "-" {
		r.Members = &c.members
	}
	return r
}

func mustMembership(t *testing.T, text string) Membership {
	t.Helper()
	m, err := ParseMembership(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestChange plays the table, and holds each answer to what always is so: the present membership stays as it was, and a
// new one can be read back.
func TestChange(t *testing.T) {
	present := mustMembership(t, three+"\nversion=100000002")
	before := present.String()
	rules := ChangeRules{ExtendedTypes: true}
	for _, c := range changeCases {
		got, err := present.Change(changeRequest(c), rules, MakeZxid(1, 7))
		var code ErrCode
		if err != nil && !errors.As(err, &code) {
			t.Fatalf("%+v: the error %v has no code", c, err)
		}
		reason := strings.TrimPrefix(c.reason, "ours: ")
		if code != c.code || (err != nil && !strings.Contains(err.Error(), reason)) {
			t.Errorf("%+v: error %d: %v", c, code, err)
		}
		if present.String() != before {
			t.Fatalf("%+v changed the present membership", c)
		}
		if err != nil {
			continue
		}
		want := c.want
		if want == "" {
			want = three
		}
		if got.String() != want+"\nversion=100000007" {
			t.Errorf("%+v gives\n%s", c, got)
		}
		if !mustMembership(t, got.String()).Equal(got) {
			t.Errorf("%+v: %q is read back as another", c, got)
		}
	}
}

// TestChangeRules: what the settings of the server allow.
func TestChangeRules(t *testing.T) {
	present := mustMembership(t, three+"\nversion=100000002")
	grouped := mustMembership(t, three+"\ngroup.1=1:2:3\nversion=100000002")
	empty := ""
	two := "server.4=10.0.0.4:2888:3888|10.0.1.4:2888:3888;2181"
	for _, c := range []struct {
		m     Membership
		c     MembershipChange
		rules ChangeRules
		code  ErrCode
	}{
		{present, MembershipChange{Leaving: "1,2", Expected: -1}, ChangeRules{StandaloneEnabled: true}, ErrBadArguments},
		{present, MembershipChange{Leaving: "1", Expected: -1}, ChangeRules{StandaloneEnabled: true}, ErrOK},
		{present, MembershipChange{Members: &empty, Expected: -1}, ChangeRules{StandaloneEnabled: true}, ErrBadArguments},
		{present, MembershipChange{Joining: two, Expected: -1}, ChangeRules{MultiAddress: true}, ErrOK},
		{present, MembershipChange{Joining: "server.255=h:1:2;3", Expected: -1}, ChangeRules{}, ErrOK},
		{present, MembershipChange{Expected: 0x100000002}, ChangeRules{}, ErrOK},
		{present, MembershipChange{Expected: 0x77}, ChangeRules{}, ErrBadVersion},
		{present, MembershipChange{Joining: "bogus", Expected: 0x77}, ChangeRules{}, ErrBadVersion}, // the version comes first
		{grouped, MembershipChange{Leaving: "9", Expected: -1}, ChangeRules{}, ErrBadArguments},
	} {
		_, err := c.m.Change(c.c, c.rules, MakeZxid(1, 7))
		code := ErrOK
		errors.As(err, &code)
		if code != c.code {
			t.Errorf("%+v with %+v gives %v, want %d", c.c, c.rules, err, c.code)
		}
	}
}

// FuzzMembershipChange: no request may panic, and a membership that comes out is one that everybody can read.
func FuzzMembershipChange(f *testing.F) {
	for _, c := range changeCases {
		f.Add(c.joining, c.leaving, c.members)
	}
	present, err := ParseMembership(three)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, joining, leaving, members string) {
		c := changeRequest(changeCase{joining: joining, leaving: leaving, members: members})
		got, err := present.Change(c, ChangeRules{MultiAddress: true}, 7)
		if err != nil {
			return
		}
		if again, err := ParseMembership(got.String()); err != nil || !again.Equal(got) {
			t.Fatalf("%+v makes %q, read as %+v, %v", c, got, again, err)
		}
	})
}
