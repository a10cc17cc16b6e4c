//go:build unix

package bench

import (
	"fmt"
	"io"
	"time"
)

// progressInterval is how often progress is reported.
const progressInterval = 250 * time.Millisecond

var phaseNames = map[phase]string{
	phaseOpen: "connecting", phaseWarm: "warming up", phaseMeasure: "measuring", phaseDrain: "draining",
}

// Progress is where a run stands.
type Progress struct {
	Scenario  string
	Phase     string        // connecting, warming up, measuring or draining
	Elapsed   time.Duration // of this phase
	Limit     time.Duration // of this phase; 0 if it has none
	Answers   int64         // of the whole run so far
	PerSecond float64       // since the last report
	P50US     float64       // of the last interval; 0 before the measured time
	P99US     float64
	Failed    int64         // refused, lost and wrong so far
	Left      time.Duration // until the run ends; 0 if that is unknown
}

// report hands the progress to whoever asked for it.
func (r *run) report(elapsed, limit time.Duration, rate float64) {
	if r.cfg.Progress == nil {
		return
	}
	p := Progress{
		Scenario: r.scenario.Name, Phase: phaseNames[phase(r.phase.Load())],
		Elapsed: elapsed, Limit: limit, Answers: r.count(), PerSecond: rate,
	}
	for _, l := range r.loops {
		p.Failed += l.failed.Load()
		p.P50US = max(p.P50US, float64(l.p50.Load())/1e3)
		p.P99US = max(p.P99US, float64(l.p99.Load())/1e3)
	}
	p.Left = r.left(p)
	r.cfg.Progress(p)
}

// left estimates how long the run still takes, by time or by requests.
func (r *run) left(p Progress) time.Duration {
	if limit := p.Limit; limit > 0 {
		if phase(r.phase.Load()) == phaseWarm {
			limit += r.cfg.Duration
		}
		return max(0, limit-p.Elapsed)
	}
	total := r.cfg.Requests
	if total == 0 && r.scenario.Total != nil {
		total = r.scenario.Total(r.cfg)
	}
	if total == 0 || p.PerSecond <= 0 {
		return 0
	}
	return time.Duration(float64(max(0, total-p.Answers)) / p.PerSecond * float64(time.Second))
}

// String formats the progress as one line.
func (p Progress) String() string {
	line := fmt.Sprintf("%s: %s %.1f", p.Scenario, p.Phase, p.Elapsed.Seconds())
	if p.Limit > 0 {
		line += fmt.Sprintf("/%.0f", p.Limit.Seconds())
	}
	line += fmt.Sprintf(" s, %s ops/s, %d answers", formatCount(p.PerSecond), p.Answers)
	if p.P99US > 0 {
		line += fmt.Sprintf(", p50 %s, p99 %s", formatUS(p.P50US), formatUS(p.P99US))
	}
	if p.Left > 0 {
		line += fmt.Sprintf(", %s left", p.Left.Round(time.Second))
	}
	if p.Failed > 0 {
		line += fmt.Sprintf(", %d failed", p.Failed)
	}
	return line
}

// formatUS writes microseconds in the unit that suits them.
func formatUS(us float64) string {
	switch {
	case us >= 1e6:
		return formatValue(us/1e6) + " s"
	case us >= 1e3:
		return formatValue(us/1e3) + " ms"
	}
	return formatValue(us) + " us"
}

// ProgressLine returns a function for Config.Progress that keeps one line of a
// terminal up to date, and one that clears it.
func ProgressLine(w io.Writer) (show func(Progress), clear func()) {
	const home, eraseRest = "\r", "\x1b[K"
	return func(p Progress) { fmt.Fprint(w, home+p.String()+eraseRest) },
		func() { fmt.Fprint(w, home+eraseRest) }
}
