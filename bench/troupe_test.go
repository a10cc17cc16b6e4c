//go:build unix

package bench

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/server"
)

// startTroupe runs a server inside the test.
func startTroupe(t *testing.T) Config {
	t.Helper()
	cfg, _ := startTroupeToStop(t)
	return cfg
}

// startTroupeToStop does so, and returns what ends the server.
func startTroupeToStop(t *testing.T) (cfg Config, stop func()) {
	t.Helper()
	config, _, err := server.LoadConfig("", nil, map[string]string{
		"clientPort": "0", "clientPortAddress": "127.0.0.1", "dataDir": t.TempDir(), "admin.enableServer": "false",
		"forceSync": "no",
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Options{Config: config})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(s.Stop)
	t.Cleanup(stop)
	cfg = DefaultConfig()
	cfg.Servers = []string{s.ClientAddress()}
	cfg.Sessions, cfg.Window, cfg.Warmup, cfg.Duration = 4, 4, 0, 0
	cfg.Keys = Keyspace{Root: "/bench/troupe", Count: 1500, ValueBytes: 20}
	return cfg, stop
}

// A server that goes away midway ends a run of any scenario, which says so.
func TestAServerStoppedMidwayIsReported(t *testing.T) {
	multi, err := Multi(3)
	if err != nil {
		t.Fatal(err)
	}
	for _, scenario := range []Scenario{ProdMix(), multi, List(), CreateDeleteOf(EphemeralSequential), Lock(), Queue(), Barrier()} {
		t.Run(scenario.Name, func(t *testing.T) {
			cfg, stop := startTroupeToStop(t)
			cfg.Duration = time.Minute
			cfg.Progress = func(p Progress) {
				if p.Scenario == scenario.Name && p.Phase == "measuring" && p.Answers > 0 {
					go stop()
				}
			}
			r := mustRun(t, cfg, scenario)
			if r.Lost == 0 || r.Wrong > 0 || r.Err() == nil || r.Seconds > 50 {
				t.Errorf("%d answers, %d lost, %d wrong in %.1f s, %v %+v", r.Answers, r.Lost, r.Wrong, r.Seconds, r.Err(), r.Messages)
			}
		})
	}
}

// runRequests runs until that many requests were answered, all correctly.
func runRequests(t *testing.T, cfg Config, scenario Scenario, requests int64) *Result {
	t.Helper()
	cfg.Requests = requests
	r := mustRun(t, cfg, scenario)
	if err := r.Err(); err != nil {
		t.Errorf("%s: %v %+v", scenario.Name, err, r.Messages)
	}
	return r
}

// Every scenario must get along with a server that does what it should.
func TestScenariosOnAServer(t *testing.T) {
	cfg := startTroupe(t)
	multi, err := Multi(5)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		scenario Scenario
		want     Op
	}{
		{Read(), OpGet}, {Write(), OpSet}, {multi, OpMulti}, {List(), OpChildren}, {ProdMix(), OpGet},
		{CreateDelete(), OpCreate}, {CreateDeleteOf(Sequential), OpCreateSequential}, {CreateDeleteOf(Ephemeral), OpCreate},
		{CreateDeleteOf(EphemeralSequential), OpCreateSequential},
		{Lock(), OpHandOver}, {Queue(), OpTake}, {Barrier(), OpBarrier},
	} {
		r := runRequests(t, cfg, c.scenario, 400)
		if r.of(c.want).Count == 0 {
			t.Errorf("%s: no %s in %+v", c.scenario.Name, c.want, r.Latency)
		}
		if r.Answers != 400 {
			t.Errorf("%s: %d answers, want the 400 asked for", r.Scenario, r.Answers)
		}
	}
	r := runRequests(t, cfg, Churn(), 50)
	if got := r.of(OpClose).Count; got != 50 {
		t.Errorf("churn: %d sessions closed, want 50", got)
	}
	if err := Clean(context.Background(), cfg); err != nil {
		t.Error(err)
	}
}

// Every request of the mix must occur, and sets must fire watches.
func TestProdMixHasEveryKind(t *testing.T) {
	cfg := startTroupe(t)
	cfg.Distribution.Name = "zipf"
	r := runRequests(t, cfg, ProdMix(), 3000)
	for _, op := range []Op{OpGet, OpWatch, OpExists, OpChildren, OpSet, OpCreateSequential, OpDelete, OpMulti} {
		if r.of(op).Count == 0 {
			t.Errorf("no %s among %+v", op, r.Latency)
		}
	}
}

// One directory may hold all keys.
func TestListOfAllKeys(t *testing.T) {
	cfg := startTroupe(t)
	cfg.Keys.PerDir = 2000
	r := runRequests(t, cfg, List(), 20)
	if r.Answers != 20 {
		t.Errorf("%d answers, want 20", r.Answers)
	}
}

// An open loop sends at its rate, however fast the answers come.
func TestOpenLoop(t *testing.T) {
	cfg := startTroupe(t)
	cfg.Rate = 1000
	began := time.Now()
	r := runRequests(t, cfg, Read(), 200)
	if r.Answers != 200 || r.Rate != 1000 {
		t.Errorf("%d answers at a rate of %v", r.Answers, r.Rate)
	}
	if took := time.Since(began); took < 199*time.Millisecond {
		t.Errorf("200 requests at 1000/s took only %v", took)
	}
	if r := runRequests(t, cfg, CreateDelete(), 100); r.of(OpDelete).Count == 0 {
		t.Errorf("nothing was deleted: %+v", r.Latency)
	}
	if _, err := Run(context.Background(), cfg, Lock()); err == nil {
		t.Error("an open loop of a recipe was accepted")
	}
}

// A server that pauses delays requests that were due meanwhile, and their
// latency says so though they could not be sent.
func TestOpenLoopCountsTheWaitForASlowServer(t *testing.T) {
	const pause = 300 * time.Millisecond
	f := startFake(t, nil)
	cfg := f.config()
	if err := Prepare(context.Background(), cfg); err != nil {
		t.Fatal(err)
	}
	release := time.NewTimer(time.Hour)
	first := true
	f.mu.Lock()
	f.spoil = func(_ int, op int32, b []byte) []byte {
		if first && op == opCodes[OpGet] {
			first = false
			release.Reset(pause)
			<-release.C
		}
		return b
	}
	f.mu.Unlock()
	cfg.SkipPrepare, cfg.Rate, cfg.Window, cfg.Sessions, cfg.Requests = true, 1000, 1, 1, 300
	r := mustRun(t, cfg, Read())
	// In a closed loop one answer of 300 would be late; here all that were due
	// in the pause are, on average by half of it.
	if got := r.of(OpGet); r.Err() != nil || got.P50US < 50_000 {
		t.Errorf("median %v us, want more than 50,000; %v", got.P50US, r.Err())
	}
}
