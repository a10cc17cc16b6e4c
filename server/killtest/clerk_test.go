package killtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// clerkFolder holds the folders in which all clerks draw sequence numbers.
const clerkFolder = "/numbers"

const numberPrefix = "n-"

// drawn is a number that a clerk was given.
type drawn struct {
	tag    string // the node's data; no two requests have the same
	path   string // "" as long as there is no reply
	number int
	zxid   messages.Zxid // of the create
	op     *op
	clerk  *clerk
}

// office is one folder of numbers, with what all clerks have been told.
type office struct {
	folder string
	mode   client.Mode

	mu      sync.Mutex
	given   []string                 // the tag that got each number, "" if nobody is known to have
	present map[string]*drawn        // by path
	round   []*drawn                 // of this round, with reply
	deleted int                      // how many of all are gone
	gone    map[string]messages.Zxid // paths of this round whose delete was acknowledged
	newest  messages.Zxid            // of all changes
	vague   bool                     // one of this round's changes has a zxid that nobody was told
}

// clerk draws numbers and deletes some of them again.
type clerk struct {
	caller
	offices []*office
	mine    []*drawn // present, to be deleted some day
	window  int
	pending map[*op]*drawn // creates and deletes on their way
	lost    bool
}

func newOffice(name string, mode client.Mode) *office {
	return &office{
		folder: clerkFolder + "/" + name, mode: mode,
		present: map[string]*drawn{}, gone: map[string]messages.Zxid{},
	}
}

func newClerk(i int, rng *rand.Rand, t *tally, offices []*office) *clerk {
	return &clerk{caller: newCaller(fmt.Sprintf("c%d", i), rng, t), offices: offices, pending: map[*op]*drawn{}}
}

func (c *clerk) attachTo(ctx context.Context, addr string) (err error) {
	c.lost, err = c.attach(ctx, addr)
	return err
}

// clerkShelf is how many numbers a clerk keeps; with more it rather deletes.
const clerkShelf = 25

func (c *clerk) load(ctx context.Context, round int) {
	c.round = round
	c.window = 1 + c.rng.IntN(12)
	for ctx.Err() == nil {
		for len(c.flight) < c.window {
			c.next()
		}
		o, r, ok := c.await(ctx)
		if !ok || !c.judge(o, r) {
			return
		}
	}
}

func (c *clerk) next() {
	if len(c.mine) > 0 && c.rng.IntN(2*clerkShelf) < len(c.mine) {
		i := c.rng.IntN(len(c.mine))
		d := c.mine[i]
		c.mine = slices.Delete(c.mine, i, i+1)
		c.pending[c.send(step{op: messages.OpDelete, path: d.path, version: -int32(c.rng.IntN(2))})] = d
		return
	}
	office := c.offices[c.rng.IntN(len(c.offices))]
	d := &drawn{tag: fmt.Sprintf("%s.%d.%d", c.name, c.round, c.number), clerk: c}
	s := step{op: messages.OpCreate, path: office.folder + "/" + numberPrefix, data: []byte(d.tag), mode: office.mode}
	if c.rng.IntN(2) == 0 {
		s.op = messages.OpCreate2
	}
	d.op = c.send(s)
	c.pending[d.op] = d
}

func (c *clerk) judge(o *op, r reply) bool {
	d := c.pending[o]
	delete(c.pending, o)
	if r.code != messages.ErrOK {
		c.tally.report(c.breach(o.steps[0].path, "%v: should be done", o))
		return false
	}
	office := c.officeOf(o)
	if o.steps[0].op == messages.OpDelete {
		office.left(d.path, r.zxid)
		return true
	}
	d.path, d.zxid = r.results[0].path, r.zxid
	if text := office.enter(d); text != "" {
		c.tally.report(c.breach(d.path, "%s", text))
		return false
	}
	c.mine = append(c.mine, d)
	return true
}

func (c *clerk) officeOf(o *op) *office {
	for _, office := range c.offices {
		if messages.ParentPath(o.steps[0].path) == office.folder {
			return office
		}
	}
	return nil
}

// enter notes a number that was given. It tells what is wrong with it, "" if nothing.
func (f *office) enter(d *drawn) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, ok := digits(d.path, f.folder+"/"+numberPrefix)
	if !ok {
		return fmt.Sprintf("%s is no sequential name of %s", d.path, f.folder)
	}
	d.number = n
	for len(f.given) <= n {
		f.given = append(f.given, "")
	}
	if other := f.given[n]; other != "" {
		return fmt.Sprintf("the number was given to %s, and again to %s", other, d.tag)
	}
	f.given[n] = d.tag
	f.present[d.path] = d
	f.round = append(f.round, d)
	f.newest = max(f.newest, d.zxid)
	return ""
}

func (f *office) left(path string, zxid messages.Zxid) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.present, path)
	f.gone[path] = zxid
	f.deleted++
	f.newest = max(f.newest, zxid)
	f.vague = f.vague || zxid == 0
}
