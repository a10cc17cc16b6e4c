//go:build unix

package bench

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Result is what a run measured. Names in JSON carry their unit.
type Result struct {
	Scenario   string   `json:"scenario"`
	Title      string   `json:"title,omitempty"`
	Servers    []string `json:"servers"`
	Began      string   `json:"began"` // RFC 3339, UTC
	Sessions   int      `json:"sessions"`
	Window     int      `json:"window"`
	Threads    int      `json:"threads"`
	Keys       int      `json:"keys"`
	ValueBytes int      `json:"value_bytes"`
	// Rate is what was asked of an open loop; 0 for a closed one. Unsent are
	// the requests that were due and not sent when measured time ended.
	Rate         float64 `json:"rate,omitempty"`
	Unsent       int64   `json:"unsent,omitempty"`
	Distribution string  `json:"distribution,omitempty"`

	// Interrupted says that the run ended before its time.
	Interrupted bool `json:"interrupted,omitempty"`
	// Seconds is the measured time, Answers the checked answers within it.
	Seconds   float64   `json:"seconds"`
	Answers   int64     `json:"answers"`
	PerSecond float64   `json:"per_second"`
	Latency   []Latency `json:"latency"` // one for each kind of request
	// Series is the course of the measured time.
	Series []Interval `json:"series,omitempty"`
	// Opening tells of the sessions opened before the measured time.
	Opening Latency `json:"opening"`

	// Errors count over the whole run, warm-up included.
	Refused  int64     `json:"refused"` // answers with an error code
	Lost     int64     `json:"lost"`    // requests or sessions without an answer
	Wrong    int64     `json:"wrong"`   // answers that broke the protocol or carried wrong data
	Messages []Message `json:"messages,omitempty"`

	// GeneratorCPUUS is the CPU that the generator's loops used per answer.
	GeneratorCPUUS float64 `json:"generator_cpu_us"`
	// Server is nil when no process of the server was given.
	Server *ServerUsage `json:"server,omitempty"`
	// ForeignCores is how many processors were busy with other programs on
	// average; negative when unknown. Above 0.3 a run is not quiet.
	ForeignCores float64 `json:"foreign_cores"`

	from time.Time // when the measured time began
}

// Message is an error text and how often it came.
type Message struct {
	Text  string `json:"text"`
	Count int64  `json:"count"`
}

// ServerUsage is what the server's processes used in the measured time.
type ServerUsage struct {
	CPUUS float64 `json:"cpu_us"` // per answer
	Cores float64 `json:"cores"`  // busy on average
	// RSSBefore is the resident memory before the sessions were opened,
	// RSSAfter at the end of the measured time, in bytes.
	RSSBefore int64 `json:"rss_before_bytes"`
	RSSAfter  int64 `json:"rss_after_bytes"`
}

// Err returns an error when the server did anything but answer every request
// correctly, as far as the run was meant to succeed.
func (r *Result) Err() error {
	switch {
	case r.Wrong > 0:
		return fmt.Errorf("%s: %d %ws", r.Scenario, r.Wrong, errWrongAnswer)
	case r.Lost > 0:
		return fmt.Errorf("%s: %d requests or sessions lost", r.Scenario, r.Lost)
	case r.Refused > 0:
		return fmt.Errorf("%s: %d requests refused", r.Scenario, r.Refused)
	case r.Answers == 0 && r.Opening.Count == 0:
		return errors.New(r.Scenario + ": nothing was measured")
	}
	return nil
}

// of returns the latencies of one kind of request, empty if there was none.
func (r *Result) of(op Op) Latency {
	for _, l := range r.Latency {
		if l.Op == op.String() {
			return l
		}
	}
	return Latency{}
}

// headline says what a scenario is about, if not the answers themselves: which
// kind of request is counted, which one's latency tells, and what it is.
type headline struct {
	counted, timed Op
	name           string
}

var headlines = map[string]headline{
	"churn":   {OpConnect, OpConnect, "session opened and closed"},
	"storm":   {OpEvent, OpLastEvent, "event and its renewed watch"},
	"lock":    {OpHandOver, OpHandOver, "hand-over of the lock"},
	"queue":   {OpTake, OpTake, "item taken"},
	"barrier": {OpBarrier, OpBarrier, "barrier entered and left by all"},
}

// Main is the latency that a run is about: of the last event of a storm, of
// what a recipe does, or else of the first kind of request.
func (r *Result) Main() Latency {
	if h, ok := headlines[r.Scenario]; ok {
		return r.of(h.timed)
	}
	if len(r.Latency) > 0 {
		return r.Latency[0]
	}
	return Latency{}
}

// Operations counts what a run is about, and names it: sessions that came and
// went, events that reached a watcher, what a recipe did, or else answers.
func (r *Result) Operations() (count int64, name string) {
	if h, ok := headlines[r.Scenario]; ok {
		return r.of(h.counted).Count, h.name
	}
	return r.Answers, "answer"
}

// serverCPUUS is the server's CPU for each of the operations; false if it is
// unknown or there were none.
func (r *Result) serverCPUUS() (float64, bool) {
	count, _ := r.Operations()
	switch {
	case r.Server == nil:
		return 0, false
	case count == r.Answers:
		return r.Server.CPUUS, true
	case count == 0:
		return 0, false
	}
	return r.Server.CPUUS * float64(r.Answers) / float64(count), true
}

// result puts together what the loops and the snapshots tell.
func (r *run) result(interrupted bool) *Result {
	cfg := r.cfg
	res := &Result{
		Scenario: r.scenario.Name, Title: r.scenario.Title, Servers: cfg.Servers,
		Began: r.began.UTC().Format(time.RFC3339), Sessions: cfg.Sessions, Window: cfg.Window,
		Threads: len(r.loops), Keys: cfg.Keys.Count, ValueBytes: cfg.Keys.ValueBytes, Interrupted: interrupted,
		Rate: cfg.Rate, Distribution: cfg.Distribution.Name,
	}
	opening := newHistogram()
	messages := make(map[string]int64)
	var loopCPU time.Duration
	for op := range opCount {
		merged := newHistogram()
		for _, l := range r.loops {
			if h := l.rec.total[op]; h != nil {
				merged.Merge(h)
				if op.answered() {
					res.PerSecond += perSecond(h.TotalCount(), l.rec.to-l.rec.from)
				}
			}
		}
		if merged.TotalCount() > 0 {
			res.Latency = append(res.Latency, summarise(op.String(), merged))
			if op.answered() {
				res.Answers += merged.TotalCount()
			}
		}
	}
	var series [][]Interval
	for _, l := range r.loops {
		series = append(series, l.rec.series)
		opening.Merge(l.rec.opening)
		res.Refused += l.rec.refused
		res.Lost += l.rec.lost
		res.Wrong += l.rec.wrong
		res.Unsent += l.unsent
		res.Seconds = max(res.Seconds, (l.rec.to - l.rec.from).Seconds())
		loopCPU += l.cpuSpent[1] - l.cpuSpent[0]
		for text, n := range l.rec.messages {
			messages[text] += n
		}
	}
	res.Series = mergeSeries(series)
	res.Opening = summarise(OpConnect.String(), opening)
	for _, text := range slices.Sorted(maps.Keys(messages)) {
		res.Messages = append(res.Messages, Message{Text: text, Count: messages[text]})
	}
	slices.SortStableFunc(res.Messages, func(a, b Message) int { return cmp.Compare(b.Count, a.Count) })
	r.addUsage(res, loopCPU)
	return res
}

// perSecond divides, and returns 0 where there was no time.
func perSecond(count int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(count) / d.Seconds()
}

// addUsage fills in what generator, server and others used.
func (r *run) addUsage(res *Result, loopCPU time.Duration) {
	from, to := r.marks.from, r.marks.to
	elapsed := to.at.Sub(from.at)
	res.from = from.at
	answers := float64(max(1, res.Answers))
	res.GeneratorCPUUS = float64(loopCPU.Microseconds()) / answers
	own := to.own - from.own
	serverCPU := to.server.CPU - from.server.CPU
	if r.cfg.ServerInside {
		serverCPU = max(0, own-loopCPU)
		own = loopCPU
	}
	known := r.cfg.ServerInside || len(r.cfg.ServerPIDs) > 0
	for _, s := range []snapshot{r.marks.start, from, to} {
		if s.serverErr != nil {
			known = false
			res.Messages = append(res.Messages, Message{Text: s.serverErr.Error(), Count: 1})
		}
	}
	if known && elapsed > 0 {
		res.Server = &ServerUsage{
			CPUUS:     float64(serverCPU.Microseconds()) / answers,
			Cores:     serverCPU.Seconds() / elapsed.Seconds(),
			RSSBefore: r.marks.start.server.RSSBytes,
			RSSAfter:  to.server.RSSBytes,
		}
	}
	res.ForeignCores = -1
	if known && from.machineOK && to.machineOK && elapsed > 0 {
		foreign := to.machine.Busy - from.machine.Busy - own - serverCPU
		res.ForeignCores = math.Max(0, foreign.Seconds()/elapsed.Seconds())
	}
}

// WriteText writes results as a table, one row for each kind of request, with
// the errors below it.
func WriteText(w io.Writer, results []*Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "scenario\top\tsessions\twindow\tops/s"+
		"\tp50 us\tp99 us\tp99.9 us\tmax us\tserver us/op\tclient us/op\tserver MiB\tforeign\t")
	for _, r := range results {
		for i, l := range r.Latency {
			server, memory, client, foreign := "-", "-", "", ""
			if i == 0 {
				client = fmt.Sprintf("%.2f", r.GeneratorCPUUS)
				foreign = formatForeign(r.ForeignCores)
			} else {
				server, memory = "", ""
			}
			if r.Server != nil && i == 0 {
				server = fmt.Sprintf("%.1f", r.Server.CPUUS)
				if r.Server.RSSAfter > 0 {
					memory = fmt.Sprintf("%.0f", float64(r.Server.RSSAfter)/(1<<20))
				}
			}
			fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\t", r.Scenario, l.Op, r.Sessions, r.Window,
				formatCount(float64(l.Count)/max(r.Seconds, 1e-9)))
			fmt.Fprintf(t, "%.0f\t%.0f\t%.0f\t%.0f\t", l.P50US, l.P99US, l.P999US, l.MaxUS)
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t\n", server, client, memory, foreign)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		if _, err := io.WriteString(w, r.Notes()); err != nil {
			return err
		}
	}
	return nil
}

// Notes tells, in lines, what the table has no column for: what opening sessions took,
// memory per session, and everything that went wrong.
func (r *Result) Notes() string {
	var b strings.Builder
	if r.Interrupted {
		fmt.Fprintf(&b, "%s: interrupted after %.1f s\n", r.Scenario, r.Seconds)
	}
	if r.Scenario == Idle().Name {
		fmt.Fprintf(&b, "%s: %d sessions opened, handshake p50 %.0f us\n", r.Scenario, r.Opening.Count, r.Opening.P50US)
		if s := r.Server; s != nil {
			fmt.Fprintf(&b, "%s: server memory grew by %.1f KiB per session, server used %.1f %% of a core\n", r.Scenario,
				float64(s.RSSAfter-s.RSSBefore)/1024/float64(max(1, r.Sessions)), 100*s.Cores)
		}
	}
	if count, name := r.Operations(); count != r.Answers {
		fmt.Fprintf(&b, "%s: %s: %s a second", r.Scenario, name, formatValue(float64(count)/max(r.Seconds, 1e-9)))
		if cpu, ok := r.serverCPUUS(); ok {
			fmt.Fprintf(&b, ", server %.1f us for each", cpu)
		}
		b.WriteByte('\n')
	}
	if r.Rate > 0 {
		fmt.Fprintf(&b, "%s: open loop of %s/s, latencies count from when each request was due\n", r.Scenario, formatValue(r.Rate))
	}
	if float64(r.Unsent) > r.Rate/10 { // what a tenth of a second brings may be chance
		fmt.Fprintf(&b, "%s: %s requests were due and not sent at the end: the rate is more than was answered\n",
			r.Scenario, formatCount(float64(r.Unsent)))
	}
	if r.Refused+r.Lost+r.Wrong > 0 {
		fmt.Fprintf(&b, "%s: %d refused, %d lost, %d wrong\n", r.Scenario, r.Refused, r.Lost, r.Wrong)
	}
	for _, m := range r.Messages {
		fmt.Fprintf(&b, "%s: %d times: %s\n", r.Scenario, m.Count, m.Text)
	}
	return b.String()
}

// formatForeign shows the CPU of other programs, in cores.
func formatForeign(cores float64) string {
	if cores < 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", cores)
}

// formatCount writes 1234567 as "1,234,567".
func formatCount(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
