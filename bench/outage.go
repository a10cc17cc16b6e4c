//go:build unix

package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// How long nobody, and not everybody, can write while servers fail.

const (
	// outageBeat is how often each client writes, and tries the next server
	// while it has none.
	outageBeat = 5 * time.Millisecond
	// outageRest is how many beats a client rests when it has tried all servers
	// in vain. Refusing connections takes a server time, which it needs for the
	// election, so this costs less than it hides: 30 ms with three servers.
	outageRest = 4
	// outageDial bounds one attempt to resume a session, since a server
	// without a leader may accept a connection and leave it at that.
	outageDial = 500 * time.Millisecond
	// outageReply is how long a write may take before its client goes on to
	// the next server.
	outageReply = 5 * time.Second
)

// Outage is a few clients that write while servers fail. Each has a session
// and a key of its own, writes every 5 ms unless it waits for an answer, and
// resumes its session at the next server when its connection breaks.
type Outage struct {
	cfg     Config
	writers []*writer
	stop    chan struct{}
	wait    sync.WaitGroup

	mu    sync.Mutex
	mark  time.Time
	took  []time.Duration // of each client, since the mark; 0 while it can't write
	up    chan struct{}   // closed when nobody's is 0 any more, or a client failed
	fatal error

	tracker *tracker // of a fail-over; nil if outages are marked instead
}

// OutageTimes says how long after a mark a write begun after it was
// acknowledged.
type OutageTimes struct {
	// Any is the time until the first client's was, All until the last one's.
	Any, All time.Duration
}

// StartOutage opens sessions of that many clients, spread over the servers of
// cfg, and lets them write to keys that exist already. Stop it in any case.
func StartOutage(cfg Config, clients int) (*Outage, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if clients < 1 || clients > cfg.Keys.Count {
		return nil, fmt.Errorf("clients %d: want 1 to %d, a key for each", clients, cfg.Keys.Count)
	}
	// A value must have room for its number.
	cfg.Keys.ValueBytes = max(cfg.Keys.ValueBytes, valueHeadBytes)
	o := &Outage{cfg: cfg, stop: make(chan struct{})}
	for i := range clients {
		w := &writer{outage: o, key: uint32(i), at: i % len(cfg.Servers)}
		if err := w.client.dial(cfg.Servers[w.at], cfg.ReplyTimeout); err != nil {
			return nil, errors.Join(err, o.Stop())
		}
		o.writers = append(o.writers, w)
	}
	o.Mark()
	for i, w := range o.writers {
		o.wait.Go(func() {
			if err := w.run(); err != nil {
				o.fail(fmt.Errorf("client %d: %w", i, err))
			}
		})
	}
	return o, nil
}

// Mark starts the clock: what happens now may cause an outage.
func (o *Outage) Mark() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mark, o.took, o.up = time.Now(), make([]time.Duration, len(o.writers)), make(chan struct{})
	if o.fatal != nil {
		close(o.up)
	}
}

// acknowledged notes a write that a client began at that time.
func (o *Outage) acknowledged(w *writer, begun time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w.trouble = nil
	if o.tracker != nil {
		o.tracker.wrote(int(w.key), time.Now())
	}
	if o.took[w.key] != 0 || begun.Before(o.mark) {
		return
	}
	o.took[w.key] = time.Since(o.mark)
	if o.fatal == nil && !slices.Contains(o.took, 0) {
		close(o.up)
	}
}

// fail notes that a client cannot go on.
func (o *Outage) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	up := o.fatal != nil || !slices.Contains(o.took, 0)
	if o.fatal = errors.Join(o.fatal, err); !up {
		close(o.up)
	}
}

// Recovered waits until every client has had a write acknowledged that it began
// after the last mark. The error says that this took longer than the limit, or
// that a client lost its session.
func (o *Outage) Recovered(ctx context.Context, limit time.Duration) (OutageTimes, error) {
	o.mu.Lock()
	up := o.up
	o.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-up:
	case <-ctx.Done():
		return OutageTimes{}, ctx.Err()
	case <-timer.C:
		return OutageTimes{}, fmt.Errorf("not every client could write within %v: %w", limit, o.troubles())
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fatal != nil {
		return OutageTimes{}, o.fatal
	}
	return OutageTimes{Any: slices.Min(o.took), All: slices.Max(o.took)}, nil
}

// troubles joins what kept each client from writing last.
func (o *Outage) troubles() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	able := 0
	for _, took := range o.took {
		if took != 0 {
			able++
		}
	}
	all := fmt.Errorf("%d of %d could", able, len(o.took))
	for _, w := range o.writers {
		all = errors.Join(all, w.trouble)
	}
	return all
}

// Stop ends the clients. The error says that one lost its session, or that its
// key cannot be read or does not hold its last acknowledged write or a later one.
func (o *Outage) Stop() error {
	close(o.stop)
	o.wait.Wait()
	for _, w := range o.writers {
		if w.client.conn != nil {
			w.client.close()
		}
	}
	return o.fatal
}

// writer is one client.
type writer struct {
	outage  *Outage
	client  plainClient
	key     uint32
	at      int    // server it is connected to, or tries next
	sent    uint64 // number of the last value written
	acked   uint64 // number of the last one acknowledged
	vain    int    // attempts at a server since the last that succeeded
	rest    int    // beats to let pass
	trouble error  // why it has no connection, under the outage's lock
}

// run writes until it is stopped, then reads its key again.
func (w *writer) run() error {
	ticker := time.NewTicker(outageBeat)
	defer ticker.Stop()
	for {
		select {
		case <-w.outage.stop:
			return w.check()
		case <-ticker.C:
		}
		if w.rest > 0 {
			w.rest--
			continue
		}
		err := w.beat()
		if errors.Is(err, errRefusedSession) || errors.Is(err, errWrongAnswer) {
			return err
		}
		if err != nil {
			w.moveOn(err)
		}
	}
}

// beat resumes the session if need be, and writes once.
func (w *writer) beat() error {
	cfg := &w.outage.cfg
	if w.client.conn == nil {
		if err := w.client.dial(cfg.Servers[w.at], outageDial); err != nil {
			return err
		}
	}
	w.sent++
	begun := time.Now()
	code, answer, err := w.client.call(OpSet, outageReply, func(b []byte) []byte {
		b = appendString(b, cfg.Keys.Path(w.key))
		b = be.AppendUint32(b, uint32(cfg.Keys.ValueBytes))
		b = appendValue(b, w.key, w.sent, cfg.Keys.ValueBytes)
		return be.AppendUint32(b, ^uint32(0))
	})
	switch {
	case err != nil:
		return err
	case code == codeSessionExpired:
		return fmt.Errorf("%w: set: %s", errRefusedSession, codeName(code))
	case code != codeOK:
		return fmt.Errorf("set: %s", codeName(code))
	}
	if err := checkStat(answer, cfg.Keys.ValueBytes); err != nil {
		return fmt.Errorf("%w: %w", errWrongAnswer, err)
	}
	w.acked, w.vain = w.sent, 0
	w.outage.acknowledged(w, begun)
	return nil
}

// moveOn gives up the connection and takes the next server.
func (w *writer) moveOn(why error) {
	if w.client.conn != nil {
		w.client.hangUp()
	}
	servers := len(w.outage.cfg.Servers)
	w.at = (w.at + 1) % servers
	if w.vain++; w.vain%servers == 0 {
		w.rest = outageRest
	}
	w.outage.mu.Lock()
	w.trouble = why
	w.outage.mu.Unlock()
}

// check reads the key: every acknowledged write must be there, and others may.
func (w *writer) check() error {
	if w.acked == 0 {
		return nil
	}
	keys := w.outage.cfg.Keys
	answer, err := w.read()
	if err == nil {
		err = checkData(answer, w.key, keys.ValueBytes)
	}
	if err != nil {
		return fmt.Errorf("read %s again: %w", keys.Path(w.key), err)
	}
	if got := binary.LittleEndian.Uint64(answer[4+valueKeyBytes:]); got < w.acked || got > w.sent {
		return fmt.Errorf("%w: %s holds write %d, want one from %d (acknowledged) to %d (sent)",
			errWrongAnswer, keys.Path(w.key), got, w.acked, w.sent)
	}
	return nil
}

// read gets the key from the first server that will answer.
func (w *writer) read() (answer []byte, err error) {
	cfg := &w.outage.cfg
	for range cfg.Servers {
		if w.client.conn == nil {
			err = w.client.dial(cfg.Servers[w.at], outageDial)
		}
		var code int32
		if w.client.conn != nil {
			code, answer, err = w.client.call(OpGet, outageReply, func(b []byte) []byte {
				return append(appendString(b, cfg.Keys.Path(w.key)), 0)
			})
		}
		if err == nil && code != codeOK {
			err = errors.New(codeName(code))
		}
		if err == nil {
			return answer, nil
		}
		w.moveOn(err)
	}
	return nil, err
}
