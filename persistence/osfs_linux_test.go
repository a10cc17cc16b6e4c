package persistence

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestRemoveTouchesNobodyElse removes files of several pieces, under another name or in other hands as well: only what
// nobody else can see may shrink.
func TestRemoveTouchesNobodyElse(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	want := bytes.Repeat([]byte("snapshot"), (2*freePiece+1000)/8)
	for _, name := range []string{"alone", "linked", "read", "target"} {
		must(t, os.WriteFile(at(name), want, 0o600))
	}
	must(t, os.Link(at("linked"), at("other")))
	must(t, os.Symlink(at("target"), at("symlink")))
	reader, err := OSFS{}.Open(at("read"))
	must(t, err)
	defer reader.Close()

	for _, name := range []string{"alone", "linked", "read", "symlink"} {
		must(t, OSFS{}.Remove(at(name)))
		if _, err := os.Lstat(at(name)); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	for _, name := range []string{"other", "target"} {
		if got, err := os.ReadFile(at(name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s has %d bytes, want %d; %v", name, len(got), len(want), err)
		}
	}
	got := make([]byte, len(want))
	if n, err := reader.ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
		t.Errorf("whoever has it open reads %d bytes, want %d; %v", n, len(want), err)
	}
}

// TestOwnSize tells the only opener of a nameless file from all others.
func TestOwnSize(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(name, make([]byte, 5000), 0o600))
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	other, err := os.Open(name)
	must(t, err)
	if got := ownSize(f); got != 0 {
		t.Errorf("a file with a name: %d", got)
	}
	must(t, os.Remove(name))
	if got := ownSize(f); got != 0 {
		t.Errorf("a file that somebody else has open: %d", got)
	}
	must(t, other.Close())
	if got := ownSize(f); got != 5000 && got != 0 { // 0: a file system without leases
		t.Errorf("a file of its own: %d", got)
	}
}
