//go:build unix

package bench

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"runtime"
	"sync/atomic"
	"time"
)

// phase is how far a run has come. The driver sets it, the loops follow.
type phase int32

const (
	phaseOpen    phase = iota // sessions are being opened
	phaseWarm                 // the load runs, nothing counts yet
	phaseMeasure              // answers count
	phaseDrain                // no new requests; outstanding ones are awaited
)

const (
	// inputBytes is what one read call takes in at most. Larger frames get a
	// buffer of their own.
	inputBytes = 128 << 10
	// waitMS bounds how long a loop waits, so that it notices a new phase.
	waitMS = 10
	// openingMax is how many sessions a loop opens at the same time.
	openingMax = 64
	// closeGrace is how long a loop waits for servers to hang up at the end.
	closeGrace = 2 * time.Second
	// intervalsMax is about how many intervals a run of given length has.
	intervalsMax = 400
)

var (
	errUnasked  = errors.New("an answer came that no request asked for")
	errWatch    = errors.New("a watch event came that no request asked for")
	errNoAnswer = errors.New("no answer in time")
)

// loop drives a part of the sessions on one goroutine, which is bound to its
// thread so that the CPU it uses can be told.
type loop struct {
	poll     *poller
	load     Load
	rec      *recorder
	keys     Keyspace
	options  *Config
	phase    *atomic.Int32
	base     time.Time // zero of the loop's clock
	now      time.Duration
	lastTick time.Duration
	lastScan time.Duration

	sessions []*Session
	byFD     []*Session
	toOpen   []*Session
	opening  int
	live     int
	seq      uint64        // numbers the values written
	stamp    time.Duration // when requests sent now count as sent: now, or when they were due
	sent     int64         // requests so far, and how many may be sent
	quota    int64
	share    int64 // of Config.Requests; 0 for no limit
	pace     *pace // nil in a closed loop
	rollStep time.Duration
	touched  []*Session // sent on during a tick, to be flushed after it
	ticking  bool
	draining bool
	hangUp   bool // at the end, without asking to close
	started  bool
	openErr  error

	input   []byte
	scratch []byte

	answered atomic.Int64 // for the progress line
	failed   atomic.Int64
	p50, p99 atomic.Int64  // of the last interval, in nanoseconds
	opened   chan struct{} // closed when every session is open, or openErr set
	idle     chan struct{} // closed when the load is done
	idleSent bool
	cpu      func() time.Duration // of this loop's thread, set while it runs
	unsent   int64                // requests due and not sent when measured time ended
	cpuSpent [2]time.Duration     // at the beginning and end of measured time
}

func newLoop(cfg *Config, number int, load Load, ph *atomic.Int32, base time.Time) (*loop, error) {
	poll, err := newPoller()
	if err != nil {
		return nil, err
	}
	return &loop{
		poll: poll, load: load, rec: newRecorder(), keys: cfg.Keys, options: cfg, phase: ph, base: base,
		// Values of different loops and runs must differ, so each has its own range.
		seq:   uint64(number)<<56 | uint64(base.UnixNano())&(1<<56-1),
		quota: math.MaxInt64, rollStep: max(progressInterval, cfg.Duration/intervalsMax),
		input: make([]byte, inputBytes), scratch: make([]byte, 0, inputBytes),
		opened: make(chan struct{}), idle: make(chan struct{}),
	}, nil
}

// addSession gives the loop a session to open.
func (l *loop) addSession(index int, addr *net.TCPAddr) {
	s := &Session{loop: l, index: index, addr: addr, fd: -1}
	l.sessions = append(l.sessions, s)
	l.toOpen = append(l.toOpen, s)
}

// run opens the sessions, drives them through the phases and closes them.
func (l *loop) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer l.poll.close()
	if l.pace != nil {
		defer beOnTime()()
	}
	l.cpu = threadCPU()
	l.clock()
	drained := false
	for !drained {
		l.openMore()
		if !l.step() {
			break
		}
		drained = l.follow(phase(l.phase.Load()))
	}
	l.closeAll()
}

// step waits for sockets and handles those that are ready. It reports false
// when the poller is broken, which ends the loop.
func (l *loop) step() bool {
	events, err := l.poll.wait(l.pace.untilDue(l, waitMS*time.Millisecond))
	l.clock()
	if err != nil {
		l.rec.lose(1, err)
		l.giveUp(err)
		return false
	}
	for _, e := range events {
		s := l.byFD[e.fd]
		if s == nil {
			continue
		}
		if err := l.handle(s, e); err != nil {
			l.drop(s, err)
		}
	}
	l.sendDue()
	l.answered.Store(l.rec.answered)
	l.failed.Store(l.rec.refused + l.rec.lost + l.rec.wrong)
	if l.now-l.lastTick >= waitMS*time.Millisecond {
		l.lastTick = l.now
		l.tick()
	}
	return true
}

// follow acts on the phase and reports whether the loop is through.
func (l *loop) follow(p phase) bool {
	if p == phaseMeasure && !l.rec.active && l.rec.to == 0 {
		l.rec.begin(l.now)
		l.cpuSpent[0] = l.cpu()
		if l.share > 0 {
			l.quota = l.sent + l.share
		}
	}
	if p >= phaseWarm && !l.started {
		l.started = true
		l.startAll()
	}
	if p == phaseDrain && !l.draining {
		l.endMeasure()
		l.draining = true
	}
	alone := l.live == 0 && l.opening == 0 && len(l.toOpen) == 0
	if l.started && !l.idleSent && (alone || (l.load.Done() || l.sent >= l.quota) && l.outstanding() == 0) {
		l.endMeasure()
		l.idleSent = true
		close(l.idle)
	}
	return l.draining && l.outstanding() == 0
}

// endMeasure closes the measured time, once.
func (l *loop) endMeasure() {
	if l.rec.active {
		l.unsent = l.pace.backlog(l.now)
		l.cpuSpent[1] = l.cpu()
	}
	l.rec.end(l.now)
}

// clock reads the time. Once for a batch is enough, and costs less.
func (l *loop) clock() {
	l.now = time.Since(l.base)
	l.stamp = l.now
}

// tick does what is due now and then, away from the hot path.
func (l *loop) tick() {
	if l.started && !l.draining {
		l.ticking = true
		l.load.Tick(l.now, l.sessions)
		l.ticking = false
		for _, s := range l.touched {
			if err := s.flush(); err != nil {
				l.drop(s, err)
			}
		}
		l.touched = l.touched[:0]
	}
	if l.rec.active && l.now-l.rec.rolled >= l.rollStep {
		l.rec.roll(l.now)
		last := l.rec.series[len(l.rec.series)-1]
		l.p50.Store(int64(last.P50US * 1e3))
		l.p99.Store(int64(last.P99US * 1e3))
	}
	if l.now-l.lastScan < time.Second {
		return
	}
	l.lastScan = l.now
	for _, s := range l.sessions {
		if s.state == stateDialing || s.state == stateGreeting {
			if l.now-s.dialed > l.options.ReplyTimeout {
				l.drop(s, fmt.Errorf("open a session with %v within %v: %w", s.addr, l.options.ReplyTimeout, errNoAnswer))
			}
		} else if o, ok := s.waiting.oldest(); ok && l.now-max(o.sent, s.heard) > l.options.ReplyTimeout {
			l.drop(s, fmt.Errorf("%s sent to %v within %v: %w", o.op, s.addr, l.options.ReplyTimeout, errNoAnswer))
		}
	}
}

// startAll lets the load begin on every session.
func (l *loop) startAll() {
	for _, s := range l.sessions {
		if s.state != stateOpen {
			continue
		}
		l.load.Start(s)
		if err := s.flush(); err != nil {
			l.drop(s, err)
		}
	}
}

// outstanding counts requests without an answer, and sessions on their way.
func (l *loop) outstanding() int {
	n := l.opening
	for _, s := range l.sessions {
		n += s.waiting.size
	}
	return n
}

// handle serves a socket that is ready. An error means that the session is gone.
func (l *loop) handle(s *Session, e event) error {
	if s.state == stateDialing {
		if err := socketError(s.fd); err != nil {
			return explainDial(fmt.Errorf("connect to %v: %w", s.addr, err))
		}
		if !e.writable {
			return nil
		}
		s.state = stateGreeting
	} else if e.readable {
		if err := l.receive(s); err != nil {
			return err
		}
		if s.state == stateClosed {
			return nil
		}
	}
	return s.flush()
}

// receive takes in what has arrived and handles each complete frame.
func (l *loop) receive(s *Session) error {
	buf := l.input
	kept := len(s.partial)
	if s.need <= len(buf) {
		copy(buf, s.partial)
	} else {
		buf = s.partial[:cap(s.partial)]
	}
	n, err := readSocket(s.fd, buf[kept:])
	if errors.Is(err, errAgain) {
		return nil
	}
	if err == nil && n == 0 {
		err = io.EOF
	}
	if err != nil {
		if s.state == stateClosing && s.waiting.size == 0 {
			l.hungUp(s)
			return nil
		}
		if s.state == stateGreeting {
			err = explainGreeting(err)
		}
		return fmt.Errorf("read from %v: %w", s.addr, err)
	}
	l.clock()
	rest := buf[:kept+n]
	if s.state == stateGreeting {
		if err := checkGreeting(rest); err != nil {
			return fmt.Errorf("open a session with %v: %w", s.addr, err)
		}
	}
	for {
		body, next, need, err := nextFrame(rest)
		if err != nil {
			l.rec.fail(err)
			return fmt.Errorf("read from %v: %w", s.addr, err)
		}
		if need > 0 {
			s.keep(rest, need)
			return nil
		}
		rest = next
		if s.state == stateGreeting {
			err = l.greeted(s, body)
		} else {
			err = l.answer(s, body)
		}
		if err != nil {
			return err
		}
	}
}

// keep stores the input that ends within a frame of need bytes. A frame too
// large for the loop's buffer is collected in place, in one of its own size.
func (s *Session) keep(rest []byte, need int) {
	s.need = need
	switch {
	case len(rest) == 0:
		s.partial, s.need = s.partial[:0], 0
	case cap(s.partial) < need:
		s.partial = append(make([]byte, 0, need), rest...)
	case len(s.partial) > 0 && &rest[0] == &s.partial[0]:
		s.partial = rest
	default:
		s.partial = append(s.partial[:0], rest...)
	}
}

// answer handles one frame of an open session.
func (l *loop) answer(s *Session, body []byte) error {
	h, record, err := parseHeader(body)
	if err == nil && h.xid == watchXid {
		if err = l.event(s, record); err == nil {
			return nil
		}
	}
	if err == nil && s.waiting.size == 0 {
		err = errUnasked
	}
	if err != nil {
		l.rec.fail(err)
		return fmt.Errorf("session with %v: %w", s.addr, err)
	}
	p := s.waiting.pop()
	if err := s.checkAnswer(p, h, record); err != nil {
		l.rec.fail(err)
		return fmt.Errorf("session with %v given up after a wrong answer", s.addr)
	}
	s.zxid, s.heard = h.zxid, l.now
	if p.op == OpWatch && h.code == codeOK {
		s.arm(p.key)
	}
	if h.code != codeOK && !l.load.Expected(p.op, h.code) {
		l.rec.refuse(p.op, h.code)
	} else {
		l.rec.done(p.op, l.now-p.sent)
	}
	l.load.Answered(s, p.op, p.key, h.code)
	return nil
}
