package killtest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/server"
)

// memServer is a whole server in this process, on a disk in memory whose power can be cut and whose operations can be
// made to fail.
type memServer struct {
	*server.Server
	fault   *persistence.FaultFS
	started time.Time
	log     *words
}

// words is what a server has written to its log.
type words struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *words) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// memSettings are keys of the configuration beside those that all servers in memory have.
type memSettings map[string]string

// newMemServer makes a server that isn't started.
func newMemServer(t *testing.T, disk *persistence.MemFS, more memSettings) *memServer {
	t.Helper()
	keys := map[string]string{
		"clientPort": "0", "clientPortAddress": "127.0.0.1", "dataDir": "/troupe-test-data", "admin.enableServer": "false",
		"tickTime": "100", "minSessionTimeout": "200", "maxSessionTimeout": "120000", "maxClientCnxns": "0",
	}
	for key, value := range more {
		keys[key] = value
	}
	config, _, err := server.LoadConfig("", nil, keys)
	if err != nil {
		t.Fatal(err)
	}
	m := &memServer{fault: persistence.NewFaultFS(disk), started: time.Now(), log: &words{}}
	log := zerolog.New(m.log).Level(zerolog.InfoLevel)
	if m.Server, err = server.New(server.Options{Config: config, FS: m.fault, Log: log}); err != nil {
		t.Fatal(err)
	}
	return m
}

// startMemServer starts a server that must start.
func startMemServer(t *testing.T, disk *persistence.MemFS, more memSettings) *memServer {
	t.Helper()
	m := newMemServer(t, disk, more)
	if err := m.Start(); err != nil {
		t.Fatal(err)
	}
	return m
}

// drawMem picks settings for which snapshots, new segments and purges come often.
func drawMem(rng *rand.Rand) memSettings {
	s := memSettings{
		"snapCount":    strconv.Itoa([...]int{10, 40, 200, 100000}[rng.IntN(4)]),
		"preAllocSize": strconv.Itoa([...]int{4, 4, 16, 256}[rng.IntN(4)]),
	}
	if rng.IntN(2) == 0 {
		s["snapshot.compression.method"] = "zstd"
	}
	return s
}

// afterPowerCut is the disk as it is found when the power is back: the strictest way in one case of four.
func afterPowerCut(disk *persistence.MemFS, rng *rand.Rand) *persistence.MemFS {
	if rng.IntN(4) == 0 {
		return disk.CrashClone(nil)
	}
	return disk.CrashClone(rng)
}

// startCut starts a server and cuts its power so many changes later. It reports whether the server served; it is gone
// in any case.
func startCut(t *testing.T, disk *persistence.MemFS, changes int, more memSettings) (served bool) {
	t.Helper()
	m := newMemServer(t, disk, more)
	m.fault.CutPower(changes)
	err := m.Start()
	if err != nil && !errors.Is(err, persistence.ErrPowerCut) {
		t.Fatalf("start with the power cut after %d changes: %v", changes, err)
	}
	m.fault.CutPower(0)
	m.Stop()
	return err == nil
}
