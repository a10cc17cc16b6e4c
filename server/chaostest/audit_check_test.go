package chaostest

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// shownNodes is a tree with these nodes, each created at a zxid.
func shownNodes(nodes map[string]messages.Zxid) *view {
	v := &view{nodes: map[string]viewNode{}}
	for path, zxid := range nodes {
		v.nodes[path] = viewNode{stat: messages.Stat{Czxid: zxid}}
	}
	return v
}

// TestBuilderAudit makes sure that the comparison of a builder's folder has eyes.
func TestBuilderAudit(t *testing.T) {
	const folder = builderFolder + "/builder0"
	a, b, c := folder+"/a", folder+"/b", folder+"/c"
	cases := []struct {
		name  string
		legal bool
		fates map[string]fate
		pairs [][2]string
		burst burst
		there []string
	}{
		{name: "as the books say", legal: true, fates: map[string]fate{a: present, b: maybe}, there: []string{a}},
		{name: "carried out without an answer", legal: true, fates: map[string]fate{a: present, b: maybe}, there: []string{a, b}},
		{name: "missing", fates: map[string]fate{a: present, b: present}, there: []string{a}},
		{name: "back again", fates: map[string]fate{a: present}, there: []string{a, b}},
		{name: "half a multi", fates: map[string]fate{a: maybe, b: maybe}, pairs: [][2]string{{a, b}}, there: []string{a}},
		{name: "a whole multi", legal: true, fates: map[string]fate{a: maybe, b: maybe}, pairs: [][2]string{{a, b}}, there: []string{a, b}},
		{name: "the first part of a burst", legal: true, fates: map[string]fate{a: maybe, b: maybe, c: maybe},
			burst: burst{a, b, c}, there: []string{a, b}},
		{name: "a burst with a hole", fates: map[string]fate{a: maybe, b: maybe, c: maybe}, burst: burst{a, b, c}, there: []string{a, c}},
	}
	for _, test := range cases {
		r := newRecord()
		builder := newBuilder(0, rand.New(rand.NewPCG(1, 1)), nil, r)
		for path, f := range test.fates {
			builder.pieces[path] = &piece{fate: f}
		}
		builder.pairs, builder.bursts = test.pairs, []burst{test.burst}
		nodes := map[string]messages.Zxid{folder: 1}
		for _, path := range test.there {
			nodes[path] = 2
		}
		builder.audit(shownNodes(nodes))
		if got := !r.broken(); got != test.legal {
			t.Errorf("%s: legal %v, should be %v", test.name, got, test.legal)
		}
	}
}

// TestRollAudit makes sure that the comparison of sequence numbers has eyes.
func TestRollAudit(t *testing.T) {
	drew := func(number int, zxid messages.Zxid, begun, ended time.Duration) *ticket {
		return &ticket{number: number, zxid: zxid, begun: begun, ended: ended, name: "d", kept: number == 1}
	}
	const first = numberPrefix + "0000000001"
	cases := []struct {
		name    string
		legal   bool
		tickets []*ticket
		nodes   map[string]messages.Zxid
	}{
		{"in turn", true, []*ticket{drew(1, 5, 1, 2), drew(3, 6, 3, 4)}, map[string]messages.Zxid{first: 5}},
		{"at once", true, []*ticket{drew(2, 6, 1, 9), drew(1, 5, 1, 9)}, map[string]messages.Zxid{first: 5}},
		{"twice", false, []*ticket{drew(1, 5, 1, 2), drew(1, 6, 3, 4)}, map[string]messages.Zxid{first: 5}},
		{"back in time", false, []*ticket{drew(2, 6, 1, 2), drew(1, 5, 3, 4)}, map[string]messages.Zxid{first: 5}},
		{"against the zxid", false, []*ticket{drew(1, 5, 1, 2), drew(2, 4, 1, 2)}, map[string]messages.Zxid{first: 5}},
		{"missing", false, []*ticket{drew(1, 5, 1, 2)}, nil},
		{"somebody else's", false, []*ticket{drew(1, 5, 1, 2)}, map[string]messages.Zxid{first: 9}},
	}
	for _, test := range cases {
		r := newRecord()
		all := &roll{tickets: test.tickets}
		all.audit(r, shownNodes(test.nodes))
		if got := !r.broken(); got != test.legal {
			t.Errorf("%s: legal %v, should be %v", test.name, got, test.legal)
		}
	}
}

// TestViewDiffers makes sure that the comparison of members has eyes.
func TestViewDiffers(t *testing.T) {
	one := map[string]messages.Zxid{"/": 0, "/a": 1}
	for name, other := range map[string]map[string]messages.Zxid{
		"more": {"/": 0, "/a": 1, "/b": 2}, "less": {"/": 0}, "another": {"/": 0, "/a": 2},
	} {
		if shownNodes(one).differs(shownNodes(other)) == "" {
			t.Errorf("%s: no difference", name)
		}
	}
	if text := shownNodes(one).differs(shownNodes(one)); text != "" {
		t.Error(text)
	}
}

// TestLossNoticed makes sure that a whole run has eyes: the members lose what a majority has stored, and come back.
func TestLossNoticed(t *testing.T) {
	e := newEnsemble(t, layout{voters: *serversFlag, beside: true})
	ctx := testContext(t, 4*patience)
	if err := e.start(ctx); err != nil {
		t.Fatal(err)
	}
	conn, err := e.connect(ctx, client.Options{Wait: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Abandon()
	r := newRecord()
	b := newBuilder(0, rand.New(rand.NewPCG(1, 1)), e, r)
	for _, folder := range []string{builderFolder, b.folder} {
		if _, err := conn.Create(ctx, folder, nil, client.Persistent); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.attach(ctx); err != nil {
		t.Fatal(err)
	}
	b.create(ctx)
	b.leave()
	for _, m := range e.members {
		if err := m.kill(); err != nil {
			t.Fatal(err)
		}
		if err := m.wipe(); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.start(ctx); err != nil {
		t.Fatal(err)
	}
	v, err := e.agree(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if b.audit(v); !r.broken() {
		t.Error("everything is lost, and nobody noticed")
	}
}
