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
)

// loadMeasure is a steady load and the figure taken from it.
type loadMeasure struct {
	name             string
	scenario         Scenario
	window, sessions int
	value            func(*Result) float64
}

func rate(r *Result) float64 { return r.PerSecond }

func median(r *Result) float64 {
	if len(r.Latency) == 0 {
		return 0
	}
	return r.Latency[0].P50US
}

// loadMeasures are taken from each server in each round, in this order.
func loadMeasures() []loadMeasure {
	mixed, err := Mixed(70)
	if err != nil {
		panic(err) // 70 is a percentage
	}
	return []loadMeasure{
		{"get w32 c8", Read(), 32, 8, rate},
		{"get w1 c64", Read(), 1, 64, rate},
		{"set w32 c8", Write(), 32, 8, rate},
		{"set w1 c64", Write(), 1, 64, rate},
		{"mix 70/30 w32 c8", mixed, 32, 8, rate},
		{"get w1 c1, median", Read(), 1, 1, median},
		{"set w1 c1, median", Write(), 1, 1, median},
	}
}

// echoMeasures are the ceilings for the shapes of load above, by window and
// sessions.
func echoMeasures() []loadMeasure {
	return []loadMeasure{
		{"echo w32 c8", Echo(), 32, 8, rate},
		{"echo w1 c64", Echo(), 1, 64, rate},
		{"echo w1 c1, median", Echo(), 1, 1, median},
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
		{measureIdleMemory, "KiB", true, ""},
		{measureIdleCPU, "% of a core", true, ""},
		{measureFill, "ops/s", false, "echo w32 c8"},
		{measureFillMemory, "B", true, ""},
		{measureStartMemory, "B", true, ""},
		{measureStart, "s", true, ""},
	}
}
