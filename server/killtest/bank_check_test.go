package killtest

import (
	"context"
	"fmt"

	"github.com/troupekeeper/troupe/messages"
)

// settle finds out which requests without reply were carried out: a transfer that was leaves its slip. A transfer may
// also have been refused, so nothing follows for the ones behind it.
func (c *teller) settle(_ context.Context, v *view) error {
	if c.lost {
		c.tally.report(c.breach(bankFolder, "session %v can't be taken up", c.session))
	}
	applied := 0
	for _, o := range c.flight {
		t := c.pending[o]
		delete(c.pending, o)
		if t == nil {
			if _, ok := v.nodes[o.steps[0].path]; !ok {
				c.bank.removed(o.steps[0].path)
				applied++
			}
			continue
		}
		if got, ok := v.nodes[t.slip]; ok {
			c.bank.moved(t, got.stat.Czxid)
			applied++
		} else {
			c.bank.denied(t)
		}
	}
	for _, t := range c.pending {
		c.bank.denied(t) // the disk was gone
	}
	clear(c.pending)
	c.settled(applied)
	return nil
}

// audit compares accounts and slips with the books, after all tellers have settled.
func (b *bank) audit(v *view, t *tally) {
	want := b.accounts
	for _, m := range b.done {
		for i, amount := range map[int]int{m.from: -m.amount, m.to: m.amount} {
			a := &want[i]
			a.balance += amount
			a.version++
			a.zxid = max(a.zxid, m.op.zxid)
		}
		b.slips[m.slip] = m.op.zxid
		b.written++
	}
	sum := 0
	for i := range want {
		path := accountPath(i)
		got := account{version: v.nodes[path].stat.Version, zxid: v.nodes[path].stat.Mzxid}
		_, err := fmt.Sscan(string(v.nodes[path].data), &got.balance)
		sum += got.balance
		t.checked.Add(1)
		if err != nil || got != want[i] {
			b.breach(t, path, i, fmt.Sprintf("it is %+v (%v), should be %+v after %d transfers", got, err, want[i], len(b.done)))
		}
		if got.version < b.seen[i] {
			b.breach(t, path, i, fmt.Sprintf("it is at version %d, a read has shown %d", got.version, b.seen[i]))
		}
	}
	if sum != accounts*firstBalance {
		b.breach(t, bankFolder, -1, fmt.Sprintf("the sum is %d, should be %d", sum, accounts*firstBalance))
	}
	b.auditSlips(v, t)
	b.accounts, b.done, b.refused = want, nil, map[string]*transfer{}
}

func (b *bank) auditSlips(v *view, t *tally) {
	for slip, zxid := range b.slips {
		t.checked.Add(1)
		if got := v.nodes[slip].stat.Czxid; got != zxid {
			b.breach(t, slip, -1, fmt.Sprintf("created at %v (0: missing), should be %v", got, zxid))
		}
	}
	for _, path := range v.below(slipFolder) {
		if _, ok := b.slips[path]; ok || path == slipFolder {
			continue
		}
		what := "the slip exists and should not"
		if m := b.refused[path]; m != nil {
			what = fmt.Sprintf("the slip of a refused transfer exists: %v", m.op)
		}
		b.breach(t, path, -1, what)
	}
	stat := v.nodes[slipFolder].stat
	if want := int32(b.written + b.cleared); stat.Cversion != want {
		b.breach(t, slipFolder, -1, fmt.Sprintf("cversion %d, should be %d", stat.Cversion, want))
	}
}

// breach reports a violation with the transfers of this round that touch the account.
func (b *bank) breach(t *tally, key string, account int, what string) {
	text := ""
	for _, m := range b.done {
		if m.from == account || m.to == account || m.slip == key {
			text += fmt.Sprintf("    %s %v\n", m.teller.name, m.op)
		}
	}
	t.report(violation{key: key, what: what, history: text})
}

// open notes the accounts that were made for the bank.
func (b *bank) open(i int, zxid messages.Zxid) {
	b.accounts[i] = account{balance: firstBalance, zxid: zxid}
}
