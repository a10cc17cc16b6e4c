package bench

import (
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	// A name with a space and a bracket, as any program may choose.
	stat := []byte("42 (a b) c) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 12345 1000000 300 18446744073709551615")
	u, err := parseStat(stat, 4096)
	if err != nil || u.CPU != 3*time.Second || u.RSSBytes != 300*4096 {
		t.Errorf("got %+v, %v", u, err)
	}
	if _, err := parseStat([]byte("42 (x) S 1"), 4096); err == nil {
		t.Error("a short line was accepted")
	}
}

func TestParseMachine(t *testing.T) {
	m, ok := parseMachine([]byte("cpu  100 10 50 9999 8888 5 5 30 70 0\ncpu0 1 2 3\n"))
	if !ok || m.Busy != 200*tickDuration {
		t.Errorf("got %v, %v", m.Busy, ok)
	}
	if _, ok := parseMachine([]byte("intr 1 2 3")); ok {
		t.Error("nonsense was accepted")
	}
}

func TestReadUsageOfThisProcess(t *testing.T) {
	u, err := ReadUsage(os.Getpid())
	if err != nil || u.RSSBytes < 1<<20 {
		t.Errorf("got %+v, %v", u, err)
	}
	if _, err := ReadUsage(1 << 30); err == nil {
		t.Error("a process that does not exist has usage")
	}
}
