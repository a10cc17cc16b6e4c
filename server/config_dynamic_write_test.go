package server

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

const firstStatic = `# written by a person
tickTime=500
dataDir=/data
initLimit=20
syncLimit=10
# where clients come in
clientPort=2181
clientPortAddress = 127.0.0.1
reconfigEnabled=true
peerType=participant

# the members
server.1=127.0.0.1:23211:23221
server.2=127.0.0.1:23212:\
   23222
zookeeper.server.3=127.0.0.1:23213:23223:observer
# the end`

func membershipOf(t *testing.T, lines string, version messages.Zxid) messages.Membership {
	t.Helper()
	m, err := messages.ParseMembership(lines)
	if err != nil {
		t.Fatal(err)
	}
	m.Version = version
	return m
}

// TestTurnTo: which lines go, which stay, and where the new one stands.
func TestTurnTo(t *testing.T) {
	without := "server.1=127.0.0.1:23211:23221\nserver.2=127.0.0.1:23212:23222"
	with := "server.1=127.0.0.1:23211:23221;127.0.0.1:2181\nserver.2=127.0.0.1:23212:23222"
	client := ClientConfig{Port: 2181, Address: "127.0.0.1"}
	for _, c := range []struct{ name, static, members, want string }{
		{"the client port stays", firstStatic, without, `# written by a person
tickTime=500
dataDir=/data
initLimit=20
syncLimit=10
# where clients come in
clientPort=2181
clientPortAddress = 127.0.0.1
reconfigEnabled=true

# the members
dynamicConfigFile=/etc/zoo.cfg.dynamic.100000006
# the end
`},
		{"the client port moves into the membership", firstStatic, with, `# written by a person
tickTime=500
dataDir=/data
initLimit=20
syncLimit=10
# where clients come in
reconfigEnabled=true

# the members
dynamicConfigFile=/etc/zoo.cfg.dynamic.100000006
# the end
`},
		{"another dynamic file", "dataDir=/d\r\ndynamicConfigFile=/etc/zoo.cfg.dynamic.5\r\n\r\nsyncLimit=1\r\n", with,
			"dataDir=/d\ndynamicConfigFile=/etc/zoo.cfg.dynamic.100000006\n\nsyncLimit=1\n"},
		{"the client port comes back", "dataDir=/d\ndynamicConfigFile=/etc/zoo.cfg.dynamic.5\n", without,
			"dataDir=/d\ndynamicConfigFile=/etc/zoo.cfg.dynamic.100000006\nclientPort=2181\nclientPortAddress=127.0.0.1\n"},
		{"no word of members", "\xef\xbb\xbfdataDir=/d", with, "dataDir=/d\ndynamicConfigFile=/etc/zoo.cfg.dynamic.100000006\n"},
	} {
		s := staticSide{path: "/etc/zoo.cfg", text: []byte(c.static), self: 1, client: client}
		m := membershipOf(t, c.members, messages.MakeZxid(1, 6))
		got, err := s.turnTo(DynamicName(s.path, m.Version), m)
		if err != nil || got != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.name, err, got, c.want)
			continue
		}
		s.text = []byte(got)
		if again, err := s.turnTo(DynamicName(s.path, m.Version), m); err != nil || again != got {
			t.Errorf("%s: a second time gives %v\n%s", c.name, err, again)
		}
	}
	odd := staticSide{path: "/e\\t c/zoo.cfg", text: []byte("dataDir=/d\n"), self: 1, client: client}
	got, err := odd.turnTo("/e\\t c/zoo.cfg.dynamic.1", membershipOf(t, with, 1))
	if err != nil || got != "dataDir=/d\ndynamicConfigFile=/e\\\\t c/zoo.cfg.dynamic.1\n" {
		t.Errorf("a path with a backslash: %q, %v", got, err)
	}
}

// writtenDisk is a memory disk with files as a person has left them: durable.
func writtenDisk(t *testing.T, files map[string]string) *persistence.MemFS {
	t.Helper()
	disk := persistence.NewMemFS()
	for _, dir := range []string{"/etc", "/data"} {
		if err := disk.MkdirAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		f, err := disk.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(disk.SyncDir("/etc"), disk.SyncDir("/data"), disk.SyncDir("/")); err != nil {
		t.Fatal(err)
	}
	return disk
}

func readDisk(disk persistence.FS, name string) ([]byte, error) {
	return (&MembershipFiles{fs: disk}).read(name)
}

// startFrom reads the configuration that a start would find.
func startFrom(t *testing.T, disk persistence.FS) *Config {
	t.Helper()
	text, err := readDisk(disk, "/etc/zoo.cfg")
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := loadConfig(configInput{path: "/etc/zoo.cfg", text: text,
		readFile: func(name string) ([]byte, error) { return readDisk(disk, name) }})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return c
}

func filesOn(t *testing.T, c *Config, disk persistence.FS) *MembershipFiles {
	t.Helper()
	f, err := NewMembershipFiles(c, disk)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestActivateCrash cuts the power at each change of the disk: a start always finds the membership before or the one
// after, whole, and activating it once more brings the files to the end. The first change moves the members out of the
// main file, the second one replaces their file.
func TestActivateCrash(t *testing.T) {
	memberships := []messages.Membership{
		membershipOf(t, "server.1=127.0.0.1:23211:23221\nserver.2=127.0.0.1:23212:23222\nserver.3=127.0.0.1:23213:23223:observer", 0),
		membershipOf(t, "server.1=127.0.0.1:23211:23221;127.0.0.1:2181\nserver.2=127.0.0.1:23212:23222;2181", messages.MakeZxid(1, 6)),
		membershipOf(t, "server.1=127.0.0.1:23211:23221\nserver.2=127.0.0.1:23212:23222\nserver.4=[::1]:1:2;3", messages.MakeZxid(2, 9)),
	}
	disk := writtenDisk(t, map[string]string{"/etc/zoo.cfg": firstStatic, "/data/myid": "1\n"})
	for i, next := range memberships[1:] {
		old := memberships[i]
		points := 0
		for rounds := 0; ; points++ {
			for seed := range uint64(8) {
				var rng *rand.Rand
				if seed > 0 {
					rng = rand.New(rand.NewPCG(seed, uint64(points)))
				}
				base := disk.CrashClone(nil)
				cut := persistence.NewFaultFS(base)
				files := filesOn(t, startFrom(t, base), cut)
				if err := files.Propose(next); err != nil {
					t.Fatal(err)
				}
				cut.CutPower(points)
				err := files.Activate(next)
				if err != nil && !errors.Is(err, persistence.ErrPowerCut) {
					t.Fatal(err)
				}
				if err == nil {
					rounds++
				}
				checkAfterCrash(t, base.CrashClone(rng), old, next, err == nil)
			}
			if rounds > 0 {
				break
			}
		}
		if points < 6 {
			t.Errorf("only %d points of change were seen", points)
		}
		if err := filesOn(t, startFrom(t, disk), disk).Activate(next); err != nil {
			t.Fatal(err)
		}
	}
	bak, err := readDisk(disk, "/etc/zoo.cfg.bak")
	if err != nil || string(bak) != firstStatic {
		t.Errorf("the copy of the first file is %q, %v", bak, err)
	}
}

func checkAfterCrash(t *testing.T, disk *persistence.MemFS, old, next messages.Membership, done bool) {
	t.Helper()
	c := startFrom(t, disk)
	got := c.Ensemble.Membership
	if !got.Equal(next) && (done || !got.Equal(old)) {
		t.Fatalf("after a crash (done: %v) the membership is\n%s", done, got)
	}
	if c.ClientListen() != "127.0.0.1:2181" {
		t.Fatalf("after a crash clients are listened for at %q", c.ClientListen())
	}
	if bak, err := readDisk(disk, "/etc/zoo.cfg.bak"); err == nil && string(bak) != firstStatic {
		t.Fatalf("the copy of the first file is torn: %q", bak)
	}
	files := filesOn(t, c, disk)
	if err := files.Activate(next); err != nil {
		t.Fatal(err)
	}
	if c := startFrom(t, disk); !c.Ensemble.Membership.Equal(next) || c.ClientListen() != "127.0.0.1:2181" {
		t.Fatalf("completed, the membership is\n%s", c.Ensemble.Membership)
	}
	if m, found, err := files.Proposed(); found || err != nil {
		t.Fatalf("completed, there is still a proposal: %v, %v", m, err)
	}
	names, err := disk.ReadDir("/etc")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".tmp") && !strings.HasSuffix(name, ".next.tmp") {
			t.Fatalf("completed, %s is left behind", name)
		}
	}
}

// TestProposalCrash: the note of a proposal is there whole or not at all, and takes the place of an earlier one.
func TestProposalCrash(t *testing.T) {
	first := membershipOf(t, "server.1=a:1:2;3\nserver.2=b:1:2;3", 7)
	second := membershipOf(t, "server.1=a:1:2;3\nserver.2=b:1:2;3\nserver.9=c:1:2;3", 8)
	disk := writtenDisk(t, map[string]string{"/etc/zoo.cfg": firstStatic, "/data/myid": "1\n"})
	files := filesOn(t, startFrom(t, disk), disk)
	if _, found, err := files.Proposed(); found || err != nil {
		t.Fatalf("at first there is a proposal, %v", err)
	}
	if err := files.Propose(first); err != nil {
		t.Fatal(err)
	}
	for points, done := 0, false; !done; points++ {
		base := disk.CrashClone(nil)
		cut := persistence.NewFaultFS(base)
		cut.CutPower(points)
		err := filesOn(t, startFrom(t, base), cut).Propose(second)
		done = err == nil
		for seed := range uint64(8) {
			after := base.CrashClone(rand.New(rand.NewPCG(seed, uint64(points))))
			m, found, err := filesOn(t, startFrom(t, after), after).Proposed()
			if err != nil || !found || !(m.Equal(second) || (!done && m.Equal(first))) {
				t.Fatalf("after %d changes (done: %v) the proposal is %v, %v, %v", points, done, found, m, err)
			}
		}
	}
	if err := files.Withdraw(); err != nil {
		t.Fatal(err)
	}
	if _, found, _ := files.Proposed(); found {
		t.Error("a proposal that was withdrawn is there")
	}
	if err := files.Withdraw(); err != nil {
		t.Errorf("withdrawing what isn't there: %v", err)
	}
}

// TestActivateFaults: an error names the file, and leaves a configuration that a start can use.
func TestActivateFaults(t *testing.T) {
	next := membershipOf(t, "server.1=127.0.0.1:23211:23221;127.0.0.1:2181\nserver.2=127.0.0.1:23212:23222", 6)
	for _, op := range []persistence.Op{persistence.OpCreate, persistence.OpWrite, persistence.OpSync, persistence.OpRename,
		persistence.OpSyncDir} {
		for _, pattern := range []string{"zoo.cfg.dynamic.6*", "zoo.cfg.bak*", "zoo.cfg.tmp", "etc"} {
			disk := writtenDisk(t, map[string]string{"/etc/zoo.cfg": firstStatic, "/data/myid": "1\n"})
			faulty := persistence.NewFaultFS(disk)
			faulty.Inject(persistence.Fault{Op: op, Pattern: pattern, Err: persistence.ErrDiskFull})
			err := filesOn(t, startFrom(t, disk), faulty).Activate(next)
			if (err != nil) != (faulty.Failed() > 0) {
				t.Fatalf("%s of %s: %d failures, error %v", op, pattern, faulty.Failed(), err)
			}
			if err != nil && (!errors.Is(err, persistence.ErrDiskFull) || !strings.Contains(err.Error(), "/etc/zoo.cfg")) {
				t.Errorf("%s of %s gives %v", op, pattern, err)
			}
			startFrom(t, disk)
		}
	}
}

// TestMembershipFilesOnDisk: on a real disk the files are as readable as the main file was.
func TestMembershipFilesOnDisk(t *testing.T) {
	dir := t.TempDir()
	main := filepath.Join(dir, "zoo.cfg")
	text := strings.ReplaceAll(firstStatic, "/data", dir)
	if err := errors.Join(os.WriteFile(main, []byte(text), 0o604), os.WriteFile(filepath.Join(dir, "myid"), []byte("2"), 0o600),
		os.Chmod(main, 0o604)); err != nil {
		t.Fatal(err)
	}
	c, _, err := LoadConfig(main, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	next := membershipOf(t, "server.1=127.0.0.1:23211:23221\nserver.2=127.0.0.1:23212:23222;127.0.0.1:2181", 0x100000000)
	if err := filesOn(t, c, persistence.OSFS{}).Activate(next); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"zoo.cfg", "zoo.cfg.bak", "zoo.cfg.dynamic.100000000"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o604 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	c, warnings, err := LoadConfig(main, nil, nil)
	if err != nil || !c.Ensemble.Membership.Equal(next) || c.ClientListen() != "127.0.0.1:2181" {
		t.Errorf("the next start finds %v, %v, %v", c, warnings, err)
	}
}

// TestNoMembershipFiles: what variables or flags say is not ours to write down.
func TestNoMembershipFiles(t *testing.T) {
	files := configDisk{"/d/myid": "1"}
	base := "dataDir=/d\nclientPort=1\ninitLimit=1\nsyncLimit=1\n"
	server1, server2 := "server.1=a:1:2", "server.2=b:1:2"
	for _, c := range []struct {
		text  string
		flags map[string]string
		want  bool
	}{
		{base + server1 + "\n" + server2, nil, true},
		{base + server1, map[string]string{"server.2": "b:1:2"}, false},
		{"-", map[string]string{"server.1": "a:1:2", "server.2": "b:1:2", "initLimit": "1", "syncLimit": "1", "myid": "1"}, false},
	} {
		config, _, err := loadText(c.text, files, nil, c.flags)
		if err != nil {
			t.Fatal(err)
		}
		_, err = NewMembershipFiles(config, persistence.NewMemFS())
		if (err == nil) != c.want || (err != nil && !errors.Is(err, ErrNoMembershipFile)) {
			t.Errorf("%q with %v gives %v", c.text, c.flags, err)
		}
	}
	lost := &MembershipFiles{fs: persistence.NewMemFS(), config: "/etc/zoo.cfg"}
	if err := lost.Activate(messages.Membership{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without the main file: %v", err)
	}
}
