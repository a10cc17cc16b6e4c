package actors

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// Commit is the gate, where two routes meet: each request of this server's clients, in session order, and the word
// on the writes, in zxid order. A read passes at once unless a write of its own session is in flight; then it waits
// behind that write. A committed transaction passes in zxid order and takes the request along that waited for it.
// A refused write passes when all transactions that it was judged after have passed, so its client sees the state
// that explains the refusal. Pings never wait.
type Commit struct {
	last     messages.Zxid // the last transaction that has passed
	sessions map[messages.SessionID]*sessionQueue
	tickets  map[messages.Ticket]*sessionQueue // queues by the writes in them
	refused  []refusedHead                     // refusals that are too early, by After
	idle     []*sessionQueue                   // empty queues, for the next sessions
	out      *messages.Deliveries              // nil: none has been begun
	lastOut  int                               // size of the last batch, for the capacity of the next one
}

// sessionQueue is one session's requests from its oldest write in flight on. The head is always a write.
type sessionQueue struct {
	session messages.SessionID
	fifo[gateItem]
}

// So many empty queues are kept, if they have room for at most so many requests.
const (
	maxIdleQueues = 256
	maxIdleRoom   = 64
)

type gateItem struct {
	request messages.Request
	refusal *messages.Refusal // the word on a write that came before its turn
}

type refusedHead struct {
	after  messages.Zxid
	ticket messages.Ticket
}

// NewCommit makes the gate of a server whose tree is at last.
func NewCommit(last messages.Zxid) *Commit {
	return &Commit{
		last:     last,
		sessions: map[messages.SessionID]*sessionQueue{},
		tickets:  map[messages.Ticket]*sessionQueue{},
	}
}

// Submit takes requests of this server's clients. Those with a ticket are writes.
func (c *Commit) Submit(items []messages.Request) {
	c.begin(len(items))
	for i := range items {
		r := &items[i]
		if r.Ticket == 0 {
			if len(c.sessions) == 0 || r.Op == messages.OpPing {
				c.out.Items = append(c.out.Items, messages.Delivery{Request: *r})
				continue
			}
			q := c.sessions[r.Session]
			if q == nil {
				c.out.Items = append(c.out.Items, messages.Delivery{Request: *r})
				continue
			}
			q.add(gateItem{request: *r})
			continue
		}
		q := c.queue(r.Session)
		q.add(gateItem{request: *r})
		c.tickets[r.Ticket] = q
	}
}

// begin makes sure of a batch for what passes.
func (c *Commit) begin(n int) {
	if c.out == nil {
		c.out = messages.NewDeliveries(batchCap(c.lastOut, n))
	}
}

// queue is the session's, made if it has none.
func (c *Commit) queue(session messages.SessionID) *sessionQueue {
	if q := c.sessions[session]; q != nil {
		return q
	}
	var q *sessionQueue
	if last := len(c.idle) - 1; last >= 0 {
		q, c.idle = c.idle[last], c.idle[:last]
	} else {
		q = &sessionQueue{}
	}
	q.session = session
	c.sessions[session] = q
	return q
}

// Committed takes transactions in zxid order. One that doesn't follow the last one is a broken invariant.
func (c *Commit) Committed(items []messages.Proposal) {
	c.begin(len(items))
	for i := range items {
		p := &items[i]
		if !p.Header.Zxid.Follows(c.last) {
			panic(fmt.Sprintf("commit: transaction %v does not follow %v", p.Header.Zxid, c.last))
		}
		c.last = p.Header.Zxid
		c.pass(p)
		c.releaseRefused()
	}
}

func (c *Commit) pass(p *messages.Proposal) {
	q := c.tickets[p.Ticket]
	if p.Ticket == 0 || q == nil {
		c.out.Items = append(c.out.Items, messages.Delivery{Proposal: p})
		return
	}
	c.overtaken(q, p.Ticket)
	if head := q.first(); head.request.Ticket != p.Ticket {
		panic(fmt.Sprintf("commit: transaction %v belongs to ticket %d, but session %v waits for ticket %d",
			p.Header.Zxid, p.Ticket, q.session, head.request.Ticket))
	}
	c.out.Items = append(c.out.Items, messages.Delivery{Request: q.first().request, Proposal: p})
	c.advance(q)
}

// overtaken answers the syncs and fresh reads that stand before a committed write of their session, and refused writes
// behind those. The word on them waits for a proof that the leader still leads; a quorum that acknowledged what was
// proposed behind them is one.
func (c *Commit) overtaken(q *sessionQueue, ticket messages.Ticket) {
	for q.len() > 0 && q.first().request.Ticket != ticket {
		word := q.first().refusal
		if op := q.first().request.Op; word == nil && op != messages.OpSync && !showsState(op) {
			return
		}
		if word == nil {
			word = &messages.Refusal{After: c.last}
		}
		c.out.Items = append(c.out.Items, messages.Delivery{Request: q.first().request, Refusal: word})
		c.drop(q)
	}
}

// Refused takes prep's word on writes that became no transaction, in the order of their After.
func (c *Commit) Refused(items []messages.Refusal) {
	c.begin(len(items))
	for i := range items {
		r := &items[i]
		q := c.tickets[r.Ticket]
		if q == nil {
			continue // judged for the server itself: nobody waits
		}
		q.mark(r)
		if r.After <= c.last {
			c.settle(q)
			continue
		}
		c.refused = append(c.refused, refusedHead{after: r.After, ticket: r.Ticket})
	}
}

func (q *sessionQueue) mark(r *messages.Refusal) {
	items := q.items()
	for i := range items {
		if items[i].request.Ticket == r.Ticket {
			items[i].refusal = r
			return
		}
	}
}

// releaseRefused answers refusals whose time has come. When all transactions up to After have passed, the earlier
// writes of the session have too, so the refused one is at the head, or a sync stands before it.
func (c *Commit) releaseRefused() {
	n := 0
	for n < len(c.refused) && c.refused[n].after <= c.last {
		if q := c.tickets[c.refused[n].ticket]; q != nil {
			c.settle(q)
		}
		n++
	}
	if c.refused = c.refused[n:]; len(c.refused) == 0 {
		c.refused = nil
	}
}

// advance drops the head and answers what only waited for it.
func (c *Commit) advance(q *sessionQueue) {
	c.drop(q)
	c.settle(q)
}

// settle answers the refused writes at the head whose time has come. One may have waited for a sync before it.
func (c *Commit) settle(q *sessionQueue) {
	for q.len() > 0 && q.first().refusal != nil && q.first().refusal.After <= c.last {
		c.out.Items = append(c.out.Items, messages.Delivery{Request: q.first().request, Refusal: q.first().refusal})
		c.drop(q)
	}
}

// drop takes the head out and lets the reads behind it pass, up to the next write.
func (c *Commit) drop(q *sessionQueue) {
	items, n := q.items(), 1
	delete(c.tickets, items[0].request.Ticket)
	for n < len(items) && items[n].request.Ticket == 0 {
		c.out.Items = append(c.out.Items, messages.Delivery{Request: items[n].request})
		n++
	}
	q.drop(n)
	if q.len() > 0 {
		return
	}
	delete(c.sessions, q.session)
	if len(c.idle) < maxIdleQueues && cap(q.all) <= maxIdleRoom {
		c.idle = append(c.idle, q)
	}
}

// Flush hands over what has passed since the last call.
func (c *Commit) Flush() messages.Outbox {
	if c.out == nil || len(c.out.Items) == 0 {
		return nil // an unused buffer stays for the next batch
	}
	batch := c.out
	c.lastOut = len(batch.Items)
	c.out = nil
	return messages.Outbox{}.To(messages.SlotNext, batch)
}

// Waiting is how many sessions have a write in flight.
func (c *Commit) Waiting() int { return len(c.sessions) }

// Resubmit lists the requests that wait for a word of the leader, in the order in which they came, for a new desk. Those of
// connections that have ended are given up, but for goodbyes: nobody waits for their answers, and their client may have
// gone on at another server. The new desk doesn't know that, and would let an old request happen behind a newer one.
func (c *Commit) Resubmit(alive func(messages.ConnID) bool) []messages.Request {
	items := make([]messages.Request, 0, len(c.tickets))
	for _, q := range c.sessions {
		for _, item := range q.items() {
			if r := item.request; r.Ticket != 0 && item.refusal == nil {
				items = append(items, r)
			}
		}
	}
	slices.SortFunc(items, func(a, b messages.Request) int { return cmp.Compare(a.Ticket, b.Ticket) })
	var ended []messages.Refusal
	items = slices.DeleteFunc(items, func(r messages.Request) bool {
		if r.Conn == 0 || r.Op == messages.OpCloseSession || alive(r.Conn) {
			return false
		}
		ended = append(ended, messages.Refusal{Ticket: r.Ticket, Err: messages.ErrSessionMoved})
		return true
	})
	c.Refused(ended)
	return items
}
