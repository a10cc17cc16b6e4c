package server

import (
	"bytes"
	"fmt"
	"net/url"

	"github.com/troupekeeper/troupe/messages"
)

// srvrCommand is the short account of a server: version, load, role.
type srvrCommand struct{}

func (srvrCommand) about() commandInfo {
	return commandInfo{
		word: "srvr", names: []string{"server_stats", "srvr"},
		help: "Version, latencies, requests, role and size of the tree.",
	}
}

// srvrResult: latencies and uptime are milliseconds, sizes bytes; a size is -1 before the first reply that has one.
type srvrResult struct {
	Version        string         `json:"version"`
	ReadOnly       bool           `json:"read_only"`
	Stats          serverStats    `json:"server_stats"`
	ClientResponse responseSizes  `json:"client_response"`
	Proposals      *responseSizes `json:"proposal_stats,omitempty"` // of a leader; nil on others
	NodeCount      int64          `json:"node_count"`
}

type serverStats struct {
	Sent           int64         `json:"packets_sent"`
	Received       int64         `json:"packets_received"`
	FsyncSlow      int64         `json:"fsync_threshold_exceed_count"`
	ClientResponse responseSizes `json:"client_response_stats"`
	DataDirSize    int64         `json:"data_dir_size"`
	LogDirSize     int64         `json:"log_dir_size"`
	ProviderNull   bool          `json:"provider_null"`
	State          string        `json:"server_state"`
	LastZxid       messages.Zxid `json:"last_processed_zxid"`
	Outstanding    int64         `json:"outstanding_requests"`
	AvgLatency     decimal       `json:"avg_latency"`
	MaxLatency     int64         `json:"max_latency"`
	MinLatency     int64         `json:"min_latency"`
	Connections    int64         `json:"num_alive_client_connections"`
	AuthFailed     int64         `json:"auth_failed_count"`
	NonMTLSRemote  int64         `json:"non_mtlsremote_conn_count"`
	NonMTLSLocal   int64         `json:"non_mtlslocal_conn_count"`
	UptimeMs       int64         `json:"uptime"`
}

type responseSizes struct {
	Last int64 `json:"last_buffer_size"`
	Min  int64 `json:"min_buffer_size"`
	Max  int64 `json:"max_buffer_size"`
}

func (srvrCommand) run(c *console, _ url.Values) (commandResult, error) { return c.serverStats(), nil }

func (c *console) serverStats() srvrResult {
	m, facts, l := c.runtime.Metrics, c.tree(), c.latencies()
	snapshots, logs := c.sizes()
	sizes := responseSizes{
		Last: m.LastResponseSize.Load(), Min: m.MinResponseSize.Load(), Max: m.MaxResponseSize.Load(),
	}
	r := srvrResult{
		Version: VersionText(), ReadOnly: c.readOnly(),
		Stats: serverStats{
			Sent: m.PacketsSent.Load(), Received: m.PacketsReceived.Load(), FsyncSlow: m.FsyncSlow.Load(),
			ClientResponse: sizes, DataDirSize: snapshots, LogDirSize: logs,
			State: c.state(), LastZxid: facts.zxid, Outstanding: max(c.runtime.Outstanding(), 0),
			AvgLatency: l.avg, MaxLatency: l.max, MinLatency: l.min,
			Connections: int64(c.runtime.Conns.Len()), AuthFailed: m.AuthFailed.Load(),
			UptimeMs: c.uptime().Milliseconds(),
		},
		ClientResponse: sizes,
		NodeCount:      facts.nodes,
	}
	if s, ok := c.member(); ok && s.State == messages.Leading {
		proposals := proposalSizes(s)
		r.Proposals = &proposals
	}
	return r
}

func (r srvrResult) text(w *bytes.Buffer) {
	r.head(w)
	r.tail(w)
}

func (r srvrResult) head(w *bytes.Buffer) {
	fmt.Fprintf(w, "Zookeeper version: %s\n", r.Version)
	if r.ReadOnly {
		w.WriteString("READ-ONLY mode; serving only read-only clients\n")
	}
}

func (r srvrResult) tail(w *bytes.Buffer) {
	s := r.Stats
	fmt.Fprintf(w, "Latency min/avg/max: %d/%v/%d\n", s.MinLatency, s.AvgLatency, s.MaxLatency)
	fmt.Fprintf(w, "Received: %d\nSent: %d\nConnections: %d\n", s.Received, s.Sent, s.Connections)
	fmt.Fprintf(w, "Outstanding: %d\nZxid: %v\nMode: %s\nNode count: %d\n", s.Outstanding, s.LastZxid, s.State, r.NodeCount)
	if p := r.Proposals; p != nil {
		fmt.Fprintf(w, "Proposal sizes last/min/max: %d/%d/%d\n", p.Last, p.Min, p.Max)
	}
}
