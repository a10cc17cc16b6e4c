package transcript

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// recordedToken stands in every path of the recordings; each run puts one of its own there, so that a server can be used
// again and again.
const recordedToken = "gx00000"

// Player plays scenarios against servers that run already. It may play several at a time.
type Player struct {
	Servers []string // addresses for clients; an ensemble's in the order of its members
	Admin   string   // host:port of the first server's commands over HTTP, "" if there is none
	// Patience is how long an answer may take beyond what the recording allows; 0: 20 s. It only matters when a server fails.
	Patience time.Duration
}

var plays atomic.Int64

// Play plays one scenario and returns the first difference: which event, what was expected, what came.
func (p *Player) Play(ctx context.Context, s *Scenario) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	patience := p.Patience
	if patience == 0 {
		patience = 20 * time.Second
	}
	run := &run{
		Player: p, ctx: ctx, patience: patience, bound: newBindings(), conns: map[int]*conn{},
		token: fmt.Sprintf("g%06x", (time.Now().UnixMilli()<<8+plays.Add(1)&0xff)&0xffffff),
	}
	defer run.close()
	for i := 0; i < len(s.Events); {
		n, err := run.step(s.Events[i:])
		if err != nil {
			e := &s.Events[i]
			return fmt.Errorf("event %d (connection %d, %s %s%s): %w", e.Index, e.Conn, e.Do, e.Op, e.As, err)
		}
		i += n
	}
	return nil
}

// run is one play of one scenario.
type run struct {
	*Player
	ctx      context.Context
	patience time.Duration
	token    string
	bound    *bindings
	conns    map[int]*conn
}

func (r *run) close() {
	for _, c := range r.conns {
		_ = c.Close()
	}
}

// step plays the first event, or all of the group that begins with it, and returns how many it has played.
func (r *run) step(events []Event) (int, error) {
	e := &events[0]
	switch e.Do {
	case "open":
		return 1, r.open(e)
	case "sleep":
		return 1, r.pause(time.Duration(e.Ms) * time.Millisecond)
	case "4lw":
		return 1, r.fourLetterWord(e)
	case "http":
		return 1, r.http(e)
	}
	c := r.conns[e.Conn]
	if c == nil {
		return 1, errors.New("the recording never opened this connection")
	}
	switch e.Do {
	case "send":
		return 1, r.send(c, e)
	case "recv":
		n := 1
		for e.Group != 0 && n < len(events) && events[n].Group == e.Group && events[n].Do == "recv" {
			n++
		}
		return n, r.receive(c, events[:n])
	case "eof":
		return 1, r.end(c, e)
	case "quiet":
		return 1, r.quiet(c, time.Duration(e.Ms)*time.Millisecond)
	case "drop":
		return 1, c.Close()
	}
	return 1, fmt.Errorf("the recording has an event %q that nobody knows", e.Do)
}

// address is the member's that an event is about.
func (r *run) address(e *Event) (string, error) {
	if e.Server >= len(r.Servers) {
		return "", fmt.Errorf("the recording needs server %d of an ensemble, there are %d", e.Server, len(r.Servers))
	}
	return r.Servers[e.Server], nil
}

func (r *run) open(e *Event) error {
	address, err := r.address(e)
	if err != nil {
		return err
	}
	tcp, err := (&net.Dialer{Timeout: r.patience}).DialContext(r.ctx, "tcp", address)
	if err != nil {
		return err
	}
	c := &conn{Conn: tcp, frames: make(chan []byte, 64)}
	r.conns[e.Conn] = c
	go c.read(r.ctx)
	return nil
}

func (r *run) pause(d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

// send doesn't mind a closed connection: whether it should have been is for the following events to say.
func (r *run) send(c *conn, e *Event) error {
	b, err := e.frame()
	if err != nil {
		return err
	}
	b = r.inject(b)
	for _, s := range e.Subst {
		if err := r.substitute(b, s); err != nil {
			return err
		}
	}
	_, _ = c.Write(b)
	return nil
}

// inject puts this run's token in place of the recorded one.
func (r *run) inject(b []byte) []byte {
	return bytes.ReplaceAll(b, []byte(recordedToken), []byte(r.token))
}

func (r *run) substitute(frame []byte, s Substitution) error {
	var value []byte
	switch s.Kind {
	case "passwd":
		password, ok := r.bound.passwords["x:"+s.Value]
		if !ok {
			return fmt.Errorf("no session has the recorded password %s yet", s.Value)
		}
		b, err := hex.DecodeString(strings.TrimPrefix(password, "x:"))
		if err != nil {
			return err
		}
		value = b
	case "sid", "zxid":
		recorded, err := strconv.ParseInt(s.Value, 10, 64)
		if err != nil {
			return err
		}
		actual, ok := r.bound.zxidHere(recorded)
		if s.Kind == "sid" {
			actual, ok = r.bound.sessions[recorded]
		}
		if !ok {
			return fmt.Errorf("the recorded %s %d has not occurred yet", s.Kind, recorded)
		}
		value = binary.BigEndian.AppendUint64(nil, uint64(actual))
	default:
		return fmt.Errorf("the recording substitutes a %q, which nobody knows", s.Kind)
	}
	if s.Offset < 0 || s.Offset+len(value) > len(frame) {
		return fmt.Errorf("substitution at %d is outside of the frame of %d bytes", s.Offset, len(frame))
	}
	copy(frame[s.Offset:], value)
	return nil
}

// receive takes as many frames as there are events; each must fit one of them.
func (r *run) receive(c *conn, events []Event) error {
	left := make([]*Event, len(events))
	for i := range events {
		left[i] = &events[i]
	}
	for len(left) > 0 {
		frame, err := r.next(c, left[0])
		if err != nil {
			return err
		}
		var first error
		fit := -1
		for i, e := range left {
			bound := r.bound.clone()
			if err = r.matches(e, frame, bound); err == nil {
				r.bound, fit = bound, i
				break
			}
			if first == nil {
				first = err
			}
		}
		if fit < 0 {
			return first
		}
		left = append(left[:fit], left[fit+1:]...)
	}
	return nil
}

// next waits for a frame.
func (r *run) next(c *conn, e *Event) ([]byte, error) {
	select {
	case frame, ok := <-c.frames:
		if !ok {
			return nil, fmt.Errorf("expected %s, but the server closed the connection: %w", e.Fields, c.ended())
		}
		return frame, nil
	case <-time.After(r.patience + time.Duration(e.Ms)*time.Millisecond):
		return nil, fmt.Errorf("expected %s, but nothing came within %v", e.Fields, r.patience)
	case <-r.ctx.Done():
		return nil, r.ctx.Err()
	}
}

func (r *run) matches(e *Event, frame []byte, bound *bindings) error {
	b, err := e.frame()
	if err != nil {
		return err
	}
	recorded, err := decode(e.As, r.inject(b))
	if err != nil {
		return fmt.Errorf("the recording: %w", err)
	}
	actual, err := decode(e.As, frame)
	if err != nil {
		return fmt.Errorf("%w\nexpected %s\ngot      %s\nbytes    %x", err, show(recorded), show(actual), frame)
	}
	if diffs := bound.compare(recorded, actual, e.Rules); len(diffs) > 0 {
		return fmt.Errorf("%s\nexpected %s\ngot      %s", strings.Join(diffs, "\n"), show(recorded), show(actual))
	}
	return nil
}

// end demands that the server closes the connection and says nothing more before it.
func (r *run) end(c *conn, e *Event) error {
	select {
	case frame, ok := <-c.frames:
		if ok {
			return fmt.Errorf("expected the end of the connection, got %x", frame)
		}
		return nil
	case <-time.After(r.patience + time.Duration(e.Ms)*time.Millisecond):
		return fmt.Errorf("the server didn't close the connection within %v", r.patience)
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

// quiet demands that nothing comes for a while, and that the connection stays.
func (r *run) quiet(c *conn, d time.Duration) error {
	select {
	case frame, ok := <-c.frames:
		if !ok {
			return fmt.Errorf("expected silence, but the server closed the connection: %w", c.ended())
		}
		return fmt.Errorf("expected silence, got %x", frame)
	case <-time.After(d):
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}
