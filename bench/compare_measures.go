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

	// Of ensembles only. The memory is that of all servers together.
	measureMemory        = "memory after the loads"
	measureStorm         = "one set, last watcher told"
	measureSync          = "fdatasync, median"
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
	mixed, err := Mixed(70)
	if err != nil {
		panic(err) // 70 is a percentage
	}
	return []loadMeasure{
		{name: "get w32 c8", scenario: Read(), window: 32, sessions: 8, value: rate},
		{name: "get w1 c64", scenario: Read(), window: 1, sessions: 64, value: rate},
		{name: "set w32 c8", scenario: Write(), window: 32, sessions: 8, value: rate},
		{name: "set w1 c64", scenario: Write(), window: 1, sessions: 64, value: rate},
		{name: "mix 70/30 w32 c8", scenario: mixed, window: 32, sessions: 8, value: rate},
		{name: "get w1 c1, median", scenario: Read(), window: 1, sessions: 1, value: median},
		{name: "set w1 c1, median", scenario: Write(), window: 1, sessions: 1, value: median},
	}
}

// ensembleMeasures are taken from each ensemble in each round: the same, and
// those that tell of several servers. The storm has that many watchers.
func ensembleMeasures(watchers int) []loadMeasure {
	all := loadMeasures()
	set := &all[len(all)-1]
	set.inSyncs = measureSetInSyncs
	leader := *set
	leader.name, leader.leader, leader.inSyncs = "set w1 c1 at the leader, median", true, measureLeaderInSyncs
	all = append(all, leader, loadMeasure{name: "churn c64", scenario: Churn(), window: 1, sessions: 64, value: operationRate})
	if watchers > 0 {
		all = append(all, loadMeasure{
			name: measureStorm, scenario: Storm(), window: 1, sessions: watchers + 1, value: lastEventMS,
		})
	}
	return all
}

// echoMeasures are the ceilings for the shapes of load above, by window and
// sessions.
func echoMeasures() []loadMeasure {
	return []loadMeasure{
		{name: "echo w32 c8", scenario: Echo(), window: 32, sessions: 8, value: rate},
		{name: "echo w1 c64", scenario: Echo(), window: 1, sessions: 64, value: rate},
		{name: "echo w1 c1, median", scenario: Echo(), window: 1, sessions: 1, value: median},
	}
}

// reportRow is a row of the table.
type reportRow struct {
	measure string
	unit    string
	// lower says that a lower figure is better.
	lower bool
	// ceiling is the echo measure with the same shape, if any.
	ceiling string
}

// reportRows lists the rows in the order of the table.
func reportRows() []reportRow {
	return []reportRow{
		{"get w32 c8", "ops/s", false, "echo w32 c8"},
		{"get w1 c64", "ops/s", false, "echo w1 c64"},
		{"set w32 c8", "ops/s", false, "echo w32 c8"},
		{"set w1 c64", "ops/s", false, "echo w1 c64"},
		{"mix 70/30 w32 c8", "ops/s", false, "echo w32 c8"},
		{"get w1 c1, median", "us", true, "echo w1 c1, median"},
		{"set w1 c1, median", "us", true, "echo w1 c1, median"},
		{measureSetInSyncs, "syncs", true, ""},
		{"set w1 c1 at the leader, median", "us", true, "echo w1 c1, median"},
		{measureLeaderInSyncs, "syncs", true, ""},
		{"churn c64", "sessions/s", false, ""},
		{measureStorm, "ms", true, ""},
		{measureOutageAny, "ms", true, ""},
		{measureOutageAll, "ms", true, ""},
		{measureOutageLongest, "ms", true, ""},
		{measureMemory, "MiB", true, ""},
		{measureIdleMemory, "KiB", true, ""},
		{measureIdleCPU, "% of a core", true, ""},
		{measureFill, "ops/s", false, "echo w32 c8"},
		{measureFillMemory, "B", true, ""},
		{measureStartMemory, "B", true, ""},
		{measureStart, "s", true, ""},
	}
}
