package server_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/server"
)

// refuses demands that a server doesn't start, that the reason is one line with these words, and that nothing stays open.
func refuses(t *testing.T, s *server.Server, words ...string) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- s.Start() }()
	err := receive(t, "the reason why the server doesn't start", done)
	if err == nil {
		t.Errorf("the server started; expected an error with %q", words)
		return
	}
	text := err.Error()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("error %q has no %q", text, word)
		}
	}
	if strings.Contains(text, "\n") || len(text) > 1000 {
		t.Errorf("the error isn't one line: %q", text)
	}
	s.Stop() // again, as a program would
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	_, port, err := net.SplitHostPort(startServer(t).ClientAddress())
	if err != nil {
		t.Fatal(err)
	}
	refuses(t, newServer(t, with("clientPort", port)), "port "+port+" is in use by another process", "clientPort")
}

func TestFolderThatCantBe(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	under := filepath.Join(file, "data")
	keys := map[string]string{"clientPort": "0", "dataDir": under}
	if _, _, err := server.LoadConfig("", nil, keys); err == nil || !strings.Contains(err.Error(), under) {
		t.Errorf("a folder below a file: %v", err)
	}

	if os.Getuid() != 0 { // nothing is unwritable for root
		locked := t.TempDir()
		if err := os.Chmod(locked, 0o500); err != nil { //nolint:gosec // a folder needs its x
			t.Fatal(err)
		}
		refuses(t, newServer(t, onDisk(persistence.OSFS{}), with("dataDir", filepath.Join(locked, "data"))),
			locked, "permission denied")
	}
	disk := persistence.NewFaultFS(persistence.NewMemFS())
	disk.Inject(persistence.Fault{Op: persistence.OpMkdir, Err: os.ErrPermission})
	refuses(t, newServer(t, onDisk(disk)), "data", "permission denied")
}

// TestSecondServerOnAFolder is refused and doesn't harm the first.
func TestSecondServerOnAFolder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	first := startServer(t, onDisk(persistence.OSFS{}), with("dataDir", folder))
	refuses(t, newServer(t, onDisk(persistence.OSFS{}), with("dataDir", folder)), folder, "another")
	serves(t, first.ClientAddress(), "after a second server on its folder")
}

// TestUnreadableLogRefuses: a server that can't recover says so instead of starting empty.
func TestUnreadableLogRefuses(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	first := startServer(t, onDisk(persistence.OSFS{}), with("dataDir", folder))
	serves(t, first.ClientAddress(), "before the damage")
	first.Stop()
	damaged := 0
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(d.Name(), "log") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || len(text) < 200 {
			return err
		}
		text[150] ^= 0xff // in the first records, which others follow
		damaged++
		return os.WriteFile(path, text, 0o600)
	})
	if err != nil || damaged == 0 {
		t.Fatalf("damaged %d files: %v", damaged, err)
	}
	refuses(t, newServer(t, onDisk(persistence.OSFS{}), with("dataDir", folder)), folder, "damaged at byte", "troupe log check --cut")
}
