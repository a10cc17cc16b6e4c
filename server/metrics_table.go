package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupekeeper/troupe/actors"
)

// The tables of all metrics of ours: name, help, where the value comes from. Names end in their unit; totals that an
// operator may set to zero (four-letter word srst) are counters all the same, Prometheus allows for that.

var (
	buildInfoDesc = metricDesc("build_info", "Versions of this server; always 1.", "version", "zookeeper", "commit", "go")
	sizeDesc      = metricDesc("disk_used_bytes", "Bytes that files of a kind take on disk.", "kind")
	freeDesc      = metricDesc("disk_free_bytes", "Bytes that can still be written where the transaction log lies.")
	watchesDesc   = metricDesc("watches", "Watches of all kinds that are set.")
	firedDesc     = metricDesc("watches_fired", "Watches that one change of a kind fired.", "event")
)

var serverMetrics = []metricRow{
	gauge("serving", "1 while clients are served, 0 otherwise.", func(s *metricSources) float64 {
		return oneIf(s.console.view() != nil)
	}),
	gauge("uptime_seconds", "Time since this server was started.", func(s *metricSources) float64 {
		return s.console.uptime().Seconds()
	}),
	gauge("connections", "Open connections of clients.", func(s *metricSources) float64 {
		return float64(s.console.runtime.Conns.Len())
	}),
	gauge("requests_outstanding", "Requests that were read and not answered yet.", func(s *metricSources) float64 {
		return float64(max(s.console.runtime.Outstanding(), 0))
	}),
	gauge("disk_full", "1 while writes are refused because the log has too little room, 0 otherwise.",
		func(s *metricSources) float64 { return oneIf(s.metrics.DiskFull.Load()) }),
	gauge("snapshot_last_timestamp_seconds", "When this process wrote its last snapshot, since 1970; 0: not yet.",
		func(s *metricSources) float64 { return float64(s.metrics.LastSnapshotWallMs.Load()) / 1000 }),
	gauge("snapshot_last_zxid", "Transaction up to which the last snapshot of this process goes; 0: none yet.",
		func(s *metricSources) float64 { return float64(s.metrics.LastSnapshotZxid.Load()) }),
	gauge("recovery_snapshot_seconds", "Time that the last recovery took to load the snapshot.",
		func(s *metricSources) float64 { return float64(s.metrics.StartLoadMs.Load()) / 1000 }),
	gauge("recovery_log_seconds", "Time that the last recovery took to replay the log.",
		func(s *metricSources) float64 { return float64(s.metrics.StartReplayMs.Load()) / 1000 }),
	gauge("recovery_log_transactions", "Transactions that the last recovery replayed.",
		func(s *metricSources) float64 { return float64(s.metrics.StartReplayed.Load()) }),
}

var treeMetrics = []metricRow{
	gauge("znodes", "Nodes of the tree; like ZooKeeper's znode_count it counts the root twice.",
		func(s *metricSources) float64 { return float64(s.facts.nodes) }),
	gauge("ephemerals", "Ephemeral nodes of the tree.", func(s *metricSources) float64 { return float64(s.facts.ephemerals) }),
	gauge("sessions", "Open sessions.", func(s *metricSources) float64 { return float64(s.facts.sessions) }),
	gauge("tree_data_bytes", "Bytes of all paths and data.", func(s *metricSources) float64 { return float64(s.facts.bytes) }),
	gauge("zxid_epoch", "Upper half of the last applied zxid.",
		func(s *metricSources) float64 { return float64(s.facts.zxid.Epoch()) }),
	gauge("zxid_counter", "Lower half of the last applied zxid.",
		func(s *metricSources) float64 { return float64(s.facts.zxid.Counter()) }),
}

// actorMetrics are the counters of actors.Metrics.
var actorMetrics = []metricRow{
	counter("requests_received_total", "Requests of clients, pings included.",
		func(m *actors.Metrics) *actors.Counter { return &m.PacketsReceived }),
	counter("replies_sent_total", "Replies to clients.",
		func(m *actors.Metrics) *actors.Counter { return &m.PacketsSent }),
	counter("received_bytes_total", "Bytes read from clients.",
		func(m *actors.Metrics) *actors.Counter { return &m.BytesReceived }),
	counter("sent_bytes_total", "Bytes written to clients.",
		func(m *actors.Metrics) *actors.Counter { return &m.BytesSent }),
	counter("session_requests_total", "Handshakes of clients: new sessions and those taken up again.",
		func(m *actors.Metrics) *actors.Counter { return &m.ConnRequests }),
	counter("connections_rejected_total", "Connections turned away at the door (maxClientCnxns, maxCnxns, not serving).",
		func(m *actors.Metrics) *actors.Counter { return &m.ConnRejected }),
	counter("sessions_revalidated_total", "Sessions that a client took up again.",
		func(m *actors.Metrics) *actors.Counter { return &m.ConnRevalidate }),
	counter("connections_sessionless_closed_total", "Connections closed because they opened no session in time.",
		func(m *actors.Metrics) *actors.Counter { return &m.SessionlessExpired }),
	counter("sessions_expired_total", "Sessions ended because nothing was heard of them.",
		func(m *actors.Metrics) *actors.Counter { return &m.StaleSessionsExpired }),
	counter("auth_failed_total", "Failed authentications.",
		func(m *actors.Metrics) *actors.Counter { return &m.AuthFailed }),
	counter("connections_broken_total", "Connections closed for what came over them: bad frames, no reading, no right.",
		func(m *actors.Metrics) *actors.Counter { return &m.BadFrames }),
	counter("requests_malformed_total", "Requests whose record could not be read.",
		func(m *actors.Metrics) *actors.Counter { return &m.BadRecords }),
	counter("connections_throttled_total", "Times that a connection was not read because too much was outstanding.",
		func(m *actors.Metrics) *actors.Counter { return &m.ThrottleWaits }),
	counter("proposals_total", "Transactions made from writes.",
		func(m *actors.Metrics) *actors.Counter { return &m.Proposals }),
	counter("commits_total", "Transactions applied to the tree.",
		func(m *actors.Metrics) *actors.Counter { return &m.Commits }),
	counter("snapshots_total", "Snapshots written.",
		func(m *actors.Metrics) *actors.Counter { return &m.Snapshots }),
	counter("snapshot_errors_total", "Snapshots that could not be written.",
		func(m *actors.Metrics) *actors.Counter { return &m.SnapshotErrors }),
	counter("fsync_slow_total", "Fsyncs of the log above fsync.warningthresholdms.",
		func(m *actors.Metrics) *actors.Counter { return &m.FsyncSlow }),
	counter("writes_refused_disk_total", "Writes refused because the disk was full.",
		func(m *actors.Metrics) *actors.Counter { return &m.WritesRefusedDisk }),
	counter("quota_exceeded_total", "Writes that went, or would have gone, beyond a quota.",
		func(m *actors.Metrics) *actors.Counter { return &m.QuotaExceeded }),
	counter("containers_deleted_total", "Empty containers and outlived TTL nodes that were removed.",
		func(m *actors.Metrics) *actors.Counter { return &m.ContainersDeleted }),
	counter("watch_path_bytes_total", "Bytes of the paths in watch events.",
		func(m *actors.Metrics) *actors.Counter { return &m.WatchBytes }),
	counter("actor_panics_total", "Panics of actors, whatever became of them.",
		func(m *actors.Metrics) *actors.Counter { return &m.Panics }),
	counter("actor_messages_unexpected_total", "Messages that an actor had no case for.",
		func(m *actors.Metrics) *actors.Counter { return &m.Unexpected }),
	counter("actor_stops_total", "Actors stopped after a failure that concerned nobody else.",
		func(m *actors.Metrics) *actors.Counter { return &m.PrivateStops }),
	counter("actor_restarts_total", "Actors restarted after a failure.",
		func(m *actors.Metrics) *actors.Counter { return &m.ActorRestarts }),
	counter("pipeline_rebuilds_total", "Pipelines built anew from disk after a stage failed.",
		func(m *actors.Metrics) *actors.Counter { return &m.PipelineRebuilds }),
}

var summaryMetrics = []summaryRow{
	{desc: metricDesc("request_seconds", "Time from reading a request to its reply, all requests."), unit: 1e6,
		values: func(m *actors.Metrics) *actors.Summary { return &m.Latency }},
	{desc: metricDesc("read_seconds", "The same for reads."), unit: 1e6,
		values: func(m *actors.Metrics) *actors.Summary { return &m.ReadLatency }},
	{desc: metricDesc("write_seconds", "The same for writes."), unit: 1e6,
		values: func(m *actors.Metrics) *actors.Summary { return &m.UpdateLatency }},
	{desc: metricDesc("fsync_seconds", "Time of an fsync of the transaction log."), unit: 1e6,
		values: func(m *actors.Metrics) *actors.Summary { return &m.FsyncTime }},
	{desc: metricDesc("fsync_batch_transactions", "Transactions that shared an fsync."), unit: 1,
		values: func(m *actors.Metrics) *actors.Summary { return &m.SyncBatch }},
	{desc: metricDesc("prep_batch_requests", "Requests that reached the desk together."), unit: 1,
		values: func(m *actors.Metrics) *actors.Summary { return &m.PrepQueue }},
	{desc: metricDesc("snapshot_seconds", "Time to write a snapshot."), unit: 1e3,
		values: func(m *actors.Metrics) *actors.Summary { return &m.SnapshotTime }},
	{desc: firedDesc, labels: []string{"created"}, unit: 1,
		values: func(m *actors.Metrics) *actors.Summary { return &m.NodeCreatedWatches }},
	{desc: firedDesc, labels: []string{"deleted"}, unit: 1,
		values: func(m *actors.Metrics) *actors.Summary { return &m.NodeDeletedWatches }},
	{desc: firedDesc, labels: []string{"data_changed"}, unit: 1,
		values: func(m *actors.Metrics) *actors.Summary { return &m.NodeChangedWatches }},
	{desc: firedDesc, labels: []string{"children_changed"}, unit: 1,
		values: func(m *actors.Metrics) *actors.Summary { return &m.NodeChildrenWatches }},
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

var _ prometheus.Collector = (*metricsCollector)(nil)
