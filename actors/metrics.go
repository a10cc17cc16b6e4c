package actors

import (
	"sync"
	"sync/atomic"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/troupekeeper/troupe/messages"
)

// Counter only rises, but for a reset by an operator.
type Counter struct{ atomic.Int64 }

// Inc adds one.
func (c *Counter) Inc() { c.Add(1) }

// Summary keeps minimum, maximum, sum, number and percentiles of what it is told.
type Summary struct {
	mu       sync.Mutex
	min, max int64
	sum, n   int64
	hist     *hdrhistogram.Histogram
}

// SummaryValues is a Summary at one moment.
type SummaryValues struct {
	Min, Max, Sum, Count int64
	Avg                  float64
	P50, P95, P99, P999  int64
}

// Observe adds n times the same value.
func (s *Summary) Observe(v, n int64) {
	if n == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observe(v, n)
}

func (s *Summary) observe(v, n int64) {
	if s.n == 0 || v < s.min {
		s.min = v
	}
	s.max = max(s.max, v)
	s.sum += v * n
	s.n += n
	if s.hist == nil {
		s.hist = hdrhistogram.New(1, 60_000_000, 2)
	}
	_ = s.hist.RecordValues(min(max(v, 0), 60_000_000), n)
}

// ObserveAll adds each value.
func (s *Summary) ObserveAll(values []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range values {
		s.observe(v, 1)
	}
}

// Values reads the summary.
func (s *Summary) Values() SummaryValues {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := SummaryValues{Min: s.min, Max: s.max, Sum: s.sum, Count: s.n}
	if s.n > 0 {
		v.Avg = float64(s.sum) / float64(s.n)
		v.P50, v.P95 = s.hist.ValueAtQuantile(50), s.hist.ValueAtQuantile(95)
		v.P99, v.P999 = s.hist.ValueAtQuantile(99), s.hist.ValueAtQuantile(99.9)
	}
	return v
}

// Reset forgets everything.
func (s *Summary) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.min, s.max, s.sum, s.n, s.hist = 0, 0, 0, 0, nil
}

// Metrics is what the actors measure. The server's metrics page and its four-letter words read it. Times are in
// microseconds unless the name says otherwise.
type Metrics struct {
	PacketsReceived, PacketsSent    Counter
	BytesReceived, BytesSent        Counter
	ConnRequests, ConnRejected      Counter // sessions asked for; connections turned away
	ConnRevalidate                  Counter
	SessionlessExpired              Counter
	StaleSessionsExpired            Counter
	AuthFailed                      Counter
	BadFrames, BadRecords           Counter
	Commits, Proposals              Counter
	Snapshots, SnapshotErrors       Counter
	FsyncSlow                       Counter
	OutstandingQueued               Counter // changes that entered prep's overlay
	OutstandingRemoved              Counter
	ThrottleWaits                   Counter // connections that had to stop reading
	QuotaExceeded                   Counter
	ContainersDeleted               Counter
	WatchBytes                      Counter
	Unexpected, Panics, DeadLetters Counter
	PrivateStops                    Counter // by failure class: stopped, …
	ActorRestarts                   Counter // … restarted, …
	PipelineRebuilds                Counter // … the whole pipeline built anew

	ReadLatency, UpdateLatency Summary
	Latency                    Summary // of all requests
	FsyncTime                  Summary
	SyncBatch                  Summary // transactions per fsync
	SnapshotTime               Summary // milliseconds
	NodeCreatedWatches         Summary
	NodeDeletedWatches         Summary
	NodeChangedWatches         Summary
	NodeChildrenWatches        Summary
	PrepQueue                  Summary
	LastResponseSize           atomic.Int64
	MinResponseSize            atomic.Int64
	MaxResponseSize            atomic.Int64
	LastProposalSize           atomic.Int64 // bytes, as the following two; -1 before the first
	MinProposalSize            atomic.Int64
	MaxProposalSize            atomic.Int64
	LastSnapshotZxid           atomic.Uint64
	LastSnapshotWallMs         atomic.Int64
	StartLoadMs, StartReplayMs atomic.Int64
	StartReplayed              atomic.Int64
	WritesRefusedDisk          Counter
	DiskFull                   atomic.Bool
	LocalSessions              atomic.Int64 // that there are now
}

// NewMetrics makes an empty set.
func NewMetrics() *Metrics {
	m := &Metrics{}
	m.LastResponseSize.Store(-1)
	m.MinResponseSize.Store(-1)
	m.MaxResponseSize.Store(-1)
	m.resetProposals()
	return m
}

func (m *Metrics) resetProposals() {
	m.LastProposalSize.Store(-1)
	m.MinProposalSize.Store(-1)
	m.MaxProposalSize.Store(-1)
}

// proposalSize notes the size of a leader's proposal. One actor at a time calls it.
func (m *Metrics) proposalSize(size int64) {
	m.LastProposalSize.Store(size)
	if low := m.MinProposalSize.Load(); low < 0 || size < low {
		m.MinProposalSize.Store(size)
	}
	if size > m.MaxProposalSize.Load() {
		m.MaxProposalSize.Store(size)
	}
}

// responseSize notes the size of a reply that carries data.
func (m *Metrics) responseSize(size int64) {
	m.LastResponseSize.Store(size)
	if low := m.MinResponseSize.Load(); low < 0 || size < low {
		m.MinResponseSize.Store(size)
	}
	if size > m.MaxResponseSize.Load() {
		m.MaxResponseSize.Store(size)
	}
}

// ResetServer is what the word srst forgets.
func (m *Metrics) ResetServer() {
	m.PacketsReceived.Store(0)
	m.PacketsSent.Store(0)
	m.FsyncSlow.Store(0)
	m.Latency.Reset()
	m.ReadLatency.Reset()
	m.UpdateLatency.Reset()
	m.LastResponseSize.Store(-1)
	m.MinResponseSize.Store(-1)
	m.MaxResponseSize.Store(-1)
	m.resetProposals()
}

// watchSummary is the summary that counts how many watches one event fired.
func (m *Metrics) watchSummary(e messages.EventType) *Summary {
	switch e {
	case messages.EventNodeCreated:
		return &m.NodeCreatedWatches
	case messages.EventNodeDeleted:
		return &m.NodeDeletedWatches
	case messages.EventNodeDataChanged:
		return &m.NodeChangedWatches
	}
	return &m.NodeChildrenWatches
}
