package bench

import (
	"fmt"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// latencyMax is the longest latency told apart; longer ones count as it.
	latencyMax = 2 * time.Minute
	// latencyDigits is the number of significant digits kept of a latency.
	latencyDigits = 3
	// messagesMax bounds the different error texts that a run keeps.
	messagesMax = 20
)

// newHistogram returns an empty histogram of nanoseconds, exact to a microsecond.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(int64(time.Microsecond), int64(latencyMax), latencyDigits)
}

// recorder collects what one loop sees. Only its loop touches it while it runs.
type recorder struct {
	// active says that answers count for the figures. Errors always count.
	active   bool
	from, to time.Duration                    // of the measured time, by the loop's clock
	latency  [opCount]*hdrhistogram.Histogram // of the interval that runs
	total    [opCount]*hdrhistogram.Histogram // of those before it
	opening  *hdrhistogram.Histogram          // handshakes before the measured time
	series   []Interval
	rolled   time.Duration // when the interval began
	failures int64         // until then

	answered int64 // all answers that passed the checks, measured or not
	refused  int64 // answers with an error code that was not expected
	lost     int64 // requests or sessions without an answer
	wrong    int64 // answers that break the protocol or carry wrong data
	messages map[string]int64
}

func newRecorder() *recorder {
	return &recorder{opening: newHistogram(), messages: make(map[string]int64)}
}

// begin starts the measured time.
func (r *recorder) begin(now time.Duration) {
	r.active, r.from, r.to, r.rolled, r.failures = true, now, now, now, r.failed()
}

// end stops it; only the first call counts.
func (r *recorder) end(now time.Duration) {
	if r.active {
		r.roll(now)
		r.active, r.to = false, now
	}
}

// failed counts what went wrong so far.
func (r *recorder) failed() int64 { return r.refused + r.lost + r.wrong }

// roll ends an interval: its figures join the series, its latencies the totals.
// Doing so a few times a second costs less than a second histogram would for
// every answer.
func (r *recorder) roll(now time.Duration) {
	interval := Interval{
		AtSeconds: (now - r.from).Seconds(), Seconds: (now - r.rolled).Seconds(), Failed: r.failed() - r.failures,
	}
	for op, h := range r.latency {
		if h == nil || h.TotalCount() == 0 {
			continue
		}
		if Op(op).answered() {
			interval.Answers += h.TotalCount()
		}
		interval.P50US = max(interval.P50US, float64(h.ValueAtQuantile(50))/1e3)
		interval.P99US = max(interval.P99US, float64(h.ValueAtQuantile(99))/1e3)
		if r.total[op] == nil {
			r.total[op] = newHistogram()
		}
		r.total[op].Merge(h)
		h.Reset()
	}
	r.rolled, r.failures = now, r.failed()
	if interval.Seconds > 0 {
		r.series = append(r.series, interval)
	}
}

// Interval is one step of a run's course.
type Interval struct {
	AtSeconds float64 `json:"at_seconds"` // its end, since the measured time began
	Seconds   float64 `json:"seconds"`    // its length
	Answers   int64   `json:"answers"`
	// P50US and P99US are those of the slowest kind of request, and of the
	// slowest loop if there are several.
	P50US  float64 `json:"p50_us"`
	P99US  float64 `json:"p99_us"`
	Failed int64   `json:"failed,omitempty"`
}

// mergeSeries adds up the intervals of several loops, whose borders are those
// of the first one to within a tick.
func mergeSeries(all [][]Interval) []Interval {
	if len(all) == 0 {
		return nil
	}
	merged := slices.Clone(all[0])
	for _, series := range all[1:] {
		for i, s := range series[:min(len(series), len(merged))] {
			m := &merged[i]
			m.Answers += s.Answers
			m.Failed += s.Failed
			m.P50US, m.P99US = max(m.P50US, s.P50US), max(m.P99US, s.P99US)
		}
	}
	return merged
}

// done counts an answer.
func (r *recorder) done(op Op, latency time.Duration) {
	r.answered++
	if !r.active {
		return
	}
	h := r.latency[op]
	if h == nil {
		h = newHistogram()
		r.latency[op] = h
	}
	_ = h.RecordValue(int64(min(latency, latencyMax))) // in range, so it can't fail
}

// opened counts a handshake.
func (r *recorder) opened(latency time.Duration) {
	_ = r.opening.RecordValue(int64(min(latency, latencyMax)))
}

// refuse counts an answer with an error code.
func (r *recorder) refuse(op Op, code int32) {
	r.answered++
	r.refused++
	r.note(fmt.Sprintf("%s refused: %s", op, codeName(code)))
}

// lose counts n requests that were never answered.
func (r *recorder) lose(n int, why error) {
	r.lost += int64(n)
	r.note("lost: " + why.Error())
}

// fail counts a wrong answer.
func (r *recorder) fail(why error) {
	r.wrong++
	r.note("wrong: " + why.Error())
}

// note keeps an error text, as long as there are not too many different ones.
func (r *recorder) note(text string) {
	if _, known := r.messages[text]; known || len(r.messages) < messagesMax {
		r.messages[text]++
	}
}

// Latency is the distribution of one kind of request, in microseconds.
type Latency struct {
	Op     string  `json:"op"`
	Count  int64   `json:"count"`
	MinUS  float64 `json:"min_us"`
	MeanUS float64 `json:"mean_us"`
	P50US  float64 `json:"p50_us"`
	P90US  float64 `json:"p90_us"`
	P99US  float64 `json:"p99_us"`
	P999US float64 `json:"p999_us"`
	MaxUS  float64 `json:"max_us"`
	// Curve is the distribution, at rising percentiles.
	Curve []Quantile `json:"curve,omitempty"`
}

// Quantile says that this percentage of answers took at most so long.
type Quantile struct {
	Percent float64 `json:"percent"`
	US      float64 `json:"us"`
}

// curvePercents are the points of a distribution: closer, the nearer its end.
var curvePercents = []float64{1, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 99.999}

// curve reads the distribution, as far as there are answers enough for it.
func curve(h *hdrhistogram.Histogram) []Quantile {
	var all []Quantile
	for _, percent := range curvePercents {
		if percent > 50 && (100-percent)/100*float64(h.TotalCount()) < 1 {
			break
		}
		all = append(all, Quantile{percent, float64(h.ValueAtQuantile(percent)) / 1e3})
	}
	return all
}

// summarise reads the percentiles of a histogram of nanoseconds.
func summarise(op string, h *hdrhistogram.Histogram) Latency {
	us := func(ns int64) float64 { return float64(ns) / 1e3 }
	return Latency{
		Op:     op,
		Count:  h.TotalCount(),
		MinUS:  us(h.Min()),
		MeanUS: h.Mean() / 1e3,
		P50US:  us(h.ValueAtQuantile(50)),
		P90US:  us(h.ValueAtQuantile(90)),
		P99US:  us(h.ValueAtQuantile(99)),
		P999US: us(h.ValueAtQuantile(99.9)),
		MaxUS:  us(h.Max()),
		Curve:  curve(h),
	}
}
