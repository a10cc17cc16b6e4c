package killtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// keeperFolder is where the keepers' folders are.
const keeperFolder = "/keepers"

// keeper owns a folder and is the only one to change it, so that it can say beforehand what each request answers.
type keeper struct {
	caller
	folder string
	addr   string
	known  *ledger       // after all replies
	spec   *ledger       // after all that was sent; its zxids mean nothing
	window int           // requests on their way
	begun  chan struct{} // closed when the load of the first round has brought some replies
	lost   bool          // the server didn't know the session when the keeper came back
}

func newKeeper(i int, rng *rand.Rand, t *tally) *keeper {
	name := fmt.Sprintf("k%d", i)
	return &keeper{
		caller: newCaller(name, rng, t), folder: keeperFolder + "/" + name,
		known: &ledger{nodes: map[string]node{}}, begun: make(chan struct{}),
	}
}

// prepare makes the folder.
func (k *keeper) prepare(ctx context.Context) error {
	r, err := k.do(ctx, step{op: messages.OpCreate2, path: k.folder})
	if err != nil {
		return err
	}
	k.known.nodes[k.folder] = node{stat: r.results[0].stat}
	return nil
}

func (k *keeper) attachTo(ctx context.Context, addr string) (err error) {
	k.addr = addr
	if k.lost, err = k.attach(ctx, addr); k.known.session == 0 {
		k.known.session = k.session
	}
	return err
}

// load writes until the connection is gone.
func (k *keeper) load(ctx context.Context, round int) {
	k.round = round
	k.window = 1
	if k.rng.IntN(3) > 0 {
		k.window = 2 + k.rng.IntN(24)
	}
	k.spec = k.known.clone()
	for replies := 0; ctx.Err() == nil; replies++ {
		if replies == 20 && round == 1 {
			close(k.begun)
		}
		for len(k.flight) < k.window && k.spec.session != 0 {
			k.next()
		}
		o, r, ok := k.await(ctx)
		if !ok || !k.judge(o, r) {
			return
		}
		if k.known.session == 0 && !k.reopen(ctx) {
			return
		}
	}
}

// reopen opens a new session after the old one was closed.
func (k *keeper) reopen(ctx context.Context) bool {
	k.session, k.password = 0, nil
	if _, err := k.attach(ctx, k.addr); err != nil {
		return false
	}
	k.known.session, k.spec.session = k.session, k.session
	return true
}

// judge compares a reply with the prediction and takes it into the model.
func (k *keeper) judge(o *op, r reply) bool {
	results, at, code := k.known.apply(o.steps, r.zxid)
	if code != r.code || at != r.at {
		k.tally.report(k.breach(o.steps[at].path, "%v: should be %v (step %d)", o, code, at))
		return false
	}
	for i, got := range r.results {
		if i >= len(results) || got.path == "" {
			continue
		}
		want := results[i]
		if got.path != want.path {
			k.tally.report(k.breach(want.path, "%v: the path is %s, should be %s", o, got.path, want.path))
			return false
		}
		if got.stat == (messages.Stat{}) {
			continue // this reply has none
		}
		if text := (&binding{}).differs(want.stat, got.stat); text != "" {
			k.tally.report(k.breach(want.path, "%v: the reply's %s", o, text))
			return false
		}
		if n, ok := k.known.nodes[want.path]; ok && n.stat.Mzxid == r.zxid && n.stat.Czxid == got.stat.Czxid {
			n.stat.Ctime, n.stat.Mtime = got.stat.Ctime, got.stat.Mtime
			k.known.nodes[want.path] = n
		}
	}
	return true
}

// next invents a request and sends it.
func (k *keeper) next() {
	var steps []step
	switch dice := k.rng.IntN(1000); {
	case dice < 2:
		steps = []step{{op: messages.OpCloseSession}}
	case dice < 150:
		for range 2 + k.rng.IntN(4) {
			steps = append(steps, k.invent(true))
		}
	default:
		steps = []step{k.invent(false)}
	}
	_, at, want := k.spec.apply(steps, symbol(k.number))
	o := k.send(steps...)
	o.want, o.at = want, at
}

// slots is how many names a keeper uses in its folder.
const slots = 8

// invent makes a step, most of the time one that is possible.
func (k *keeper) invent(inMulti bool) step {
	paths := make([]string, 0, len(k.spec.nodes))
	for path := range k.spec.nodes {
		if path != k.folder {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths) // so that the seed decides
	dice := k.rng.IntN(100)
	if len(paths) == 0 || (dice < 35 && len(paths) < 30) || dice < 5 {
		return k.inventCreate()
	}
	path := paths[k.rng.IntN(len(paths))]
	s := step{op: messages.OpSetData, path: path, version: k.inventVersion(path)}
	switch {
	case dice < 70:
		s.data = fmt.Appendf(nil, "%s.%d%*s", k.name, k.number, k.rng.IntN(200), "")
	case dice < 80 && inMulti:
		s.op = messages.OpCheck
	default:
		s.op = messages.OpDelete
	}
	if k.rng.IntN(30) == 0 {
		s.path = k.folder + "/never"
	}
	return s
}

// inventVersion is the right version, any, or sometimes a wrong one.
func (k *keeper) inventVersion(path string) int32 {
	version := k.spec.nodes[path].stat.Version
	switch k.rng.IntN(12) {
	case 0:
		return version + 1
	case 1, 2, 3:
		return -1
	}
	return version
}

func (k *keeper) inventCreate() step {
	s := step{op: messages.OpCreate, data: fmt.Appendf(nil, "%s.%d", k.name, k.number)}
	if k.rng.IntN(2) == 0 {
		s.op = messages.OpCreate2
	}
	s.path = fmt.Sprintf("%s/s%d", k.folder, k.rng.IntN(slots))
	if k.rng.IntN(3) == 0 {
		s.path += fmt.Sprintf("/c%d", k.rng.IntN(3))
	}
	s.mode = [...]client.Mode{
		client.Persistent, client.Persistent, client.Persistent, client.Ephemeral, client.Ephemeral,
		client.PersistentSequential, client.EphemeralSequential,
	}[k.rng.IntN(7)]
	if isSequential(s.mode) {
		s.path += "-"
	}
	return s
}
