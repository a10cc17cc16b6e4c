package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

func contents(t *testing.T, fsys FS, name string) string {
	t.Helper()
	f, err := fsys.Open(name)
	if err != nil {
		return err.Error()
	}
	b, err := io.ReadAll(f)
	must(t, err)
	return string(b)
}

// TestStrictCrash keeps what was synced and nothing else.
func TestStrictCrash(t *testing.T) {
	m := newDisk(t, "/d")
	synced, err := m.Create("/d/synced")
	must(t, err)
	_, err = synced.Write([]byte("old contents"))
	must(t, err)
	must(t, synced.Sync())
	nameless, err := m.Create("/d/nameless")
	must(t, err)
	must(t, nameless.Sync())
	must(t, m.SyncDir("/d"))
	late, err := m.Create("/d/late")
	must(t, err)
	_, err = late.Write([]byte("x"))
	must(t, err)
	must(t, late.Sync())
	_, err = synced.WriteAt([]byte("NEW"), 0)
	must(t, err)
	_, err = synced.WriteAt([]byte("longer"), 1000)
	must(t, err)
	must(t, m.Remove("/d/nameless"))
	must(t, m.MkdirAll("/d/sub"))
	c := m.CrashClone(nil)
	if got := contents(t, c, "/d/synced"); got != "old contents" {
		t.Errorf("%q", got)
	}
	if got := c.Tree(); got != "/d/nameless 0\n/d/synced 12\n" {
		t.Errorf("files: %s", got)
	}
	if _, err := c.ReadDir("/d/sub"); err == nil {
		t.Error("an unsynced folder survived")
	}
	// The clone shares nothing with the original.
	f, err := c.OpenRW("/d/synced")
	must(t, err)
	_, err = f.Write([]byte("clone"))
	must(t, err)
	if got := contents(t, m, "/d/synced"); got[:12] != "NEW contents" || len(got) != 1006 {
		t.Errorf("the original became %q", got[:12])
	}
	// What survived a crash is durable.
	if got := c.CrashClone(nil).Tree(); got != c.Tree() {
		t.Errorf("second crash: %s", got)
	}
}

// TestRandomCrash looks at many crashes of one write of four sectors over synced
// ones: each sector is the old or the new one, but for one torn at a border; all
// kinds of outcome occur, and the same seed gives the same outcome.
func TestRandomCrash(t *testing.T) {
	m := newDisk(t, "/d")
	f, err := m.Create("/d/f")
	must(t, err)
	_, err = f.Write(bytes.Repeat([]byte{'o'}, 4*sectorBytes))
	must(t, err)
	must(t, f.Sync())
	must(t, m.SyncDir("/d"))
	_, err = f.WriteAt(bytes.Repeat([]byte{'n'}, 4*sectorBytes), 0)
	must(t, err)
	outcomes := map[string]int{}
	for seed := range uint64(400) {
		c := m.CrashClone(rand.New(rand.NewPCG(seed, 0)))
		got := contents(t, c, "/d/f")
		if again := contents(t, m.CrashClone(rand.New(rand.NewPCG(seed, 0))), "/d/f"); again != got {
			t.Fatalf("seed %d gives two outcomes", seed)
		}
		var pattern string
		for i := range 4 {
			sector := got[i*sectorBytes : (i+1)*sectorBytes]
			switch n := bytes.Count([]byte(sector), []byte{'n'}); n {
			case 0:
				pattern += "o"
			case sectorBytes:
				pattern += "n"
			default:
				pattern += "t"
				if sector[:n] != string(bytes.Repeat([]byte{'n'}, n)) {
					t.Errorf("torn in another way than from its begin: %q", sector)
				}
			}
		}
		outcomes[pattern]++
	}
	for _, want := range []string{"oooo", "nnnn", "nnto", "onon"} {
		if outcomes[want] == 0 {
			t.Errorf("never happened: %s in %v", want, outcomes)
		}
	}
}

// TestCrashKeepsOrderOfNames lets a crash keep some first part of a folder's
// changes, and never half of a rename.
func TestCrashKeepsOrderOfNames(t *testing.T) {
	m := newDisk(t, "/d")
	for _, name := range []string{"a", "b"} {
		f, err := m.Create("/d/" + name)
		must(t, err)
		must(t, f.Close())
	}
	must(t, m.SyncDir("/d"))
	must(t, m.Rename("/d/a", "/d/c"))
	must(t, m.Remove("/d/b"))
	seen := map[string]bool{}
	for seed := range uint64(60) {
		names, err := m.CrashClone(rand.New(rand.NewPCG(seed, 0))).ReadDir("/d")
		must(t, err)
		seen[fmt.Sprint(names)] = true
	}
	want := map[string]bool{"[a b]": true, "[b c]": true, "[c]": true}
	if fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("seen %v, want %v", seen, want)
	}
}

func TestCapacity(t *testing.T) {
	m := newDisk(t, "/d")
	m.Capacity = 1000
	f, err := m.Create("/d/f")
	must(t, err)
	must(t, f.Preallocate(0, 900))
	if err := f.Preallocate(900, 101); !errors.Is(err, ErrDiskFull) {
		t.Errorf("preallocated too much: %v", err)
	}
	_, err = f.WriteAt(make([]byte, 900), 0)
	must(t, err) // preallocated space is sure
	if _, err := f.WriteAt(make([]byte, 10), 995); !errors.Is(err, ErrDiskFull) {
		t.Errorf("wrote too much: %v", err)
	}
	if err := f.Truncate(1001); !errors.Is(err, ErrDiskFull) {
		t.Errorf("grew too much: %v", err)
	}
	if n, _ := m.Free("/d"); n != 100 {
		t.Errorf("free: %d", n)
	}
	must(t, m.Remove("/d/f"))
	if n, _ := m.Free("/d"); n != 1000 {
		t.Errorf("free after removal: %d", n)
	}
}

func TestFaultRules(t *testing.T) {
	m := newDisk(t, "/d")
	f := NewFaultFS(m)
	f.Inject(Fault{Op: OpWrite, Pattern: "b*", Nth: 2, Err: errDisk, Short: 3})
	write := func(name string) (int, error) {
		file, err := f.OpenRW("/d/" + name)
		if err != nil {
			file, err = f.Create("/d/" + name)
		}
		must(t, err)
		defer file.Close()
		return file.Write([]byte("12345"))
	}
	for i, c := range []struct {
		name string
		n    int
		err  error
	}{{"a", 5, nil}, {"b1", 5, nil}, {"a", 5, nil}, {"b2", 3, errDisk}, {"b3", 5, nil}} {
		if n, err := write(c.name); n != c.n || !errors.Is(err, c.err) {
			t.Errorf("write %d: %d, %v", i, n, err)
		}
	}
	if got := contents(t, m, "/d/b2"); got != "123" {
		t.Errorf("short write left %q", got)
	}
	f.Inject(Fault{Op: OpFree, Err: errDisk})
	for range 2 {
		if _, err := f.Free("/d"); !errors.Is(err, errDisk) {
			t.Errorf("free: %v", err)
		}
	}
	f.Clear()
	if _, err := f.Free("/d"); err != nil || f.Failed() != 3 {
		t.Errorf("cleared: %v, %d failures", err, f.Failed())
	}
	f.CutPower(1)
	_, err := write("c")
	if !errors.Is(err, ErrPowerCut) {
		t.Errorf("after the cut: %v", err)
	}
	if _, err := f.ReadDir("/d"); !errors.Is(err, ErrPowerCut) {
		t.Errorf("reading after the cut: %v", err)
	}
}
