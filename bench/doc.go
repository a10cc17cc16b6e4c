// Package bench drives servers that speak ZooKeeper's client protocol, checks
// every answer and measures what an answer costs.
//
// What enters: a list of servers, a [Scenario] (what each session sends) and a
// [Config] (how many sessions, how many requests outstanding on each, how long).
// What leaves: a [Result] with throughput, latency percentiles, errors, the
// generator's own CPU and, for servers whose process ids are given, their CPU
// and memory.
//
// What must always hold:
//
//   - An answer is counted only after it was checked: it carries the xid of the
//     oldest outstanding request, its zxid does not go back, its error code is
//     the one expected, and its data has the length and the content that was
//     written. A server that answers wrongly fails the run; it is never just fast.
//   - Every request is accounted for: answered, refused with an error code, or
//     lost with its connection or at the end of the run.
//   - The generator is cheap, because it usually shares the machine with the
//     server: a loop is one goroutine with one poller and non-blocking sockets,
//     a read call takes in all frames that arrived, and the requests that the
//     answers give room for leave in one write call.
//
// The rooms: wire.go and value.go know frames and contents, session.go one
// connection, loop.go many of them on one goroutine, load.go what to send,
// pace.go when to in an open loop, driver.go the phases of a run, histogram.go
// and report.go the figures, scenario_*.go and recipe_*.go ready-made
// scenarios, compare*.go the alternating comparison of two servers, grow*.go
// curves of what grows, and outage.go and failover.go what kills cost. Package
// bench/page shows it all, and bench/cli is the command line.
package bench
