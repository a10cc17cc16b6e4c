package persistence

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

func members(t *testing.T, lines string, version messages.Zxid) messages.Membership {
	t.Helper()
	m, err := messages.ParseMembership(lines)
	if err != nil {
		t.Fatal(err)
	}
	m.Version = version
	return m
}

func sameMemberships(a, b Memberships) bool {
	return a.Configured.Equal(b.Configured) && a.Current.Equal(b.Current) && a.Proposed.Equal(b.Proposed) &&
		a.Former.Equal(b.Former)
}

func openMemStore(t *testing.T, disk FS) *Store {
	t.Helper()
	s, err := OpenStore(StoreOptions{FS: disk, DataDir: "/data", NewDatabaseID: 7})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestMembershipCrash cuts the power at each change of the disk: what was, or what is to be, is there and whole.
func TestMembershipCrash(t *testing.T) {
	configured := members(t, "server.1=a:1:2\nserver.2=b:1:2", 0)
	steps := []Memberships{
		{Configured: configured, Current: members(t, "server.1=a:1:2\nserver.2=b:1:2", 0x100000001)},
		{Configured: configured, Current: members(t, "server.1=a:1:2\nserver.2=b:1:2", 0x100000001),
			Proposed: members(t, "server.1=a:1:2\nserver.3=[::1]:1:2;5\ngroup.1=1:3", 0x100000009)},
		{Configured: configured, Current: members(t, "server.1=a:1:2\nserver.3=[::1]:1:2;5\ngroup.1=1:3", 0x100000009),
			Former: members(t, "server.2=b:1:2|b:3:4", 0)},
	}
	disk := NewMemFS()
	s := openMemStore(t, disk)
	if _, ok, err := s.Membership(); ok || err != nil {
		t.Fatalf("a new folder has a membership: %v", err)
	}
	if err := s.SetMembership(steps[0]); err != nil {
		t.Fatal(err)
	}
	for i, next := range steps[1:] {
		done := false
		for point := 0; !done; point++ {
			for seed := range uint64(6) {
				base := disk.CrashClone(nil)
				cut := NewFaultFS(base)
				store := openMemStore(t, cut)
				cut.CutPower(point)
				err := store.SetMembership(next)
				done = err == nil
				if err != nil && !errors.Is(err, ErrPowerCut) {
					t.Fatal(err)
				}
				var rng *rand.Rand
				if seed > 0 {
					rng = rand.New(rand.NewPCG(seed, uint64(point)))
				}
				got, ok, err := openMemStore(t, base.CrashClone(rng)).Membership()
				if err != nil || !ok || !(sameMemberships(got, next) || !done && sameMemberships(got, steps[i])) {
					t.Fatalf("step %d, power cut at %d: %+v, %v, %v", i, point, got, ok, err)
				}
			}
		}
		if err := s.SetMembership(next); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMembershipDamage: whatever else stands in the file is refused, and the error says which file and what to do.
func TestMembershipDamage(t *testing.T) {
	good := formatMemberships(Memberships{
		Configured: members(t, "server.1=a:1:2", 0), Current: members(t, "server.1=a:1:2", 5), Proposed: members(t, "server.2=b:1:2", 6),
	})
	for _, bad := range []string{"", "server.1=a:1:2\n", good[1:], strings.Replace(good, "b:1", "c:1", 1), good + "\n", good[:len(good)-1]} {
		disk := NewMemFS()
		s := openMemStore(t, disk)
		if err := writeFileAtomic(disk, "/data/troupe/membership", []byte(bad)); err != nil {
			t.Fatal(err)
		}
		var damage *DamageError
		if _, _, err := s.Membership(); !errors.As(err, &damage) || !strings.Contains(err.Error(), "/data/troupe/membership") {
			t.Errorf("%q gives %v", bad, err)
		}
	}
	if m, err := parseMemberships(good); err != nil || formatMemberships(m) != good {
		t.Errorf("%v, %+v", err, m)
	}
}
