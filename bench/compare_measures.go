//go:build unix

package bench

// The standard set: what is compared, in which unit, and which way is better.

// Names of the measures that are not a steady load.
const (
	measureIdleMemory  = "idle session, memory"
	measureIdleCPU     = "idle sessions, server CPU"
	measureFill        = "create w64 c8"
	measureFillMemory  = "znode, memory after fill"
	measureStart       = "start to first read"
	measureStartMemory = "znode, memory after restart"
	measureSnapshot    = "sets during a snapshot, p99"

	// Of the disk: with the file's space written before, and without.
	measureSync        = "fdatasync, median"
	measureSyncGrowing = "fdatasync of a growing file, median"

	// The mix in a closed loop, and in an open one at half of its rate.
	measureMix  = "mix 70/30 w32 c8"
	measureHalf = "mix at half load, p99"
	mixReads    = 70

	// Of ensembles only. The memory is that of all servers together.
	measureMemory        = "memory after the loads"
	measureStorm         = "one set, last watcher told"
	measureSetInSyncs    = "set w1 c1, in fdatasyncs"
	measureLeaderInSyncs = "set at the leader, in fdatasyncs"
	measureOutageAny     = "leader killed: first client writes"
	measureOutageAll     = "leader killed: all clients write"
	measureOutageLongest = "leader killed: longest of the kills"
)

// loadMeasure is a steady load and the figure taken from it.
type loadMeasure struct {
	name             string
	scenario         Scenario
	window, sessions int
	value            func(*Result) float64
	// leader sends all sessions to the server that leads; otherwise they are
	// spread over all, a lone one to a follower.
	leader bool
	// rate, if not 0, makes an open loop.
	rate float64
	// inSyncs names the measure that tells the figure in syncs of the disk.
	inSyncs string
}

func rate(r *Result) float64 { return r.PerSecond }

// operationRate counts sessions or events where answers are only a part.
func operationRate(r *Result) float64 {
	count, _ := r.Operations()
	return float64(count) / max(r.Seconds, 1e-9)
}

// lastEventMS is how long the last watcher is in the dark, in milliseconds.
func lastEventMS(r *Result) float64 { return median(r) / 1000 }

func median(r *Result) float64 { return r.Main().P50US }

// loadMeasures are taken from each server in each round, in this order.
func loadMeasures() []loadMeasure {
	mixed, err := Mixed(mixReads)
	if err != nil {
		panic(err) // a percentage
	}
	return []loadMeasure{
		{name: "get w32 c8", scenario: Read(), window: 32, sessions: 8, value: rate},
		{name: "get w1 c64", scenario: Read(), window: 1, sessions: 64, value: rate},
		{name: "set w32 c8", scenario: Write(), window: 32, sessions: 8, value: rate},
		{name: "set w1 c64", scenario: Write(), window: 1, sessions: 64, value: rate},
		{name: measureMix, scenario: mixed, window: 32, sessions: 8, value: rate},
		{name: "get w1 c1, median", scenario: Read(), window: 1, sessions: 1, value: median},
		{name: "set w1 c1, median", scenario: Write(), window: 1, sessions: 1, value: median},
	}
}

// standaloneMeasures are taken from each server that is alone. The storm has
// that many watchers.
func standaloneMeasures(watchers int) []loadMeasure {
	return append(loadMeasures(), sessionMeasures(watchers)...)
}

// sessionMeasures are about sessions and their watches.
func sessionMeasures(watchers int) []loadMeasure {
	all := []loadMeasure{{name: "churn c64", scenario: Churn(), window: 1, sessions: 64, value: operationRate}}
	if watchers > 0 {
		all = append(all, loadMeasure{
			name: measureStorm, scenario: Storm(), window: 1, sessions: watchers + 1, value: lastEventMS,
		})
	}
	return all
}

// ensembleMeasures are taken from each ensemble in each round: the same, and
// those that tell of several servers.
func ensembleMeasures(watchers int) []loadMeasure {
	all := loadMeasures()
	set := &all[len(all)-1]
	set.inSyncs = measureSetInSyncs
	leader := *set
	leader.name, leader.leader, leader.inSyncs = "set w1 c1 at the leader, median", true, measureLeaderInSyncs
	return append(append(all, leader), sessionMeasures(watchers)...)
}

// halfMeasure is an open loop at half of the rate that the first subject reached
// with the same mix in a closed one. Its figure is the 99th percentile of the
// slower kind of request, in microseconds.
func halfMeasure(peak float64) loadMeasure {
	const half = 0.5
	mixed, err := Mixed(mixReads)
	if err != nil {
		panic(err) // a percentage
	}
	return loadMeasure{name: measureHalf, scenario: mixed, window: 32, sessions: 8, rate: half * peak, value: slowest99}
}

// slowest99 is the 99th percentile of the slower kind of request.
func slowest99(r *Result) (us float64) {
	for _, l := range r.Latency {
		us = max(us, l.P99US)
	}
	return us
}

// reportRow is a row of the table.
type reportRow struct {
	measure string
	unit    string
	// lower says that a lower figure is better.
	lower bool
	// echo is the echo server's measure that limits the row, if any, and bare
	// that of the bare server, which has the name of the row's if this is empty.
	echo, bare string
}

// reportRows lists the rows in the order of the table.
func reportRows() []reportRow {
	return []reportRow{
		{"get w32 c8", "ops/s", false, "echo w32 c8", ""},
		{"get w1 c64", "ops/s", false, "echo w1 c64", ""},
		{"set w32 c8", "ops/s", false, "", ""},
		{"set w1 c64", "ops/s", false, "", ""},
		{measureMix, "ops/s", false, "", ""},
		{measureHalf, "us", true, "", ""},
		{"get w1 c1, median", "us", true, "echo w1 c1, median", ""},
		{"set w1 c1, median", "us", true, "echo w1 c1, median", ""},
		{measureSetInSyncs, "syncs", true, "", ""},
		{"set w1 c1 at the leader, median", "us", true, "echo w1 c1, median", "set w1 c1, median"},
		{measureLeaderInSyncs, "syncs", true, "", ""},
		{"churn c64", "sessions/s", false, "", ""},
		{measureStorm, "ms", true, "", ""},
		{measureOutageAny, "ms", true, "", ""},
		{measureOutageAll, "ms", true, "", ""},
		{measureOutageLongest, "ms", true, "", ""},
		{measureMemory, "MiB", true, "", ""},
		{measureIdleMemory, "KiB", true, "", ""},
		{measureIdleCPU, "% of a core", true, "", ""},
		{measureFill, "ops/s", false, "", ""},
		{measureFillMemory, "B", true, "", ""},
		{measureSnapshot, "of calm", true, "", ""},
		{measureStartMemory, "B", true, "", ""},
		{measureStart, "s", true, "", ""},
	}
}
