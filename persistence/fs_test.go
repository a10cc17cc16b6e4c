package persistence

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"
)

// TestFileSystems holds all implementations to the same contract.
func TestFileSystems(t *testing.T) {
	mem := NewMemFS()
	must(t, mem.MkdirAll("/root"))
	for name, c := range map[string]struct {
		fs  FS
		dir string
	}{
		"OSFS":    {OSFS{}, t.TempDir()},
		"MemFS":   {mem, "/root"},
		"FaultFS": {NewFaultFS(OSFS{}), t.TempDir()},
	} {
		t.Run(name, func(t *testing.T) {
			checkNames(t, c.fs, c.dir)
			checkFile(t, c.fs, filepath.Join(c.dir, "file"))
			checkLock(t, c.fs, filepath.Join(c.dir, "lock"))
			if n, err := c.fs.Free(c.dir); err != nil || n <= 0 {
				t.Errorf("free: %d, %v", n, err)
			}
		})
	}
}

func checkNames(t *testing.T, fsys FS, root string) {
	t.Helper()
	at := func(name string) string { return filepath.Join(root, name) }
	must(t, fsys.MkdirAll(at("a/b")))
	must(t, fsys.MkdirAll(at("a/b")))
	for _, name := range []string{"a/z", "a/c"} {
		f, err := fsys.Create(at(name))
		must(t, err)
		must(t, f.Close())
	}
	if _, err := fsys.Create(at("a/c")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("create twice: %v", err)
	}
	for _, open := range []func(string) (File, error){fsys.Open, fsys.OpenRW} {
		if _, err := open(at("a/none")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open what is not there: %v", err)
		}
	}
	if _, err := fsys.Create(at("none/x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("create in a folder that is not there: %v", err)
	}
	if names, err := fsys.ReadDir(at("a")); err != nil || !slices.Equal(names, []string{"b", "c", "z"}) {
		t.Errorf("names %v, %v", names, err)
	}
	must(t, fsys.Rename(at("a/z"), at("a/c")))
	must(t, fsys.SyncDir(at("a")))
	if names, err := fsys.ReadDir(at("a")); err != nil || !slices.Equal(names, []string{"b", "c"}) {
		t.Errorf("after the rename: %v, %v", names, err)
	}
	if info, err := fsys.Stat(at("a/b")); err != nil || !info.IsDir {
		t.Errorf("folder: %+v, %v", info, err)
	}
	must(t, fsys.Remove(at("a/c")))
	for _, err := range []error{fsys.Remove(at("a/c")), fsys.Rename(at("a/c"), at("a/d")), fsys.SyncDir(at("none"))} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("on what is not there: %v", err)
		}
	}
	if err := fsys.Remove(at("a")); err == nil {
		t.Error("a folder with something in it was removed")
	}
	must(t, fsys.Remove(at("a/b")))
	if _, err := fsys.ReadDir(at("a/b")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("list a removed folder: %v", err)
	}
}

func checkFile(t *testing.T, fsys FS, name string) {
	t.Helper()
	f, err := fsys.Create(name)
	must(t, err)
	_, err = f.Write([]byte("hello "))
	must(t, err)
	_, err = f.Write([]byte("world"))
	must(t, err)
	must(t, f.Preallocate(0, 5)) // within the file: nothing changes
	must(t, f.Preallocate(11, 89))
	if n, err := f.Size(); err != nil || n != 100 {
		t.Errorf("size %d, %v", n, err)
	}
	_, err = f.WriteAt([]byte("!"), 50)
	must(t, err)
	must(t, f.WriteBack(0, 4))
	must(t, f.Sync())
	want := append([]byte("hello world"), make([]byte, 89)...)
	want[50] = '!'
	b := make([]byte, 200)
	if n, err := f.ReadAt(b, 0); n != 100 || !errors.Is(err, io.EOF) || !bytes.Equal(b[:100], want) {
		t.Errorf("read %d, %v: %q", n, err, b[:n])
	}
	must(t, f.Truncate(4))
	must(t, f.Truncate(8))
	must(t, f.Close())
	r, err := fsys.Open(name)
	must(t, err)
	if got, err := io.ReadAll(r); err != nil || string(got) != "hell\x00\x00\x00\x00" {
		t.Errorf("after truncation: %q, %v", got, err)
	}
	if _, err := r.WriteAt([]byte("x"), 0); err == nil {
		t.Error("a file opened for reading was written")
	}
	if n, err := r.ReadAt(b, 100); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("read behind the end: %d, %v", n, err)
	}
	if info, err := fsys.Stat(name); err != nil || info.Size != 8 || info.IsDir {
		t.Errorf("stat %+v, %v", info, err)
	}
	must(t, r.Close())
	w, err := fsys.OpenRW(name)
	must(t, err)
	_, err = w.WriteAt([]byte("J"), 0)
	must(t, err)
	must(t, fsys.Remove(name))
	if n, err := w.ReadAt(b[:4], 0); n != 4 || err != nil || string(b[:4]) != "Jell" {
		t.Errorf("open file after its removal: %q, %v", b[:n], err)
	}
	must(t, w.Close())
}

func checkLock(t *testing.T, fsys FS, name string) {
	t.Helper()
	l, err := fsys.Lock(name)
	must(t, err)
	if _, err := fsys.Lock(name); !errors.Is(err, ErrLocked) {
		t.Errorf("locked twice: %v", err)
	}
	must(t, l.Close())
	l, err = fsys.Lock(name)
	must(t, err)
	must(t, l.Close())
}

// TestZeroFill covers the stand-in for file systems that cannot preallocate.
func TestZeroFill(t *testing.T) {
	f, err := OSFS{}.Create(filepath.Join(t.TempDir(), "f"))
	must(t, err)
	defer f.Close()
	_, err = f.Write([]byte("keep"))
	must(t, err)
	must(t, f.(*osFile).fillWithZeros(2, 3<<20))
	must(t, f.(*osFile).fillWithZeros(0, 3))
	b := make([]byte, 4<<20)
	n, _ := f.ReadAt(b, 0)
	if n != 3<<20+2 || string(b[:4]) != "keep" || bytes.Trim(b[4:n], "\x00") != nil && len(bytes.Trim(b[4:n], "\x00")) > 0 {
		t.Errorf("%d bytes, %q", n, b[:8])
	}
}
