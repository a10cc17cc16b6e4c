package server

import "github.com/troupekeeper/troupe/actors"

// mntrCounter and mntrSummary are the keys of mntr that are computed alike. Where value is noCounter or noSummary,
// nothing here corresponds to what ZooKeeper counts under the key.
type (
	mntrCounter struct {
		key   string
		value func(*actors.Metrics) int64
	}
	mntrSummary struct {
		key         string
		percentiles bool
		value       func(*actors.Metrics) actors.SummaryValues
	}
)

func noCounter(*actors.Metrics) int64                    { return 0 }
func noSummary(*actors.Metrics) (v actors.SummaryValues) { return v }

// inMillis turns a summary of microseconds into one of milliseconds.
func inMillis(v actors.SummaryValues) actors.SummaryValues {
	return actors.SummaryValues{
		Min: v.Min / 1000, Max: v.Max / 1000, Sum: v.Sum / 1000, Count: v.Count, Avg: v.Avg / 1000,
		P50: v.P50 / 1000, P95: v.P95 / 1000, P99: v.P99 / 1000, P999: v.P999 / 1000,
	}
}

// once is the summary of what happens once in a process's life, at its start.
func once(v int64) actors.SummaryValues {
	return actors.SummaryValues{
		Min: v, Max: v, Sum: v, Count: 1, Avg: float64(v), P50: v, P95: v, P99: v, P999: v,
	}
}

var mntrCounters = []mntrCounter{
	{"add_dead_watcher_stall_time", noCounter},
	{"bytes_received_count", func(m *actors.Metrics) int64 { return m.BytesReceived.Load() }},
	{"cnxn_closed_without_zk_server_running", noCounter},
	{"commit_count", func(m *actors.Metrics) int64 { return m.Commits.Load() }},
	{"connection_drop_count", func(m *actors.Metrics) int64 { return m.BadFrames.Load() }},
	{"connection_rejected", func(m *actors.Metrics) int64 { return m.ConnRejected.Load() }},
	{"connection_request_count", func(m *actors.Metrics) int64 { return m.ConnRequests.Load() }},
	{"connection_revalidate_count", func(m *actors.Metrics) int64 { return m.ConnRevalidate.Load() }},
	{"dead_watchers_cleared", noCounter},
	{"dead_watchers_queued", noCounter},
	{"diff_count", noCounter},
	{"digest_mismatches_count", noCounter},
	{"ensemble_auth_fail", noCounter},
	{"ensemble_auth_skip", noCounter},
	{"ensemble_auth_success", noCounter},
	{"insecure_admin_count", noCounter},
	{"large_requests_rejected", noCounter},
	{"learner_commit_received_count", noCounter},
	{"learner_proposal_received_count", noCounter},
	{"looking_count", noCounter},
	{"outstanding_changes_queued", func(m *actors.Metrics) int64 { return m.OutstandingQueued.Load() }},
	{"outstanding_changes_removed", func(m *actors.Metrics) int64 { return m.OutstandingRemoved.Load() }},
	{"prep_processor_request_queued", noCounter},
	{"proposal_count", func(m *actors.Metrics) int64 { return m.Proposals.Load() }},
	{"quit_leading_due_to_disloyal_voter", noCounter},
	{"request_commit_queued", noCounter},
	{"request_throttle_wait_count", func(m *actors.Metrics) int64 { return m.ThrottleWaits.Load() }},
	{"requests_not_forwarded_to_commit_processor", noCounter},
	{"response_bytes", func(m *actors.Metrics) int64 { return m.BytesSent.Load() }},
	{"response_packet_cache_hits", noCounter},
	{"response_packet_cache_misses", noCounter},
	{"response_packet_get_children_cache_hits", noCounter},
	{"response_packet_get_children_cache_misses", noCounter},
	{"revalidate_count", noCounter},
	{"sessionless_connections_expired", func(m *actors.Metrics) int64 { return m.SessionlessExpired.Load() }},
	{"skip_learner_request_to_next_processor_count", noCounter},
	{"snap_count", func(m *actors.Metrics) int64 { return m.Snapshots.Load() }},
	{"stale_replies", noCounter},
	{"stale_requests", noCounter},
	{"stale_requests_dropped", noCounter},
	{"stale_sessions_expired", func(m *actors.Metrics) int64 { return m.StaleSessionsExpired.Load() }},
	{"sync_processor_request_queued", func(m *actors.Metrics) int64 { return m.Proposals.Load() }},
	{"throttled_ops", noCounter},
	{"tls_handshake_exceeded", noCounter},
	{"unrecoverable_error_count", func(m *actors.Metrics) int64 { return m.PipelineRebuilds.Load() }},
	{"unsuccessful_handshake", noCounter},
	{"watch_bytes", func(m *actors.Metrics) int64 { return m.WatchBytes.Load() }},
	{"restore_error_count", noCounter},
	{"restore_rate_limited_count", noCounter},
	{"snapshot_error_count", func(m *actors.Metrics) int64 { return m.SnapshotErrors.Load() }},
	{"snapshot_rate_limited_count", noCounter},
}

var mntrSummaries = []mntrSummary{
	{"commit_commit_proc_req_queued", false, noSummary},
	{"commit_process_time", false, noSummary},
	{"concurrent_request_processing_in_commit_processor", false, noSummary},
	{"connection_token_deficit", false, noSummary},
	{"dbinittime", false, func(m *actors.Metrics) actors.SummaryValues {
		return once(m.StartLoadMs.Load() + m.StartReplayMs.Load())
	}},
	{"election_time", false, noSummary},
	{"follower_sync_time", false, noSummary},
	{"fsynctime", false, func(m *actors.Metrics) actors.SummaryValues { return inMillis(m.FsyncTime.Values()) }},
	{"inflight_diff_count", false, noSummary},
	{"inflight_snap_count", false, noSummary},
	{"leader_unavailable_time", false, noSummary},
	{"learner_request_processor_queue_size", false, noSummary},
	{"netty_queued_buffer_capacity", false, noSummary},
	{"node_changed_watch_count", false, func(m *actors.Metrics) actors.SummaryValues { return m.NodeChangedWatches.Values() }},
	{"node_children_watch_count", false, func(m *actors.Metrics) actors.SummaryValues { return m.NodeChildrenWatches.Values() }},
	{"node_created_watch_count", false, func(m *actors.Metrics) actors.SummaryValues { return m.NodeCreatedWatches.Values() }},
	{"node_deleted_watch_count", false, func(m *actors.Metrics) actors.SummaryValues { return m.NodeDeletedWatches.Values() }},
	{"observer_sync_time", false, noSummary},
	{"pending_session_queue_size", false, noSummary},
	{"prep_process_time", false, noSummary},
	{"prep_processor_queue_size", false, func(m *actors.Metrics) actors.SummaryValues { return m.PrepQueue.Values() }},
	{"proposal_process_time", false, noSummary},
	{"read_commit_proc_issued", false, noSummary},
	{"read_commit_proc_req_queued", false, noSummary},
	{"reads_after_write_in_session_queue", false, noSummary},
	{"reads_issued_from_session_queue", false, noSummary},
	{"requests_in_session_queue", false, noSummary},
	{"session_queues_drained", false, noSummary},
	{"snapshottime", false, func(m *actors.Metrics) actors.SummaryValues { return m.SnapshotTime.Values() }},
	{"socket_closing_time", false, noSummary},
	{"startup_snap_load_time", false, func(m *actors.Metrics) actors.SummaryValues { return once(m.StartLoadMs.Load()) }},
	{"startup_txns_load_time", false, func(m *actors.Metrics) actors.SummaryValues { return once(m.StartReplayMs.Load()) }},
	{"startup_txns_loaded", false, func(m *actors.Metrics) actors.SummaryValues { return once(m.StartReplayed.Load()) }},
	{"sync_process_time", false, noSummary},
	{"sync_processor_batch_size", false, func(m *actors.Metrics) actors.SummaryValues { return m.SyncBatch.Values() }},
	{"sync_processor_queue_size", false, noSummary},
	{"time_waiting_empty_pool_in_commit_processor_read_ms", false, noSummary},
	{"unavailable_time", false, noSummary},
	{"write_batch_time_in_commit_processor", false, noSummary},
	{"write_commit_proc_issued", false, noSummary},
	{"write_commit_proc_req_queued", false, noSummary},
	{"restore_time", false, noSummary},
	{"close_session_prep_time", true, noSummary},
	{"commit_propagation_latency", true, noSummary},
	{"dead_watchers_cleaner_latency", true, noSummary},
	{"jvm_pause_time_ms", true, noSummary},
	{"local_write_committed_time_ms", true, noSummary},
	{"om_commit_process_time_ms", true, noSummary},
	{"om_proposal_process_time_ms", true, noSummary},
	{"prep_processor_queue_time_ms", true, noSummary},
	{"propagation_latency", true, noSummary},
	{"proposal_ack_creation_latency", true, noSummary},
	{"proposal_latency", true, noSummary},
	{"quorum_ack_latency", true, noSummary},
	{"read_commitproc_time_ms", true, noSummary},
	{"read_final_proc_time_ms", true, noSummary},
	{"readlatency", true, func(m *actors.Metrics) actors.SummaryValues { return inMillis(m.ReadLatency.Values()) }},
	{"request_throttle_queue_time_ms", true, noSummary},
	{"server_write_committed_time_ms", true, noSummary},
	{"sync_processor_queue_and_flush_time_ms", true, noSummary},
	{"sync_processor_queue_flush_time_ms", true, noSummary},
	{"sync_processor_queue_time_ms", true, noSummary},
	{"updatelatency", true, func(m *actors.Metrics) actors.SummaryValues { return inMillis(m.UpdateLatency.Values()) }},
	{"write_commitproc_time_ms", true, noSummary},
	{"write_final_proc_time_ms", true, noSummary},
}
