package bench

import (
	"fmt"
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
	from, to time.Duration // of the measured time, by the loop's clock
	latency  [opCount]*hdrhistogram.Histogram
	opening  *hdrhistogram.Histogram // handshakes before the measured time

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
func (r *recorder) begin(now time.Duration) { r.active, r.from, r.to = true, now, now }

// end stops it; only the first call counts.
func (r *recorder) end(now time.Duration) {
	if r.active {
		r.active, r.to = false, now
	}
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
	}
}
