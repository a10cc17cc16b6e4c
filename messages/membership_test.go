package messages

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// genMembership draws a membership as a builder would leave it: members by id, groups that hold every participant.
func genMembership(t *rapid.T) Membership {
	host := rapid.SampledFrom([]string{"a", "zoo1.example", "10.0.0.1", "::1", "fd00::2", "fe80::1%eth0"})
	port := rapid.IntRange(1, 65535)
	m := Membership{Version: Zxid(rapid.Uint64Range(0, 1<<63-1).Draw(t, "version"))}
	ids := rapid.SliceOfNDistinct(rapid.IntRange(0, MaxServerID), 1, 7, rapid.ID).Draw(t, "ids")
	for _, id := range ids {
		a := Member{ID: ServerID(id), Role: MemberRole(rapid.IntRange(0, 1).Draw(t, "role"))}
		for range rapid.IntRange(1, 3).Draw(t, "addresses") {
			address := MemberAddress{Host: host.Draw(t, "host"), QuorumPort: port.Draw(t, "quorum")}
			if rapid.Bool().Draw(t, "hasElection") {
				address.ElectionPort = port.Draw(t, "election")
			}
			a.Addresses = append(a.Addresses, address)
		}
		if rapid.Bool().Draw(t, "hasClient") {
			a.ClientAddress, a.ClientPort = host.Draw(t, "clientHost"), port.Draw(t, "client")
		}
		m.Members = insertBy(m.Members, a, func(m Member) int { return int(m.ID) })
	}
	if !rapid.Bool().Draw(t, "grouped") {
		return m
	}
	for i, a := range m.Members {
		if i == 0 || rapid.Bool().Draw(t, "newGroup") {
			m.Groups = append(m.Groups, MemberGroup{ID: i * 3})
		}
		g := &m.Groups[len(m.Groups)-1]
		g.Members = append(g.Members, a.ID)
		m.Weights = append(m.Weights, MemberWeight{Member: a.ID, Weight: rapid.IntRange(0, 9).Draw(t, "weight")})
	}
	return m
}

// TestMembershipRoundTrip: what is written for a membership is read back as the same.
func TestMembershipRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := genMembership(t)
		got, err := ParseMembership(m.String())
		if err != nil || !got.Equal(m) {
			t.Fatalf("%s: got %+v, %v; want %+v", m, got, err, m)
		}
		other := got
		other.Version++
		if other.Equal(m) {
			t.Fatal("another version is another membership")
		}
	})
}

// TestMembershipText holds the text to what a ZooKeeper server with these members has at /zookeeper/config.
func TestMembershipText(t *testing.T) {
	const text = "server.1=127.0.0.1:23211:23221:participant;127.0.0.1:23201\n" +
		"server.2=127.0.0.1:23212:23222:participant\n" +
		"server.3=127.0.0.1:23213:23223:participant;0.0.0.0:23203\n" +
		"server.10=127.0.0.1:23214:23224:observer;127.0.0.1:23204\n" +
		"group.1=1:2:3\n" +
		"weight.1=1\nweight.2=5\nweight.3=1\nweight.10=1\n" +
		"version=10000001f"
	written := "version=10000001f\n\n # shuffled\nweight.2 = 5\nserver.10=127.0.0.1:23214:23224:OBSERVER;127.0.0.1:23204\n" +
		"server.03=127.0.0.1:23213:23223;23203\nserver.2=127.0.0.1:23212:23222\n" +
		"server.1=127.0.0.1:23211:23221:participant;127.0.0.1:23201\ngroup.1=1:2:3\n"
	m, err := ParseMembership(written)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.String(); got != text {
		t.Errorf("the text is\n%s\nwant\n%s", got, text)
	}
	if m.Version != MakeZxid(1, 0x1f) || m.Weight(2) != 5 || m.Weight(10) != 1 || m.Weight(99) != 1 {
		t.Errorf("version %v, weights %v", m.Version, m.Weights)
	}
	if v, o := m.Voters(), m.Observers(); len(v) != 3 || v[0] != 1 || v[2] != 3 || len(o) != 1 || o[0] != 10 {
		t.Errorf("voters %v, observers %v", v, o)
	}
	if a, ok := m.Member(3); !ok || a.Client() != "0.0.0.0:23203" || a.Addresses[0].ElectionPort != 23223 {
		t.Errorf("member 3 is %v, %v", a, ok)
	}
	if _, ok := m.Member(4); ok {
		t.Error("there is no member 4")
	}
}

// TestParseMembershipErrors: the first wrong line is named, and what is wrong with it.
func TestParseMembershipErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "no server.N line",
		"version=5":                    "no server.N line",
		"server.1=a:1:2\nbogus":        `line 2 "bogus": no = in it`,
		"server.1=a:1:2\ntickTime=5":   `line 2 "tickTime=5": "tickTime" is no key of a membership`,
		"server.1=a:1:2\nserver.1=b:1": "line 2 \"server.1=b:1\": server 1 has a line already",
		"server.x=a:1:2":               `"x" is not an id; allowed: 0 to 255`,
		"server.256=a:1:2":             `"256" is not an id; allowed: 0 to 255`,
		"server.1=a:1:2:leader":        "not of the form host:quorumPort:electionPort",
		"server.1=a:1:0":               `election port "0" is not a port; allowed: 1 to 65535`,
		"server.1=[::1:1:2":            "is not closed",
		"server.1=[nine]:1:2":          `"nine" is not an IPv6 address`,
		"server.1=[::1]1:2":            "must follow a colon",
		"server.1=a:1:2;::1:5":         "IPv6 needs brackets",
		"server.1=a:1:2;":              `client port "" is not a port`,
		"server.1=a:1:2\nweight.1=-1":  "not a weight; allowed: 0 or more",
		"server.1=a:1:2\ngroup.1=1:x":  `"x" is not a server id`,
		"server.1=a:1:2\nversion=-1":   `"-1" is not a version`,
		"version=1\nversion=1":         "the version has a line already",
		"server.1=a:1:2\ngroup.1=1:2":  "group.1 names server 2, which has no server.2 line",
		"server.1=" + strings.Repeat("a:1:2|", 16) + "a:1:2": "17 addresses; at most 16 are allowed",
		"server.1=a:1:2\nserver.2=b:1:2\ngroup.1=1":          "server 2 is in no group",
		"server.1=a:1:2\ngroup.1=1\ngroup.2=1":               "server 1 is in group 1 and in group 2; one is allowed",
	} {
		if _, err := ParseMembership(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, want %q", text, err, want)
		}
	}
}

// FuzzParseMembership: no text may panic, and what was understood must be written so that it is understood again.
func FuzzParseMembership(f *testing.F) {
	for _, seed := range []string{
		"server.1=a:1:2:participant;0.0.0.0:3\nversion=100000000", "server.0=[fe80::1%eth0]:1:2:observer;[::1]:3",
		"server.1=a:1|b:1:2;5\n#x\n\nserver.255=c : 7:8;:9\ngroup.0=1:255\nweight.1=0\nversion=7fffffffffffffff", "group.1=1:1",
		"server.1=[1.2.3.4]:5:observer;[::1%|]:1", "server.1= =:1:2;= :3",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMembership(text)
		if err != nil {
			return
		}
		again, err := ParseMembership(m.String())
		if err != nil || !again.Equal(m) {
			t.Fatalf("%q was read as %+v, written as %q and read as %+v, %v", text, m, m, again, err)
		}
	})
}
