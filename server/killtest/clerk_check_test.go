package killtest

import (
	"context"
	"fmt"
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// settle finds out which of the clerk's requests without reply were carried out: some first ones.
func (c *clerk) settle(_ context.Context, v *view) error {
	if c.lost {
		c.tally.report(c.breach(clerkFolder, "session %v can't be taken up", c.session))
	}
	byTag := map[string]string{}
	for _, office := range c.offices {
		for _, path := range v.below(office.folder) {
			if path != office.folder {
				byTag[string(v.nodes[path].data)] = path
			}
		}
	}
	applied, ended := 0, false
	for _, o := range c.flight {
		d := c.pending[o]
		delete(c.pending, o)
		done, text := c.carriedOut(o, d, v, byTag)
		switch {
		case text != "":
			c.tally.report(c.breach(d.path, "%s", text))
		case done && ended:
			c.tally.report(c.breach(o.steps[0].path, "%v: was carried out, but an earlier request of the connection was not", o))
		case done:
			applied++
		default:
			ended = true
		}
	}
	clear(c.pending) // what was refused because the disk was gone
	c.settled(applied)
	return nil
}

// carriedOut tells whether a request without reply was carried out, and takes it into the books then.
func (c *clerk) carriedOut(o *op, d *drawn, v *view, byTag map[string]string) (done bool, wrong string) {
	office := c.officeOf(o)
	if o.steps[0].op == messages.OpDelete {
		if _, ok := v.nodes[d.path]; ok {
			c.mine = append(c.mine, d)
			return false, ""
		}
		office.left(d.path, 0)
		return true, ""
	}
	path, ok := byTag[d.tag]
	if !ok {
		return false, ""
	}
	d.path, d.zxid = path, v.nodes[path].stat.Czxid
	c.mine = append(c.mine, d)
	return true, office.enter(d)
}

// audit compares a folder with the books, after all clerks have settled.
func (f *office) audit(v *view, t *tally) {
	breach := func(d *drawn, key, format string, args ...any) {
		r := violation{key: key, what: fmt.Sprintf(format, args...)}
		if d != nil {
			r.history = d.clerk.of(d.path)
		}
		t.report(r)
	}
	for path, d := range f.present {
		got, ok := v.nodes[path]
		t.checked.Add(1)
		switch {
		case !ok:
			breach(d, path, "the node is missing; it was created at %v by %v", d.zxid, d.op)
		case string(got.data) != d.tag || got.stat.Czxid != d.zxid || got.stat.Mzxid != d.zxid || got.stat.Version != 0:
			breach(d, path, "it holds %q with %+v, should be %q created at %v", got.data, got.stat, d.tag, d.zxid)
		case isEphemeral(f.mode) && got.stat.EphemeralOwner != int64(d.clerk.session):
			breach(d, path, "it belongs to session %#x, should be %v", got.stat.EphemeralOwner, d.clerk.session)
		}
	}
	for _, path := range v.below(f.folder) {
		if path != f.folder && f.present[path] == nil {
			zxid, ok := f.gone[path]
			breach(nil, path, "the node exists and should not (its delete was acknowledged: %v, at %v): %q", ok, zxid, v.nodes[path].data)
		}
	}
	f.auditNumbers(v, breach)
	f.round, f.gone = nil, map[string]messages.Zxid{}
}

// auditNumbers checks that numbers were given once each, in the order of the zxids, and that the folder counts right.
func (f *office) auditNumbers(v *view, breach func(*drawn, string, string, ...any)) {
	for n, tag := range f.given {
		if tag == "" {
			breach(nil, f.folder, "nobody got the number %d, but later ones were given", n)
		}
	}
	slices.SortFunc(f.round, func(a, b *drawn) int { return a.number - b.number })
	for i := 1; i < len(f.round); i++ {
		if a, b := f.round[i-1], f.round[i]; a.zxid >= b.zxid {
			breach(b, b.path, "it was created at %v, but the smaller number %s at %v", b.zxid, a.path, a.zxid)
		}
	}
	stat := v.nodes[f.folder].stat
	if want := int32(len(f.given) + f.deleted); stat.Cversion != want || int(stat.NumChildren) != len(f.present) {
		breach(nil, f.folder, "cversion %d with %d children, should be %d with %d", stat.Cversion, stat.NumChildren, want, len(f.present))
	}
	if stat.Pzxid < f.newest || (!f.vague && stat.Pzxid != f.newest && f.newest != 0) {
		breach(nil, f.folder, "pzxid %v, but the last child came or went at %v", stat.Pzxid, f.newest)
	}
	f.newest, f.vague = max(f.newest, stat.Pzxid), false
}
