//go:build unix

package bench

import (
	"context"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A server of several that is killed costs the run its sessions, and the run
// ends in time and says so, whatever it does.
func TestAServerKilledMidwayIsReported(t *testing.T) {
	mixed, err := Mixed(50)
	if err != nil {
		t.Fatal(err)
	}
	for _, scenario := range []Scenario{Read(), mixed, Fill(), CreateDelete(), Churn(), Idle(), Storm()} {
		t.Run(scenario.Name, func(t *testing.T) {
			f := startFake(t, nil)
			second, shut := f.door(t)
			third, _ := f.door(t)
			cfg := f.config()
			cfg.Servers = append(cfg.Servers, second.Addr().String(), third.Addr().String())
			cfg.Sessions, cfg.Keys.Count = 6, 3000
			if scenario.Name == "fill" {
				cfg.Keys.Count = 20_000
			} else {
				cfg.Duration = 800 * time.Millisecond
			}
			if scenario.Prepare != nil {
				if err := scenario.Prepare(context.Background(), cfg); err != nil {
					t.Fatal(err)
				}
			}
			cfg.SkipPrepare = true
			// After some answers, or after some time for the scenario that hardly
			// sends anything.
			kill := sync.OnceFunc(shut)
			f.mu.Lock()
			last := f.requests + 500
			f.spoil = func(n int, _ int32, b []byte) []byte {
				if n == last {
					kill()
				}
				return b
			}
			f.mu.Unlock()
			cfg.Progress = func(p Progress) {
				if p.Phase == "measuring" {
					kill()
				}
			}
			r := mustRun(t, cfg, scenario)
			if r.Lost == 0 || r.Wrong > 0 || r.Err() == nil {
				t.Errorf("%d answers, %d lost, %d wrong, %v %+v", r.Answers, r.Lost, r.Wrong, r.Err(), r.Messages)
			}
		})
	}
}

func TestSessionsAreDealtOutToAllServers(t *testing.T) {
	f := startFake(t, nil)
	second, _ := f.door(t)
	cfg := f.config()
	// The first server is not there, which the steps that are not measured have
	// to get along with; the load itself has not.
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	gone := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	cfg.Servers = []string{gone, second.Addr().String()}
	if err := MakeDirs(cfg); err != nil || f.paths("/bench/fake/") != 2 {
		t.Errorf("%v, %d directories", err, f.paths("/bench/fake/"))
	}
	if _, err := Run(context.Background(), cfg, Read()); err == nil || !strings.Contains(err.Error(), gone) {
		t.Errorf("got %v, want an error that names %s", err, gone)
	}
}
