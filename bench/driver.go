//go:build unix

package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Config says how to run a scenario.
type Config struct {
	// Servers are host:port pairs; sessions are dealt out to them in turn.
	Servers []string
	// Sessions is the number of connections, each with a session of its own.
	Sessions int
	// Window is the number of requests outstanding on each session.
	Window int
	// Threads is the number of loops. One is right when the generator shares
	// the machine with the server.
	Threads int
	// Keys names the znodes and the size of their values.
	Keys Keyspace
	// Warmup is run before the measured time with the same load.
	Warmup time.Duration
	// Duration is the measured time. 0 lets the load decide when it is done.
	Duration time.Duration
	// Requests ends the measured time after that many requests, all answered;
	// 0 does not.
	Requests int64
	// Rate is how many operations a second are due, for an open loop with
	// latencies that count from when each was due. 0 means a closed loop.
	Rate float64
	// Distribution says how often each key is used.
	Distribution Distribution
	// SessionTimeout is asked for in the handshake.
	SessionTimeout time.Duration
	// ReplyTimeout is how long an answer may take before its session is given
	// up and its requests count as lost.
	ReplyTimeout time.Duration
	// ServerPIDs are the server's processes on this machine, to measure what
	// they use; may be empty.
	ServerPIDs []int
	// ServerInside says that the server runs inside this process, so that what
	// the loops did not use is its CPU.
	ServerInside bool
	// SkipPrepare leaves out the scenario's preparation, for callers that have
	// done it already.
	SkipPrepare bool
	// Progress, if not nil, is called a few times a second.
	Progress func(Progress)
}

// Limits of a Config, named in the errors of Validate.
const (
	SessionsMax = 100_000
	WindowMax   = 65_536
	ThreadsMax  = 64
	RateMax     = 1e8
)

// DefaultConfig returns eight sessions with one request outstanding on each for
// ten seconds after two of warm-up, on 10,000 keys of 100 bytes.
func DefaultConfig() Config {
	return Config{
		Servers: []string{"127.0.0.1:2181"}, Sessions: 8, Window: 1, Threads: 1,
		Keys:   Keyspace{Root: "/bench", Count: 10_000, ValueBytes: 100},
		Warmup: 2 * time.Second, Duration: 10 * time.Second,
		SessionTimeout: 30 * time.Second, ReplyTimeout: 15 * time.Second,
	}
}

// Validate returns an error that names the field and its allowed range.
func (c Config) Validate() error {
	switch {
	case len(c.Servers) == 0:
		return errors.New("servers: want at least one host:port")
	case c.Sessions < 1 || c.Sessions > SessionsMax:
		return fmt.Errorf("sessions %d: want 1 to %d", c.Sessions, SessionsMax)
	case c.Window < 1 || c.Window > WindowMax:
		return fmt.Errorf("window %d: want 1 to %d", c.Window, WindowMax)
	case c.Threads < 1 || c.Threads > ThreadsMax:
		return fmt.Errorf("threads %d: want 1 to %d", c.Threads, ThreadsMax)
	case c.Warmup < 0 || c.Duration < 0:
		return fmt.Errorf("warm-up %v, duration %v: want 0 or more", c.Warmup, c.Duration)
	case c.Requests != 0 && c.Requests < int64(c.Threads):
		return fmt.Errorf("requests %d: want at least one for each of %d threads, or 0 for no limit", c.Requests, c.Threads)
	case c.Rate < 0 || c.Rate > RateMax || c.Rate > 0 && c.Rate < 1e-3:
		return fmt.Errorf("rate %v: want 0.001 to %.0f a second, or 0 for a closed loop", c.Rate, RateMax)
	case c.SessionTimeout < 100*time.Millisecond || c.SessionTimeout > time.Hour:
		return fmt.Errorf("session timeout %v: want 100ms to 1h", c.SessionTimeout)
	case c.ReplyTimeout < 100*time.Millisecond || c.ReplyTimeout > time.Hour:
		return fmt.Errorf("reply timeout %v: want 100ms to 1h", c.ReplyTimeout)
	}
	if err := c.Distribution.Validate(); err != nil {
		return err
	}
	for _, server := range c.Servers {
		if _, _, err := net.SplitHostPort(server); err != nil {
			return fmt.Errorf("server %q: want host:port: %w", server, err)
		}
	}
	return c.Keys.Validate()
}

// run is one execution of a scenario.
type run struct {
	cfg      Config
	scenario Scenario
	phase    atomic.Int32
	loops    []*loop
	wait     sync.WaitGroup
	began    time.Time
	marks    struct{ start, from, to snapshot }
}

// Run executes a scenario and returns what it measured. When ctx is cancelled
// it ends early with the results so far, marked as interrupted. The error is
// for what made measuring impossible; refused, lost and wrong answers are in
// the result, and [Result.Err] judges them.
func Run(ctx context.Context, cfg Config, scenario Scenario) (*Result, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if scenario.Check != nil {
		if err := scenario.Check(cfg); err != nil {
			return nil, fmt.Errorf("%s: %w", scenario.Name, err)
		}
	}
	if scenario.Prepare != nil && !cfg.SkipPrepare {
		if err := scenario.Prepare(ctx, cfg); err != nil {
			return nil, fmt.Errorf("%s: %w", scenario.Name, err)
		}
	}
	if err := enoughFiles(cfg.Sessions); err != nil {
		return nil, err
	}
	r := &run{cfg: cfg, scenario: scenario, began: time.Now()}
	if err := r.prepare(); err != nil {
		return nil, err
	}
	// Each loop keeps one of Go's processors busy, even while it waits.
	addProcessors(len(r.loops))
	defer addProcessors(-len(r.loops))

	r.marks.start = takeSnapshot(cfg.ServerPIDs)
	for _, l := range r.loops {
		r.wait.Go(l.run)
	}
	interrupted, err := r.direct(ctx)
	r.phase.Store(int32(phaseDrain))
	r.wait.Wait()
	if err != nil {
		return nil, err
	}
	return r.result(interrupted), nil
}

// processors makes changes of the number of Go's processors exclusive, so that
// runs at the same time add up.
var processors sync.Mutex

func addProcessors(n int) {
	processors.Lock()
	defer processors.Unlock()
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + n)
}

// prepare makes the loops and deals the sessions out to them.
func (r *run) prepare() error {
	var addrs []*net.TCPAddr
	for _, server := range r.cfg.Servers {
		addr, err := net.ResolveTCPAddr("tcp", server)
		if err != nil {
			return fmt.Errorf("server %q: %w", server, err)
		}
		addrs = append(addrs, addr)
	}
	threads := min(r.cfg.Threads, r.cfg.Sessions)
	var skewed *zipf
	if r.cfg.Distribution.Name == "zipf" {
		skewed = newZipf(r.cfg.Keys.Count, r.cfg.Distribution.Exponent)
	}
	for i := range threads {
		load := r.scenario.Load(Part{
			Loop: i, Loops: threads, Window: r.cfg.Window, Keys: r.cfg.Keys.Count,
			Random: NewRandom(uint64(i) + 1), Keyspace: r.cfg.Keys, zipf: skewed,
		})
		l, err := newLoop(&r.cfg, i, load, &r.phase, r.began)
		if err != nil {
			return err
		}
		l.hangUp = r.scenario.HangUp
		l.share = share(r.cfg.Requests, i, threads)
		if r.cfg.Rate > 0 {
			if l.pace, err = paceLoad(&r.cfg, r.scenario.Name, load, threads); err != nil {
				return err
			}
		}
		r.loops = append(r.loops, l)
	}
	for i := range r.cfg.Sessions {
		r.loops[i%threads].addSession(i, addrs[i%len(addrs)])
	}
	return nil
}

// share divides requests among the loops; the first ones get what is left over.
func share(requests int64, i, loops int) int64 {
	n := requests / int64(loops)
	if int64(i) < requests%int64(loops) {
		n++
	}
	return n
}

// direct leads the loops through the phases up to the end of measured time.
func (r *run) direct(ctx context.Context) (interrupted bool, err error) {
	opened := func(l *loop) <-chan struct{} { return l.opened }
	if r.await(ctx, opened, 0) == waitCancelled {
		return true, fmt.Errorf("interrupted while sessions were being opened: %w", ctx.Err())
	}
	for _, l := range r.loops {
		if errors.Is(l.openErr, errNoAnswer) {
			return false, explainSilence(l.openErr, r.cfg.Servers...)
		}
		if l.openErr != nil {
			return false, l.openErr
		}
	}
	done := func(l *loop) <-chan struct{} { return l.idle }
	if r.cfg.Warmup > 0 {
		r.phase.Store(int32(phaseWarm))
		if r.await(ctx, done, r.cfg.Warmup) == waitCancelled {
			interrupted = true
		}
	}
	r.marks.from = takeSnapshot(r.cfg.ServerPIDs)
	if !interrupted {
		r.phase.Store(int32(phaseMeasure))
		interrupted = r.await(ctx, done, r.cfg.Duration) == waitCancelled
	}
	r.marks.to = takeSnapshot(r.cfg.ServerPIDs)
	return interrupted, nil
}

// waitEnd says why a wait ended.
type waitEnd int

const (
	waitSignalled waitEnd = iota
	waitTimedOut
	waitCancelled
)

// await waits until every loop has closed the channel, the time is over (0: no
// limit) or ctx is cancelled, and reports progress meanwhile.
func (r *run) await(ctx context.Context, signal func(*loop) <-chan struct{}, limit time.Duration) waitEnd {
	began := time.Now()
	var timeout <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		timeout = timer.C
	}
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	last, lastAt := r.count(), began
	for _, l := range r.loops {
		for waiting := true; waiting; {
			select {
			case <-signal(l):
				waiting = false
			case <-timeout:
				return waitTimedOut
			case <-ctx.Done():
				return waitCancelled
			case now := <-ticker.C:
				count := r.count()
				r.report(now.Sub(began), limit, float64(count-last)/now.Sub(lastAt).Seconds())
				last, lastAt = count, now
			}
		}
	}
	return waitSignalled
}

// count returns the number of answers so far.
func (r *run) count() (n int64) {
	for _, l := range r.loops {
		n += l.answered.Load()
	}
	return n
}
