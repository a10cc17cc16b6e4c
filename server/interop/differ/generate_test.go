package differ

import "math/rand/v2"

// generator makes requests from a seed. It knows nothing of the servers; a small world of paths makes them meet.
//
// Versions of ZooKeeper differ in what a connection gets that watches one path in several ways, and in whether exists()
// wants READ. So a round uses one kind of watch, and a round with ACLs that forbid something uses none.
type generator struct {
	*rand.Rand
	root    string
	steps   int
	guarded bool  // ACLs and identities of all sorts, no watches
	watches int32 // the kind of watch of a round that is not guarded
}

const (
	watchStandard int32 = iota - 1
	watchPersistent
	watchRecursive
)

func newGenerator(seed uint64, root string) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0)), root: root}
	g.guarded = g.chance(40)
	g.watches = pick(g, watchStandard, watchStandard, watchPersistent, watchRecursive)
	return g
}

// watch tells whether a read sets a watch.
func (g *generator) watch() bool { return !g.guarded && g.watches == watchStandard && g.chance(40) }

func pick[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

// path returns a path of the small world, now and then one that is not valid.
func (g *generator) path() *str {
	if g.chance(4) {
		return pick(g, text("nosl"), text(g.root+"/a/"), text(g.root+"//a"), text(g.root+"/./a"),
			text(g.root+"/a/.."), text(g.root+"/a\x00b"), text(g.root+"/a\x01"), text(g.root+"/\xef\xbf\xb1"))
	}
	path := g.root
	for depth := g.IntN(4); depth > 0; depth-- {
		path += "/" + pick(g, "a", "b", "c")
	}
	if g.chance(3) {
		return g.container()
	}
	return text(path)
}

// container returns a path for a container. It never gets a child: the two servers would sweep it at different moments.
func (g *generator) container() *str { return text(g.root + pick(g, "", "/a", "/b") + "/k") }

func (g *generator) data() *str {
	return pick(g, nil, text(""), text("x"), text("hello"), text("0123456789"))
}

func (g *generator) version() int32 { return pick[int32](g, -1, -1, -1, 0, 0, 1, 2, 3, -2) }

func (g *generator) acl(q *request) {
	open := entry{31, text("world"), text("anyone")}
	if !g.guarded || g.chance(60) {
		q.acl = []entry{open}
		return
	}
	switch g.IntN(20) {
	case 0:
		q.nullACL = true
		return
	case 1: // as Kazoo writes it; other null ids make ZooKeeper stumble in ways that depend on their neighbours
		q.acl = []entry{{31, text("auth"), nil}}
		return
	}
	for range g.IntN(4) {
		q.acl = append(q.acl, pick(g, open, entry{1, text("world"), text("anyone")}, entry{30, text("world"), text("anyone")},
			entry{31, text("auth"), text("")}, entry{0, text("world"), text("anyone")},
			entry{31, text("digest"), text("a:MoEkOWWHtRVtqwOVNwDtqzmfcZg=")}, entry{31, text("digest"), text("nocolon")},
			entry{31, text("ip"), text("127.0.0.1")}, entry{21, text("ip"), text("10.0.0.0/8")}, entry{31, text("ip"), text("1.2.3")},
			entry{31, text("world"), text("no")}, entry{31, text("none"), text("x")},
			entry{31, text(""), text("")}, entry{-1, text("world"), text("anyone")}))
	}
}

// single makes a request that may also be part of a transaction.
func (g *generator) single() *request {
	op := pick[int32](g, opCreate, opCreate, opCreate, opCreate2, opDelete, opDelete, opSetData, opSetData, opCreateTTL, opCreateContainer)
	q := &request{op: op, path: g.path(), data: g.data(), version: g.version()}
	switch q.op {
	case opCreate, opCreate2:
		q.flags = pick[int32](g, 0, 0, 0, 0, 1, 2, 3, 4)
		if q.flags == 4 {
			q.path = g.container()
		}
		g.acl(q)
	case opCreateContainer:
		q.flags = 4
		q.path = g.container()
		g.acl(q)
	case opCreateTTL:
		q.flags, q.ttl = pick[int32](g, 5, 6), pick[int64](g, 1_000_000, 0xffffffffff)
		g.acl(q)
	}
	return q
}

// misfit makes a create whose flags and time to live do not fit.
func (g *generator) misfit() *request {
	q := &request{op: pick[int32](g, opCreate, opCreate2, opCreateTTL, opCreateContainer), path: g.path(), data: g.data(),
		flags: pick[int32](g, 5, 6, 7, 8, -1, 64), ttl: pick[int64](g, 0, -5, 0x10000000000, 1000)}
	if q.op == opCreateTTL && q.flags != 5 && q.flags != 6 {
		q.ttl = 1000 // without one ZooKeeper takes the request, and dies of it
	}
	g.acl(q)
	return q
}

func (g *generator) next() *request {
	q := g.make()
	q.xid = int32(1 + g.steps)
	if q.op == opAuth {
		q.xid = -4
	}
	if q.op == opSetWatches || q.op == opSetWatches2 {
		q.xid = -8
	}
	g.steps++
	return q
}

func (g *generator) make() *request {
	switch n := g.IntN(100); {
	case n < 38:
		q := g.single()
		if g.chance(3) {
			q.cut = 1 + g.IntN(12)
		}
		return q
	case n < 41:
		return g.misfit()
	case n < 45:
		q := &request{op: opSetACL, path: g.path(), version: g.version()}
		g.acl(q)
		return q
	case n < 70:
		return g.read()
	case n < 80:
		return g.multi()
	case n < 92:
		return g.watching()
	case n < 95 && g.guarded:
		return &request{op: opAuth, path: pick(g, text("digest"), text("digest"), text("digest"), text("ip"), text("none"), text("world")),
			data: pick(g, text("a:b"), text("c:d"), text("nocolon"), text(""), text("super:secret"), text("a:b:c"))}
	case n < 94:
		path := pick(g, nil, text(""), text("/"), text("/zookeeper"))
		return &request{op: pick[int32](g, opDelete, opSetData, opCreate), path: path, version: 99}
	case n < 96:
		return &request{op: opClose}
	case n < 97:
		return &request{op: pick[int32](g, 0, 10, 23, 99, 108, -1, 5000)}
	default:
		return &request{op: pick[int32](g, opWhoAmI, opGetEphemerals, opSync), path: pick(g, text(g.root), text(g.root+"/a"))}
	}
}

func (g *generator) read() *request {
	op := pick[int32](g, opExists, opGetData, opGetChildren, opGetChildren2, opGetACL, opGetAllChildren, opGetData, opGetChildren2)
	q := &request{op: op, path: g.path(), watch: g.watch()}
	if g.guarded && q.op == opExists {
		q.op = opGetACL // ZooKeeper 3.8 lets exists() pass on a node that may not be read, 3.9 does not
	}
	if g.chance(2) {
		q.cut = 1 + g.IntN(6)
	}
	return q
}

func (g *generator) multi() *request {
	if g.chance(25) {
		q := &request{op: opMultiRead}
		for range 1 + g.IntN(4) {
			q.parts = append(q.parts, &request{op: pick[int32](g, opGetData, opGetChildren), path: g.path(), watch: g.watch()})
		}
		return q
	}
	q := &request{op: opMulti}
	for range g.IntN(5) {
		part := g.single()
		if g.chance(20) {
			part = &request{op: opCheck, path: g.path(), version: g.version()}
		}
		if part.op != opCreateContainer && part.flags == 4 {
			part.flags = 0 // no client asks so; in a transaction ZooKeeper goes by the flag, outside by the opcode
		}
		q.parts = append(q.parts, part)
	}
	return q
}

func (g *generator) watching() *request {
	if g.guarded {
		return g.read()
	}
	switch g.IntN(4) {
	case 0:
		// 3.8 forgets only half of a persistent watch when asked for one type, so ask for both.
		kind := int32(3)
		if g.watches == watchStandard {
			kind = pick[int32](g, 1, 2, 3, 0)
		}
		return &request{op: pick[int32](g, opCheckWatches, opRemoveWatches), path: g.path(), mode: kind}
	case 1:
		return g.setWatches()
	}
	if g.watches == watchStandard {
		return &request{op: pick[int32](g, opExists, opGetData, opGetChildren), path: g.path(), watch: true}
	}
	return &request{op: opAddWatch, path: g.path(), mode: pick(g, g.watches, g.watches, g.watches, 2, -1)}
}

func (g *generator) setWatches() *request {
	q := &request{op: opSetWatches2, mark: -1}
	if g.steps > 0 && g.chance(70) {
		q.mark = max(0, g.steps-1-g.IntN(20))
	}
	lists := q.lists[:3]
	if g.watches == watchStandard {
		q.op = pick[int32](g, opSetWatches, opSetWatches2)
	} else {
		lists = q.lists[3+g.watches : 4+g.watches]
	}
	for i := range lists {
		for range g.IntN(3) {
			lists[i] = append(lists[i], g.path())
		}
	}
	return q
}
