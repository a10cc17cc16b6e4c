package chaostest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// builderFolder holds a folder for each builder.
const builderFolder = "/builders"

// fate is what a builder knows of a node of its own.
type fate int

const (
	absent  fate = iota // never created, or the delete was acknowledged
	present             // the create was acknowledged
	maybe               // the last change has no answer
)

// piece is a node of a builder's.
type piece struct {
	fate fate
	ops  []*op
}

// builder creates and deletes nodes in a folder of its own. Since nobody else does, it can predict each answer, and
// say of each node at the end whether it must be there.
type builder struct {
	*user
	folder string
	pieces map[string]*piece // that are or may be there
	gone   map[string]string // the delete of each node that was
	here   []string          // present
	pairs  [][2]string
	bursts []burst
	next   int
}

// burst is a number of creates sent in one go over one connection, without an answer to some of them: the ones that
// were carried out come before the ones that weren't.
type burst []string

func newBuilder(i int, rng *rand.Rand, e *ensemble, r *record) *builder {
	b := &builder{user: newUser(fmt.Sprintf("builder%d", i), rng, e, r), pieces: map[string]*piece{}, gone: map[string]string{}}
	b.folder = builderFolder + "/" + b.name
	return b
}

func (b *builder) run(ctx context.Context) {
	for ctx.Err() == nil && b.alive(ctx) {
		if b.rng.IntN(100) == 0 {
			b.conn.DropConnection()
		}
		switch n := b.rng.IntN(100); {
		case n < 30:
			b.create(ctx)
		case n < 40:
			b.burst(ctx)
		case n < 50:
			b.pair(ctx)
		case n < 80:
			b.remove(ctx)
		default:
			b.beRefused(ctx)
		}
		pause(ctx, b.pace())
	}
}

// pace is the time between two requests.
func (u *user) pace() time.Duration { return time.Duration(u.rng.IntN(int(2 * thinking))) }

// fresh is a path that was never used.
func (b *builder) fresh() string {
	b.next++
	return fmt.Sprintf("%s/p%d", b.folder, b.next)
}

// some is a node that is there, "" if none is.
func (b *builder) some() string {
	if len(b.here) == 0 {
		return ""
	}
	return b.here[b.rng.IntN(len(b.here))]
}

// expect judges an answer by what it should be, and notes what has become of the node.
func (b *builder) expect(o *op, want outcome, code messages.ErrCode, after fate, paths ...string) {
	if o.outcome != unknown && (o.outcome != want || o.code != code) {
		b.record.report(violation{paths[0], fmt.Sprintf("the last answer should be %v", code), lines(append(b.history(paths[0]), o)...)})
	}
	for _, path := range paths {
		p := b.pieces[path]
		if p == nil {
			p = &piece{}
			b.pieces[path] = p
		}
		p.ops = append(p.ops, o)
		if want != done { // also without an answer: nothing can come of it
			if p.fate == absent {
				delete(b.pieces, path)
			}
			continue
		}
		if p.fate = after; o.outcome != done {
			p.fate = maybe
		}
		b.here = slices.DeleteFunc(b.here, func(s string) bool { return s == path })
		if p.fate == present {
			b.here = append(b.here, path)
		}
		if p.fate == absent && o.outcome == done {
			delete(b.pieces, path)
			b.gone[path] = o.String()
		}
	}
}

func (b *builder) history(path string) []*op {
	if p := b.pieces[path]; p != nil {
		return p.ops
	}
	return nil
}

func (b *builder) create(ctx context.Context) {
	path := b.fresh()
	o := b.do(ctx, step{op: messages.OpCreate, path: path, data: b.unique(), mode: client.Persistent})
	b.expect(o, done, messages.ErrOK, present, path)
}

// remove deletes a node, or many in one multi if there are many.
func (b *builder) remove(ctx context.Context) {
	count := min(len(b.here), 1+len(b.here)/builderShelf*10)
	if count == 0 {
		return
	}
	var steps []step
	var paths []string
	for _, i := range b.rng.Perm(len(b.here))[:count] {
		paths = append(paths, b.here[i])
		steps = append(steps, step{op: messages.OpDelete, path: b.here[i], version: 0})
	}
	b.expect(b.do(ctx, steps...), done, messages.ErrOK, absent, paths...)
}

// builderShelf is how many nodes a builder keeps; with more it rather deletes.
const builderShelf = 40

// pair creates two nodes in one multi: both are there or none.
func (b *builder) pair(ctx context.Context) {
	one, two := b.fresh(), b.fresh()
	o := b.do(ctx, step{op: messages.OpCreate, path: one, data: b.unique()}, step{op: messages.OpCreate, path: two, data: b.unique()},
		step{op: messages.OpCheck, path: b.folder, version: 0})
	b.expect(o, done, messages.ErrOK, present, one, two)
	if o.outcome == unknown {
		b.pairs = append(b.pairs, [2]string{one, two})
	}
}

// burst sends several creates without waiting for answers.
func (b *builder) burst(ctx context.Context) {
	var paths []string
	var ops []*op
	connects := b.connects.Load()
	for range 2 + b.rng.IntN(12) {
		path := b.fresh()
		paths = append(paths, path)
		ops = append(ops, b.send(step{op: messages.OpCreate, path: path, data: b.unique()}))
	}
	for i, o := range ops {
		b.await(ctx, o)
		b.expect(o, done, messages.ErrOK, present, paths[i])
	}
	if b.connects.Load() != connects {
		return // part of them may have gone over another connection
	}
	if i := slices.IndexFunc(ops, func(o *op) bool { return o.outcome == unknown }); i >= 0 && i < len(ops)-1 {
		b.bursts = append(b.bursts, paths[i:])
	}
}

// beRefused asks for what can't be done.
func (b *builder) beRefused(ctx context.Context) {
	path, missing := b.some(), b.fresh()
	switch n := b.rng.IntN(5); {
	case n == 0 && path != "":
		o := b.do(ctx, step{op: messages.OpCreate, path: path, data: b.unique()})
		b.expect(o, refused, messages.ErrNodeExists, present, path)
	case n == 1 && path != "":
		b.expect(b.do(ctx, step{op: messages.OpDelete, path: path, version: 7}), refused, messages.ErrBadVersion, present, path)
	case n == 2:
		b.expect(b.do(ctx, step{op: messages.OpCreate, path: missing + "/below"}), refused, messages.ErrNoNode, absent, missing+"/below")
	case n == 3:
		b.expect(b.do(ctx, step{op: messages.OpDelete, path: missing, version: -1}), refused, messages.ErrNoNode, absent, missing)
	default:
		o := b.do(ctx, step{op: messages.OpCreate, path: missing, data: b.unique()}, step{op: messages.OpCheck, path: b.folder, version: 7})
		b.expect(o, refused, messages.ErrBadVersion, absent, missing)
	}
}

// audit compares the folder with the books, when everything is over.
func (b *builder) audit(v *view) {
	wrong := func(path, format string, args ...any) {
		b.record.report(violation{path, fmt.Sprintf(format, args...), lines(b.history(path)...)})
	}
	for path, p := range b.pieces {
		if _, there := v.nodes[path]; p.fate != maybe && there != (p.fate == present) {
			wrong(path, "there at the end: %v, should be %v", there, p.fate == present)
		}
	}
	for _, path := range v.below(b.folder) {
		if b.pieces[path] == nil && path != b.folder {
			wrong(path, "it is there with %+v, but was never created, or deleted: %q", v.nodes[path].stat, b.gone[path])
		}
	}
	for _, pair := range b.pairs {
		_, one := v.nodes[pair[0]]
		if _, two := v.nodes[pair[1]]; one != two {
			wrong(pair[0], "of a multi that created %v only one is there", pair)
		}
	}
	for _, paths := range b.bursts {
		ended := ""
		for _, path := range paths {
			_, there := v.nodes[path]
			if there && ended != "" {
				wrong(path, "it is there, but %s, which was requested before it on the same connection, isn't", ended)
			}
			if !there {
				ended = path
			}
		}
	}
}
