package server

import (
	"bytes"
	"fmt"
	"net/url"
	"os"

	"golang.org/x/sys/unix"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// mntrCommand gives every number that monitoring of ZooKeeper reads. Keys of things that don't exist here are present
// with 0, so that dashboards and alarms made for ZooKeeper keep working; /metrics has what is Troupe's own.
type mntrCommand struct{}

func (mntrCommand) about() commandInfo {
	return commandInfo{
		word: "mntr", names: []string{"monitor", "mntr"},
		help: "All numbers that ZooKeeper's monitoring knows.",
	}
}

type mntrResult struct{ fields }

func (mntrCommand) run(c *console, _ url.Values) (commandResult, error) {
	facts := c.tree()
	watches, err := c.watches(false)
	if err != nil {
		return nil, err
	}
	m, l := c.runtime.Metrics, c.latencies()
	open, limit := fileDescriptors()
	f := fields{
		{"version", VersionText()},
		{"server_state", c.state()},
		{"ephemerals_count", facts.ephemerals},
		{"num_alive_connections", c.runtime.Conns.Len()},
		{"avg_latency", l.avg},
		{"outstanding_requests", max(c.runtime.Outstanding(), 0)},
		{"znode_count", facts.nodes},
		{"global_sessions", facts.sessions},
		{"non_mtls_remote_conn_count", 0},
		{"last_client_response_size", m.LastResponseSize.Load()},
		{"packets_sent", m.PacketsSent.Load()},
		{"packets_received", m.PacketsReceived.Load()},
		{"max_client_response_size", m.MaxResponseSize.Load()},
		{"connection_drop_probability", decimal(0)},
		{"watch_count", watches.All},
		{"auth_failed_count", m.AuthFailed.Load()},
		{"min_latency", l.min},
		{"max_latency", l.max},
		{"max_file_descriptor_count", limit},
		{"approximate_data_size", facts.bytes},
		{"open_file_descriptor_count", open},
		{"local_sessions", c.runtime.Metrics.LocalSessions.Load()},
		{"uptime", c.uptime().Milliseconds()},
		{"outstanding_tls_handshake", 0},
		{"min_client_response_size", m.MinResponseSize.Load()},
		{"non_mtls_local_conn_count", 0},
	}
	f = append(f, c.mntrMember()...)
	for _, k := range mntrCounters {
		f = append(f, field{k.key, k.value(m)})
	}
	for _, k := range mntrSummaries {
		f = append(f, k.fields(m)...)
	}
	if v := c.view(); v != nil {
		v.Tree.Read(func(t *tree.Tree) { f = append(f, quotaFields(t)...) })
	}
	c.electionFields(f)
	f = append(f, stageFields(c.runtime.Stages)...)
	return mntrResult{f}, nil
}

func (r mntrResult) text(w *bytes.Buffer) {
	for _, f := range r.fields {
		fmt.Fprintf(w, "zk_%s\t%v\n", f.key, f.value)
	}
}

// fields gives the summary's numbers under ZooKeeper's names.
func (k mntrSummary) fields(m *actors.Metrics) fields {
	v := k.value(m)
	f := fields{
		{"avg_" + k.key, decimal(v.Avg)}, {"min_" + k.key, v.Min}, {"max_" + k.key, v.Max},
		{"cnt_" + k.key, v.Count}, {"sum_" + k.key, v.Sum},
	}
	if k.percentiles {
		f = append(f, field{"p50_" + k.key, v.P50}, field{"p95_" + k.key, v.P95},
			field{"p99_" + k.key, v.P99}, field{"p999_" + k.key, v.P999})
	}
	return f
}

// fileDescriptors counts those that the process has open and may have; -1 where the system doesn't tell.
func fileDescriptors() (open, limit int64) {
	open, limit = -1, -1
	if d, err := os.Open("/dev/fd"); err == nil {
		names, err := d.Readdirnames(-1)
		_ = d.Close()
		if err == nil {
			open = int64(len(names)) - 1 // the folder itself was open
		}
	}
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err == nil {
		limit = int64(l.Cur)
	}
	return open, limit
}
