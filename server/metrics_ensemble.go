package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupekeeper/troupe/cluster"
	"github.com/troupekeeper/troupe/messages"
)

// ensembleMetrics are sent by members of an ensemble only. They read the board that commands read too.
var ensembleMetrics = []metricRow{
	ensembleGauge("ensemble_leading", "1 on the server that leads, 0 on others.", func(s cluster.Status) float64 {
		return oneIf(s.State == messages.Leading)
	}),
	ensembleGauge("ensemble_looking", "1 while this server looks for a leader, 0 otherwise.", func(s cluster.Status) float64 {
		return oneIf(s.State == messages.Looking)
	}),
	ensembleGauge("ensemble_established", "1 while this server takes part in the broadcast, 0 otherwise.",
		func(s cluster.Status) float64 { return oneIf(s.Phase == cluster.PhaseBroadcast) }),
	ensembleGauge("ensemble_leader_id", "Whom this server follows, itself if it leads; 0 while it looks.",
		func(s cluster.Status) float64 { return float64(s.Leader) }),
	ensembleGauge("ensemble_epoch", "Epoch of the leader's reign.", func(s cluster.Status) float64 { return float64(s.Epoch) }),
	ensembleGauge("ensemble_voters", "Members that vote.", func(s cluster.Status) float64 {
		return float64(len(s.Members.Voters()))
	}),
	ensembleGauge("ensemble_observers", "Members that only follow.", func(s cluster.Status) float64 {
		return float64(len(s.Members.Observers()))
	}),
	ensembleGauge("ensemble_learners", "Learners that are connected to this leader.", func(s cluster.Status) float64 {
		return float64(len(s.Learners))
	}),
	ensembleGauge("ensemble_followers_synced", "Followers of this leader that are up to date.", func(s cluster.Status) float64 {
		followers, _, _ := s.Synced()
		return float64(followers)
	}),
	ensembleGauge("ensemble_observers_synced", "Observers of this leader that are up to date.", func(s cluster.Status) float64 {
		_, _, observers := s.Synced()
		return float64(observers)
	}),
	ensembleGauge("ensemble_election_last_seconds", "How long the last election took.", func(s cluster.Status) float64 {
		return float64(s.Elections.Last) / 1000
	}),
	{
		desc: metricDesc("ensemble_lookings_total", "How often this server has begun to look for a leader."),
		kind: prometheus.CounterValue, value: func(s *metricSources) float64 { return float64(s.status.Looking) },
	},
}

func ensembleGauge(name, help string, value func(cluster.Status) float64) metricRow {
	return gauge(name, help, func(s *metricSources) float64 { return value(s.status) })
}
