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
	Failed    int64         // refused, lost and wrong so far
}

// String formats the progress as one line.
func (p Progress) String() string {
	line := fmt.Sprintf("%s: %s %.1f", p.Scenario, p.Phase, p.Elapsed.Seconds())
	if p.Limit > 0 {
		line += fmt.Sprintf("/%.0f", p.Limit.Seconds())
	}
	line += fmt.Sprintf(" s, %s ops/s, %d answers", formatCount(p.PerSecond), p.Answers)
	if p.Failed > 0 {
		line += fmt.Sprintf(", %d failed", p.Failed)
	}
	return line
}

// ProgressLine returns a function for Config.Progress that keeps one line of a
// terminal up to date, and one that clears it.
func ProgressLine(w io.Writer) (show func(Progress), clear func()) {
	const home, eraseRest = "\r", "\x1b[K"
	return func(p Progress) { fmt.Fprint(w, home+p.String()+eraseRest) },
		func() { fmt.Fprint(w, home+eraseRest) }
}
