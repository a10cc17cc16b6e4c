package chaostest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"
)

var (
	targetFlag    = flag.String("target", "troupe", "which servers: troupe or zookeeper")
	seedFlag      = flag.Uint64("seed", 0, "where chance begins; 0: at the time")
	durationFlag  = flag.Duration("duration", 7*time.Second, "how long TestChaos makes faults")
	serversFlag   = flag.Int("servers", 3, "how many voters there are")
	observersFlag = flag.Int("observers", 0, "how many observers TestChaos has beside them")
	onlyFlag      = flag.String("faults", "", "the kinds of faults that TestChaos and TestSilentLeader have, with commas between; empty: all")
	killsFlag     = flag.Int("kills", 2, "how many times TestLeaderKilled kills the leader")
	silencesFlag  = flag.Int("silences", 0, "how many times TestSilentLeader silences the leader in each way; 0: once in two of the ways")
	sessionsFlag  = flag.Int("sessions", 100, "how many sessions TestSessionsOverLeaderChanges holds")
	changesFlag   = flag.Int("changes", 2, "how many leaders it takes away from them")
	cutsFlag      = flag.Int("cuts", 2, "how many first starts TestPowerAndDisk cuts off")
	tickFlag      = flag.Duration("tick", 400*time.Millisecond, "tickTime of the servers; a silent peer is given up after five")
	loopbackFlag  = flag.Bool("loopback", false, "use this machine's loopback even if separate hosts can be had")
	lacksFlag     = flag.Bool("lacks", false, "run what the target is known to lack, too")
	keepFlag      = flag.Bool("keep", false, "keep folders and logs of tests that pass, too")
)

// startSeed is the seed of a test: the one that was asked for, or a new one.
func startSeed(t *testing.T) uint64 {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	return seed
}

func testContext(t *testing.T, limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// say prints a line at once: a long run shows how it gets on.
func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// workFolder makes a folder that is removed after the test, unless it fails.
func workFolder(t *testing.T) string {
	folder, err := os.MkdirTemp("", "troupe-chaos-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() || *keepFlag {
			t.Logf("logs and data are kept in %s", folder)
			return
		}
		if err := os.RemoveAll(folder); err != nil {
			t.Log(err)
		}
	})
	return folder
}
