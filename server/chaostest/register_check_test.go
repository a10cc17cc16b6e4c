package chaostest

import (
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
)

// written is a setData that was answered with a version.
func written(u *user, begun, ended int, data string, expected, version int32) *op {
	o := &op{
		user: u, steps: []step{{op: messages.OpSetData, path: "/r", data: data, version: expected}},
		begun: time.Duration(begun), ended: time.Duration(ended),
	}
	o.stat.Version = version
	return o
}

// shown is a read after a sync.
func shown(u *user, begun, ended int, data string, version int32) *op {
	o := &op{
		user: u, steps: []step{{op: messages.OpGetData, path: "/r"}}, data: data,
		begun: time.Duration(begun), ended: time.Duration(ended),
	}
	o.stat.Version = version
	return o
}

// gone is a setData without an answer.
func gone(u *user, begun int, data string) *op {
	o := written(u, begun, begun, data, -1, 0)
	o.outcome = unknown
	return o
}

// denied is a setData that was refused for its version.
func denied(u *user, begun, ended int, expected int32) *op {
	o := written(u, begun, ended, "denied", expected, 0)
	o.outcome, o.code = refused, messages.ErrBadVersion
	return o
}

// TestRegisterModel makes sure that the judge of registers has eyes.
func TestRegisterModel(t *testing.T) {
	u := &user{name: "u"}
	cases := []struct {
		name  string
		legal bool
		ops   []*op
	}{
		{"in turn", true, []*op{written(u, 1, 2, "a", -1, 1), written(u, 3, 4, "b", 1, 2), shown(u, 5, 6, "b", 2)}},
		{"at once", true, []*op{written(u, 1, 9, "a", -1, 2), written(u, 1, 9, "b", -1, 1), shown(u, 1, 9, "b", 1)}},
		{"the same version twice", false, []*op{written(u, 1, 2, "a", -1, 1), written(u, 3, 4, "b", -1, 1)}},
		{"a lost write", false, []*op{written(u, 1, 2, "a", -1, 1), written(u, 3, 4, "b", -1, 2), shown(u, 5, 6, "a", 1)}},
		{"no answer, carried out", true, []*op{gone(u, 1, "a"), written(u, 3, 4, "b", -1, 2)}},
		{"no answer, not carried out", true, []*op{gone(u, 1, "a"), written(u, 3, 4, "b", -1, 1)}},
		{"no answer, carried out late", true, []*op{gone(u, 1, "a"), written(u, 3, 4, "b", -1, 1), shown(u, 5, 6, "a", 2)}},
		{"no answer, carried out twice", false, []*op{gone(u, 1, "a"), shown(u, 3, 4, "a", 1), written(u, 5, 6, "b", -1, 3)}},
		{"refused rightly", true, []*op{written(u, 1, 2, "a", -1, 1), denied(u, 3, 4, 0)}},
		{"refused wrongly", false, []*op{written(u, 1, 2, "a", -1, 1), denied(u, 3, 4, 1)}},
	}
	for _, test := range cases {
		r := newRecord()
		s := &shelf{closed: []*register{{path: "/r", ops: test.ops}}}
		s.judge(r, true)
		if got := !r.broken(); got != test.legal {
			t.Errorf("%s: legal %v, should be %v", test.name, got, test.legal)
		}
	}
}

// TestOrder makes sure that the judge of the order has eyes.
func TestOrder(t *testing.T) {
	u := &user{name: "u"}
	at := func(o *op, zxid messages.Zxid) *op {
		o.zxid = zxid
		return o
	}
	a := at(written(u, 1, 2, "a", -1, 1), 5)
	cases := []struct {
		name  string
		legal bool
		next  *op
	}{
		{"later", true, at(written(u, 3, 4, "b", -1, 2), 6)},
		{"at once", true, at(written(u, 1, 4, "b", -1, 2), 4)},
		{"smaller", false, at(written(u, 3, 4, "b", -1, 2), 4)},
		{"the same", false, at(written(u, 1, 4, "b", -1, 2), 5)},
		{"a read of it", true, at(shown(u, 3, 4, "a", 1), 5)},
		{"a stale read", false, at(shown(u, 3, 4, "", 0), 4)},
	}
	for _, test := range cases {
		r := newRecord()
		r.place(a, a.begun, false)
		r.place(test.next, test.next.begun, test.next.steps[0].op == messages.OpGetData)
		r.judgeOrder(true)
		if got := !r.broken(); got != test.legal {
			t.Errorf("%s: legal %v, should be %v", test.name, got, test.legal)
		}
	}
}
