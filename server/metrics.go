package server

import (
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/cluster"
)

// metricsNamespace begins the name of each metric of ours.
const metricsNamespace = "troupe"

// newMetricsRegistry makes a registry with everything that this server measures, and with the process and the Go
// runtime. It is the server's own: two servers in one process don't mix.
func newMetricsRegistry(c *console) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&metricsCollector{c},
	)
	return r
}

// metricsHandler serves the registry. A number that can't be had just now doesn't cost the others.
func metricsHandler(r *prometheus.Registry) http.Handler {
	h := promhttp.HandlerFor(r, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, Registry: r, MaxRequestsInFlight: 4,
	})
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if allow(w, req, http.MethodGet, http.MethodHead) {
			h.ServeHTTP(w, req)
		}
	})
}

// metricsCollector reads all numbers at the moment of a scrape. Actors only add to plain counters meanwhile.
type metricsCollector struct{ console *console }

// Describe implements prometheus.Collector.
func (c *metricsCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, rows := range [][]metricRow{serverMetrics, treeMetrics, actorMetrics, ensembleMetrics} {
		for _, r := range rows {
			ch <- r.desc
		}
	}
	for _, r := range summaryMetrics {
		ch <- r.desc
	}
	describeStages(ch)
	for _, d := range []*prometheus.Desc{buildInfoDesc, sizeDesc, freeDesc, watchesDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *metricsCollector) Collect(ch chan<- prometheus.Metric) {
	s := metricSources{console: c.console, metrics: c.console.runtime.Metrics}
	send := func(rows []metricRow) {
		for _, r := range rows {
			ch <- prometheus.MustNewConstMetric(r.desc, r.kind, r.value(&s), r.labels...)
		}
	}
	send(serverMetrics)
	send(actorMetrics)
	for _, r := range summaryMetrics {
		ch <- r.metric(s.metrics)
	}
	ch <- prometheus.MustNewConstMetric(buildInfoDesc, prometheus.GaugeValue, 1,
		Version, CompatVersion, Commit(), runtime.Version())
	snapshots, logs := c.console.sizes()
	ch <- prometheus.MustNewConstMetric(sizeDesc, prometheus.GaugeValue, float64(snapshots), "snapshots")
	ch <- prometheus.MustNewConstMetric(sizeDesc, prometheus.GaugeValue, float64(logs), "log")
	if free, err := c.console.diskFree(); err == nil {
		ch <- prometheus.MustNewConstMetric(freeDesc, prometheus.GaugeValue, float64(free))
	}
	if status, ok := c.console.ensemble(); ok {
		s.status = status
		send(ensembleMetrics)
	}
	collectStages(ch, c.console.runtime)
	if c.console.view() == nil {
		return // a tree that isn't served has no numbers; 0 would be a lie
	}
	s.facts = c.console.tree()
	send(treeMetrics)
	if w, err := c.console.watches(false); err == nil {
		ch <- prometheus.MustNewConstMetric(watchesDesc, prometheus.GaugeValue, float64(w.All))
	}
}

// metricSources is what the values are read from: one moment for all of them.
type metricSources struct {
	console *console
	metrics *actors.Metrics
	facts   treeFacts
	status  cluster.Status // of a member of an ensemble
}

// metricRow is one number of Collect.
type metricRow struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	labels []string
	value  func(*metricSources) float64
}

func gauge(name, help string, value func(*metricSources) float64) metricRow {
	return metricRow{desc: metricDesc(name, help), kind: prometheus.GaugeValue, value: value}
}

func counter(name, help string, of func(*actors.Metrics) *actors.Counter) metricRow {
	return metricRow{desc: metricDesc(name, help), kind: prometheus.CounterValue, value: func(s *metricSources) float64 {
		return float64(of(s.metrics).Load())
	}}
}

func metricDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(metricsNamespace, "", name), help, labels, nil)
}

// summaryRow is one summary: unit is what a value is divided by.
type summaryRow struct {
	desc   *prometheus.Desc
	labels []string
	unit   float64
	values func(*actors.Metrics) *actors.Summary
}

func (r summaryRow) metric(m *actors.Metrics) prometheus.Metric {
	v := r.values(m).Values()
	quantiles := map[float64]float64{}
	if v.Count > 0 {
		quantiles = map[float64]float64{
			0.5: float64(v.P50) / r.unit, 0.95: float64(v.P95) / r.unit,
			0.99: float64(v.P99) / r.unit, 0.999: float64(v.P999) / r.unit,
		}
	}
	return prometheus.MustNewConstSummary(r.desc, uint64(v.Count), float64(v.Sum)/r.unit, quantiles, r.labels...)
}
