//go:build unix

package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Outages that someone else causes: clients write until the time is over, and
// whatever keeps them from it is noticed and timed.

// FailOver is what happened while servers were killed, or were not.
type FailOver struct {
	Servers []string `json:"servers"`
	Began   string   `json:"began"` // RFC 3339, UTC
	Clients int      `json:"clients"`
	Seconds float64  `json:"seconds"`
	// ThresholdMS is the shortest gap between a client's writes that counts.
	ThresholdMS float64 `json:"threshold_ms"`
	Writes      int64   `json:"writes"` // acknowledged
	Breaks      []Break `json:"breaks,omitempty"`
	// StepSeconds is the length of each step of Course, which counts the
	// writes acknowledged in it.
	StepSeconds float64 `json:"step_seconds"`
	Course      []int64 `json:"course"`
	Interrupted bool    `json:"interrupted,omitempty"`
}

// Break is one outage.
type Break struct {
	// AtSeconds is when the last write before it was acknowledged to any of
	// the clients that it kept from writing, since the beginning.
	AtSeconds float64 `json:"at_seconds"`
	// NobodyMS is how long no client at all had a write acknowledged; 0 if
	// others could go on. AllMS is how long until every client had again.
	NobodyMS float64 `json:"nobody_ms"`
	AllMS    float64 `json:"all_ms"`
	// Clients counts those that were kept from writing. Lasting says that some
	// still were when time was up.
	Clients int  `json:"clients"`
	Lasting bool `json:"lasting,omitempty"`
}

// failOverStep is the resolution of the course.
const failOverStep = 100 * time.Millisecond

// tracker finds the breaks. It is called under the lock of the outage.
type tracker struct {
	threshold time.Duration
	began     time.Time
	lastAny   time.Time
	last      []time.Time // of each client
	breaks    []trackedBreak
	course    []int64
	writes    int64
}

type trackedBreak struct {
	from, to time.Time
	nobody   time.Duration
	clients  map[int]struct{}
	lasting  bool
}

func newTracker(clients int, threshold time.Duration, now time.Time) *tracker {
	t := &tracker{threshold: threshold, began: now, lastAny: now}
	for range clients {
		t.last = append(t.last, now)
	}
	return t
}

// wrote notes that a client had a write acknowledged.
func (t *tracker) wrote(client int, now time.Time) {
	t.gap(client, now, false)
	t.last[client], t.lastAny = now, now
	t.writes++
	step := int(now.Sub(t.began) / failOverStep)
	for len(t.course) <= step {
		t.course = append(t.course, 0)
	}
	t.course[step]++
}

// gap notes how long a client could not write, if that was long. Gaps of
// several clients that overlap are one break.
func (t *tracker) gap(client int, now time.Time, lasting bool) {
	since := t.last[client]
	if now.Sub(since) <= t.threshold {
		return
	}
	if n := len(t.breaks); n == 0 || !t.breaks[n-1].to.After(since) {
		t.breaks = append(t.breaks, trackedBreak{from: since, clients: make(map[int]struct{})})
	}
	b := &t.breaks[len(t.breaks)-1]
	b.clients[client] = struct{}{}
	b.to, b.lasting = now, b.lasting || lasting
	if since.Before(b.from) {
		b.from = since
	}
	if nobody := now.Sub(t.lastAny); nobody > t.threshold {
		b.nobody = max(b.nobody, nobody)
	}
}

// finish notes who still cannot write, and tells everything.
func (t *tracker) finish(now time.Time) *FailOver {
	for client := range t.last {
		t.gap(client, now, true)
	}
	f := &FailOver{
		Began: t.began.UTC().Format(time.RFC3339), Clients: len(t.last), Seconds: now.Sub(t.began).Seconds(),
		ThresholdMS: ms(t.threshold), Writes: t.writes, StepSeconds: failOverStep.Seconds(), Course: t.course,
	}
	for _, b := range t.breaks {
		f.Breaks = append(f.Breaks, Break{
			AtSeconds: b.from.Sub(t.began).Seconds(), NobodyMS: ms(b.nobody), AllMS: ms(b.to.Sub(b.from)),
			Clients: len(b.clients), Lasting: b.lasting,
		})
	}
	return f
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// RunFailOver lets clients write for cfg.Duration and reports what kept any of
// them from it for longer than the threshold. The caller kills the servers. When
// ctx is cancelled it ends early with what there is. The error comes with the
// report if a session was lost, or a key does not hold its last acknowledged
// write.
func RunFailOver(ctx context.Context, cfg Config, clients int, threshold time.Duration) (*FailOver, error) {
	if threshold < 2*outageBeat {
		return nil, fmt.Errorf("threshold %v: want at least %v, twice the time between writes", threshold, 2*outageBeat)
	}
	if cfg.Duration <= 0 {
		return nil, errors.New("duration 0: want more")
	}
	cfg.Keys.Count = max(clients, 1)
	cfg.Keys.ValueBytes = max(cfg.Keys.ValueBytes, valueHeadBytes)
	if err := Prepare(ctx, cfg); err != nil {
		return nil, err
	}
	o, err := StartOutage(cfg, clients)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	o.tracker = newTracker(clients, threshold, time.Now())
	o.mu.Unlock()
	interrupted := o.watch(ctx, cfg)
	o.mu.Lock()
	report := o.tracker.finish(time.Now())
	o.mu.Unlock()
	report.Servers, report.Interrupted = cfg.Servers, interrupted
	return report, o.Stop()
}

// watch waits for the end and reports progress meanwhile.
func (o *Outage) watch(ctx context.Context, cfg Config) (interrupted bool) {
	began := time.Now()
	timer := time.NewTimer(cfg.Duration)
	defer timer.Stop()
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	last := int64(0)
	for {
		select {
		case <-ctx.Done():
			return true
		case <-timer.C:
			return false
		case now := <-ticker.C:
			o.mu.Lock()
			p := Progress{
				Scenario: "failover", Phase: fmt.Sprintf("%d outages", len(o.tracker.breaks)), Elapsed: now.Sub(began), Limit: cfg.Duration,
				Answers: o.tracker.writes, PerSecond: float64(o.tracker.writes-last) / progressInterval.Seconds(),
				Left: cfg.Duration - now.Sub(began),
			}
			last = o.tracker.writes
			fatal := o.fatal
			o.mu.Unlock()
			if cfg.Progress != nil {
				cfg.Progress(p)
			}
			if fatal != nil {
				return true
			}
		}
	}
}

// WriteText writes the report in lines, one for each outage.
func (f *FailOver) WriteText(w io.Writer) error {
	var b strings.Builder
	ended := ""
	if f.Interrupted {
		ended = " (ended early)"
	}
	fmt.Fprintf(&b, "%d clients wrote %s times in %.1f s%s; outages longer than %.0f ms: %d\n",
		f.Clients, formatCount(float64(f.Writes)), f.Seconds, ended, f.ThresholdMS, len(f.Breaks))
	for i, k := range f.Breaks {
		nobody := "others could write on"
		if k.NobodyMS > 0 {
			nobody = fmt.Sprintf("nobody could write for %.0f ms", k.NobodyMS)
		}
		all := fmt.Sprintf("everybody could again after %.0f ms", k.AllMS)
		if k.Lasting {
			all = fmt.Sprintf("not everybody could again until the end, %.0f ms", k.AllMS)
		}
		fmt.Fprintf(&b, "outage %d at %.1f s, %d of %d clients: %s, %s\n", i+1, k.AtSeconds, k.Clients, f.Clients, nobody, all)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
