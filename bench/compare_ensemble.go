//go:build unix

package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What is measured of an ensemble, beyond the loads that one server gets too.

// DiskSubject is the name under which the disk appears among the samples.
const DiskSubject = "disk"

// disk measures how long one sync takes, where the servers have their data.
func (c *comparer) disk(ctx context.Context, round int) error {
	for _, d := range []struct {
		measure, title string
		time           func(context.Context, string, time.Duration) (Latency, error)
	}{
		{measureSync, "1 KiB into a preallocated file", TimeSync},
		{measureSyncGrowing, "1 KiB at the end of a file", TimeSyncGrowing},
	} {
		l, err := d.time(ctx, c.cfg.Dir, c.cfg.Measure)
		if err != nil {
			return err
		}
		c.add(d.measure, DiskSubject, round, l.P50US, &Result{
			Scenario: "fdatasync", Title: d.title, Latency: []Latency{l}, ForeignCores: -1,
		})
	}
	return nil
}

// ensembleTurn measures an ensemble that is warm. The outages come last, as
// they leave it with servers that are not.
func (c *comparer) ensembleTurn(ctx context.Context, f *fleet, round int) error {
	for _, m := range append(ensembleMeasures(c.cfg.Watchers), halfMeasure(0)) {
		if m.name == measureHalf {
			m = halfMeasure(c.peak(round)) // which is known by now
		}
		what := fmt.Sprintf("round %d, %s, %s", round, f.subject.Name, m.name)
		if err := c.again(ctx, what, func() error { return c.measureEnsemble(ctx, f, m, round) }); err != nil {
			return err
		}
	}
	if usage := takeSnapshot(f.pids()); usage.serverErr == nil { // unknown but on Linux
		c.add(measureMemory, f.subject.Name, round, float64(usage.server.RSSBytes)/(1<<20), nil)
	}
	if c.cfg.Kills == 0 {
		return nil
	}
	return c.outages(ctx, f, round)
}

// again tries once more what failed with an ensemble, and notes it: one may lose
// its leader or a request, which a long comparison must survive. Wrong answers
// are not forgiven, and nothing is with a server that is alone.
func (c *comparer) again(ctx context.Context, what string, try func() error) error {
	err := try()
	if err == nil || !c.several() || ctx.Err() != nil || errors.Is(err, errWrongAnswer) {
		return err
	}
	c.out.Notes = append(c.out.Notes, fmt.Sprintf("%s was done again: %v", what, err))
	c.cfg.Say("  " + c.out.Notes[len(c.out.Notes)-1])
	return try()
}

// measureEnsemble runs one measure, which counts if the same server led all the
// time.
func (c *comparer) measureEnsemble(ctx context.Context, f *fleet, m loadMeasure, round int) error {
	leader, err := f.await(ctx, upLimit)
	if err != nil {
		return err
	}
	cfg := c.config(f.addresses(leader), f.pids())
	if m.leader {
		cfg.Servers = cfg.Servers[len(cfg.Servers)-1:]
	}
	r, err := c.tryMeasure(ctx, m, cfg)
	if err != nil {
		return err
	}
	if after, err := f.leader(); err != nil || after != leader {
		return errors.Join(fmt.Errorf("%s: the leader changed", m.name), err)
	}
	c.keep(m, f.subject.Name, round, r)
	return nil
}

// keep adds the figures of a measure under load, and those that follow from it.
func (c *comparer) keep(m loadMeasure, subject string, round int, r *Result) {
	c.add(m.name, subject, round, m.value(r), r)
	if m.inSyncs == "" {
		return
	}
	for _, s := range c.out.Samples {
		if s.Measure == measureSync && s.Round == round && s.Value > 0 {
			c.add(m.inSyncs, subject, round, m.value(r)/s.Value, nil)
		}
	}
}

const (
	// outageLimit is how long an ensemble may take to serve writes again.
	outageLimit = time.Minute
	// outageCalm is how long clients write undisturbed before the next kill.
	outageCalm = time.Second
)

// outages kills the leader several times while a client at each server writes,
// and starts it again each time.
func (c *comparer) outages(ctx context.Context, f *fleet, round int) error {
	leader, err := f.await(ctx, upLimit)
	if err != nil {
		return err
	}
	o, err := StartOutage(c.config(f.addresses(leader), nil), len(f.members))
	if err != nil {
		return err
	}
	var first, all []float64
	for kill := 1; kill <= c.cfg.Kills && err == nil; kill++ {
		var times OutageTimes
		if times, err = c.outage(ctx, f, o); err != nil {
			err = fmt.Errorf("kill %d of the leader: %w", kill, err)
		}
		first = append(first, float64(times.Any)/float64(time.Millisecond))
		all = append(all, float64(times.All)/float64(time.Millisecond))
	}
	if err := errors.Join(err, o.Stop()); err != nil {
		return err
	}
	c.addMedian(measureOutageAny, f.subject.Name, round, first)
	c.addMedian(measureOutageAll, f.subject.Name, round, all)
	longest, _ := spreadOf(all)
	c.add(measureOutageLongest, f.subject.Name, round, longest.high, nil)
	return nil
}

// outage lets the clients write for a moment, kills the leader, waits until all
// can write again, and brings the server back.
func (c *comparer) outage(ctx context.Context, f *fleet, o *Outage) (OutageTimes, error) {
	timer := time.NewTimer(outageCalm)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return OutageTimes{}, ctx.Err()
	}
	o.Mark()
	if _, err := o.Recovered(ctx, outageLimit); err != nil {
		return OutageTimes{}, err
	}
	leader, err := f.await(ctx, upLimit)
	if err != nil {
		return OutageTimes{}, err
	}
	if err := f.kill(leader, o.Mark); err != nil {
		return OutageTimes{}, err
	}
	times, err := o.Recovered(ctx, outageLimit)
	if err != nil {
		return OutageTimes{}, err
	}
	if err := f.startMember(leader); err != nil {
		return OutageTimes{}, err
	}
	_, err = f.await(ctx, upLimit)
	return times, err
}

// addMedian keeps the median of several figures, and all of them.
func (c *comparer) addMedian(measure, subject string, round int, values []float64) {
	s, _ := spreadOf(values)
	c.add(measure, subject, round, s.median, nil)
	c.out.Samples[len(c.out.Samples)-1].Values = values
}
