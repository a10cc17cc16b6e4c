package killtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/server/client"
)

// bankFolder holds the accounts and the slips: each transfer leaves one.
const (
	bankFolder = "/bank"
	slipFolder = bankFolder + "/slips"
)

const (
	accounts       = 8
	firstBalance   = 1000
	transferWindow = 4 // at most half as many as there are accounts
)

func accountPath(i int) string { return fmt.Sprintf("%s/account%d", bankFolder, i) }

// account is its balance and the version and zxid of its last change.
type account struct {
	balance int
	version int32
	zxid    messages.Zxid
}

// transfer moves an amount in one multi: two accounts, each at the version that the teller knows, and the slip.
type transfer struct {
	from, to, amount int
	slip             string
	teller           *teller
	op               *op
}

// bank is what all tellers have been told.
type bank struct {
	mu       sync.Mutex
	accounts [accounts]account // as it was when the round began
	seen     [accounts]int32   // the newest version that a read has shown
	done     []*transfer       // of this round, each with its zxid in op
	refused  map[string]*transfer
	slips    map[string]messages.Zxid // that are there
	cleared  int                      // slips deleted in all
	written  int                      // slips written in all
}

func newBank() *bank {
	return &bank{refused: map[string]*transfer{}, slips: map[string]messages.Zxid{}}
}

// teller carries out transfers, in competition with the others, and removes slips of earlier rounds.
type teller struct {
	caller
	bank    *bank
	book    [accounts]account
	pending map[*op]*transfer
	lost    bool
}

func newTeller(i int, rng *rand.Rand, t *tally, b *bank) *teller {
	return &teller{caller: newCaller(fmt.Sprintf("t%d", i), rng, t), bank: b, pending: map[*op]*transfer{}}
}

func (c *teller) attachTo(ctx context.Context, addr string) (err error) {
	c.lost, err = c.attach(ctx, addr)
	return err
}

func (c *teller) load(ctx context.Context, round int) {
	c.round = round
	if !c.read(ctx) {
		return
	}
	old := c.bank.oldSlips(c.name)
	window := 1 + c.rng.IntN(transferWindow)
	for ctx.Err() == nil {
		for len(c.flight) < window {
			c.next()
			for range min(3, len(old)) {
				c.send(step{op: messages.OpDelete, path: old[0], version: -1})
				old = old[1:]
			}
		}
		o, r, ok := c.await(ctx)
		if !ok || !c.judge(o, r) || (r.code != messages.ErrOK && !c.read(ctx)) {
			return
		}
	}
}

// next sends a transfer between accounts that none of the teller's own transfers touches at the moment: what it knows
// of those holds only if they succeed.
func (c *teller) next() {
	var busy [accounts]bool
	for _, t := range c.pending {
		busy[t.from], busy[t.to] = true, true
	}
	free := make([]int, 0, accounts)
	for _, i := range c.rng.Perm(accounts) {
		if !busy[i] {
			free = append(free, i)
		}
	}
	t := &transfer{from: free[0], to: free[1], amount: 1 + c.rng.IntN(20), teller: c}
	t.slip = fmt.Sprintf("%s/%s.%d", slipFolder, c.name, c.number)
	a, b := &c.book[t.from], &c.book[t.to]
	t.op = c.send(
		step{op: messages.OpSetData, path: accountPath(t.from), data: fmt.Append(nil, a.balance-t.amount), version: a.version},
		step{op: messages.OpSetData, path: accountPath(t.to), data: fmt.Append(nil, b.balance+t.amount), version: b.version},
		step{op: messages.OpCreate, path: t.slip},
	)
	a.balance, a.version = a.balance-t.amount, a.version+1
	b.balance, b.version = b.balance+t.amount, b.version+1
	c.pending[t.op] = t
}

func (c *teller) judge(o *op, r reply) bool {
	t := c.pending[o]
	delete(c.pending, o)
	switch {
	case t == nil && r.code == messages.ErrOK:
		c.bank.removed(o.steps[0].path)
	case t == nil:
		c.tally.report(c.breach(o.steps[0].path, "%v: should be done", o))
	case r.code == messages.ErrOK:
		c.bank.moved(t, r.zxid)
	case r.code == messages.ErrBadVersion && r.at < 2:
		c.bank.denied(t)
	default:
		c.tally.report(c.breach(t.slip, "%v: should be done or refused for a version", o))
		return false
	}
	return true
}

// read takes all accounts at one moment: the sum never changes, and no version goes back.
func (c *teller) read(ctx context.Context) bool {
	gets := make([]jute.MultiOp, accounts)
	for i := range gets {
		gets[i] = client.GetOp(accountPath(i))
	}
	results, err := c.conn.MultiRead(ctx, gets...)
	if err != nil {
		return false
	}
	sum := 0
	var book [accounts]account
	for i, r := range results {
		book[i] = account{version: r.Stat.Version, zxid: r.Stat.Mzxid}
		if _, err := fmt.Sscan(string(r.Data), &book[i].balance); err != nil {
			c.tally.report(violation{key: accountPath(i), what: fmt.Sprintf("read %q: %v", r.Data, err)})
			return false
		}
		sum += book[i].balance
	}
	if text := c.bank.shown(book, sum); text != "" {
		c.tally.report(violation{key: bankFolder, what: text})
	}
	// What is still on its way was built on the old book and will be refused.
	c.book = book
	return true
}

func (b *bank) shown(book [accounts]account, sum int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range book {
		b.seen[i] = max(b.seen[i], book[i].version)
	}
	if sum != accounts*firstBalance {
		return fmt.Sprintf("the sum is %d, should be %d: %+v", sum, accounts*firstBalance, book)
	}
	return ""
}

func (b *bank) moved(t *transfer, zxid messages.Zxid) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t.op.zxid = zxid
	b.done = append(b.done, t)
}

func (b *bank) denied(t *transfer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused[t.slip] = t
}

func (b *bank) removed(slip string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.slips, slip)
	b.cleared++
}

// oldSlips are those of earlier rounds that a teller wrote itself.
func (b *bank) oldSlips(teller string) (list []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for slip := range b.slips {
		if strings.HasPrefix(slip, slipFolder+"/"+teller+".") {
			list = append(list, slip)
		}
	}
	slices.Sort(list)
	return list
}
