package server

import (
	"net/url"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupekeeper/troupe/actors"
)

// stagesCommand tells how the stages of somebody's own do.
type stagesCommand struct{}

func (stagesCommand) about() commandInfo {
	return commandInfo{
		names: []string{"stages"}, help: "The stages of your own in this server's pipeline: state, what they hold, failures.", always: true,
	}
}

type stagesResult struct {
	Stages []stageReport `json:"stages"`
}

// stageReport is one stage. Times are milliseconds, last_failure_time since 1970.
type stageReport struct {
	ID          string           `json:"id"`
	Place       string           `json:"place"`
	State       string           `json:"state"`
	Stuck       bool             `json:"stuck"`
	Policy      string           `json:"policy"`
	Shown       int64            `json:"shown"`
	Refused     int64            `json:"refused"`
	Held        int              `json:"held"`
	OldestMs    int64            `json:"oldest_ms"`
	Failures    int64            `json:"failures"`
	StuckTimes  int64            `json:"stuck_times"`
	LastFailure string           `json:"last_failure"`
	LastTime    int64            `json:"last_failure_time"`
	Counters    map[string]int64 `json:"counters"`
}

func (stagesCommand) run(c *console, _ url.Values) (commandResult, error) {
	r := stagesResult{Stages: []stageReport{}}
	now := c.runtime.Clock.MonoUs()
	for _, s := range c.runtime.Stages.All() {
		status := s.Status()
		report := stageReport{
			ID: status.ID, Place: status.Place, State: status.State, Stuck: status.Hangs, Policy: status.Policy,
			Shown: s.Shown.Load(), Refused: s.Refused.Load(), Held: status.Held, Failures: s.Failures.Load(), StuckTimes: s.Stuck.Load(),
			LastFailure: status.LastFailure, LastTime: status.LastFailureMs, Counters: status.Counters,
		}
		if status.OldestUs != 0 {
			report.OldestMs = max(now-status.OldestUs, 0) / 1000
		}
		r.Stages = append(r.Stages, report)
	}
	return r, nil
}

// stageFields are the stages' numbers in mntr; none where no stage is configured.
func stageFields(board *actors.StageBoard) (f fields) {
	for _, s := range board.All() {
		status, name := s.Status(), "stage_"+strings.ReplaceAll(s.ID, "-", "_")+"_"
		f = append(f,
			field{name + "state", status.State}, field{name + "shown", s.Shown.Load()}, field{name + "refused", s.Refused.Load()},
			field{name + "held", status.Held}, field{name + "failures", s.Failures.Load()}, field{name + "stuck", s.Stuck.Load()})
		for _, key := range counterNames(status.Counters) {
			f = append(f, field{name + key, status.Counters[key]})
		}
	}
	return f
}

func counterNames(m map[string]int64) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

var stageDescs = struct{ up, shown, refused, held, failures, stuck, counter *prometheus.Desc }{
	up:       metricDesc("stage_up", "Whether a stage of somebody's own works; 0 while it has failed.", "stage"),
	shown:    metricDesc("stage_shown_total", "Items that a stage was shown.", "stage"),
	refused:  metricDesc("stage_refused_total", "Items that a stage, or its policy, has refused.", "stage"),
	held:     metricDesc("stage_held", "Items that a stage has and has not handed on.", "stage"),
	failures: metricDesc("stage_failures_total", "How often a stage has failed.", "stage"),
	stuck:    metricDesc("stage_stuck_total", "How often a stage has failed because it was stuck.", "stage"),
	counter:  metricDesc("stage_counter", "A number of a stage's own.", "stage", "name"),
}

func describeStages(ch chan<- *prometheus.Desc) {
	d := &stageDescs
	for _, desc := range []*prometheus.Desc{d.up, d.shown, d.refused, d.held, d.failures, d.stuck, d.counter} {
		ch <- desc
	}
}

func collectStages(ch chan<- prometheus.Metric, rt *actors.Runtime) {
	d := &stageDescs
	send := func(desc *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, kind, value, labels...)
	}
	for _, s := range rt.Stages.All() {
		status, up := s.Status(), 0.0
		if status.State == "up" || status.State == "off" {
			up = 1
		}
		send(d.up, prometheus.GaugeValue, up, s.ID)
		send(d.shown, prometheus.CounterValue, float64(s.Shown.Load()), s.ID)
		send(d.refused, prometheus.CounterValue, float64(s.Refused.Load()), s.ID)
		send(d.held, prometheus.GaugeValue, float64(status.Held), s.ID)
		send(d.failures, prometheus.CounterValue, float64(s.Failures.Load()), s.ID)
		send(d.stuck, prometheus.CounterValue, float64(s.Stuck.Load()), s.ID)
		for _, key := range counterNames(status.Counters) {
			send(d.counter, prometheus.GaugeValue, float64(status.Counters[key]), s.ID, key)
		}
	}
}
