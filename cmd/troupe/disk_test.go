package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/spf13/cobra"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// disk is a data folder for the scenarios of the commands that read one. Its times and ids never change.
type disk struct {
	t      *testing.T
	dir    string
	server *persistence.Store // holds the lock
}

const diskTime = 1714528984005 // 2024-05-01 02:03:04.005 UTC

// diskTxns is what the folder's log holds, with epoch 1: at "roll" a segment ends, at "snapshot" one is written.
func diskTxns() []any {
	const alice, bob = 0x10000a1b2c30000, 0x10000a1b2c30001
	open := messages.WorldACL(messages.PermAll)
	private := []messages.ACL{
		{Perms: messages.PermAll, ID: messages.Identity{Scheme: "digest", ID: "ann:qUFSHxJjItUW/93UHFXFVGlvryY="}},
		{Perms: messages.PermRead, ID: messages.Identity{Scheme: "ip", ID: "10.0.0.0/8"}},
	}
	type txn = diskTxn
	create := func(path, data string, owner messages.Owner, creates int32) *messages.CreateTxn {
		return &messages.CreateTxn{Path: path, Data: []byte(data), ACL: open, Owner: owner, ParentCreates: creates}
	}
	password := func(b byte) []byte { return bytes.Repeat([]byte{b}, messages.PasswordLength) }
	return []any{
		txn{alice, messages.OpCreateSession, &messages.CreateSessionTxn{Timeout: 30000, Password: password(0xab)}},
		txn{alice, messages.OpCreate, create("/locks", "", messages.ContainerOwner, 1)},
		txn{alice, messages.OpCreate2, create("/config", "a line\nand \"another\"", 0, 2)},
		"snapshot",
		txn{alice, messages.OpCreate, create("/locks/lock-0000000000", "ann", messages.SessionOwner(alice), 1)},
		"roll",
		txn{bob, messages.OpCreateSession, &messages.CreateSessionTxn{Timeout: 4500, Password: password(0xcd)}},
		txn{bob, messages.OpMulti, &messages.MultiTxn{Ops: []messages.MultiOp{
			{Op: messages.OpCheck},
			{Op: messages.OpSetData, Body: &messages.SetDataTxn{Path: "/config", Data: []byte{0, 0xff, 1}, Version: 1}},
			{Op: messages.OpCreate, Body: create("/config/two words", strings.Repeat("long ", 99)+"end", 0, 1)},
		}}},
		txn{bob, messages.OpCreateTTL, &messages.CreateTxn{Path: "/cache", ACL: private, Owner: messages.TTLOwner(90000), ParentCreates: 3}},
		txn{bob, messages.OpSetACL, &messages.SetACLTxn{Path: "/config", ACL: private, Version: 1}},
		"snapshot",
		"roll",
		txn{alice, messages.OpCloseSession, &messages.CloseSessionTxn{Paths: []string{"/locks/lock-0000000000"}}},
		txn{0, messages.OpDeleteContainer, &messages.DeleteTxn{Path: "/locks"}},
		txn{bob, messages.OpCloseSession, &messages.CloseSessionTxn{}},
	}
}

type diskTxn struct {
	session messages.SessionID
	op      messages.OpCode
	body    messages.TxnBody
}

func (d *disk) store() (*persistence.Store, error) {
	return persistence.OpenStore(persistence.StoreOptions{
		FS: persistence.OSFS{}, DataDir: d.dir, NewDatabaseID: 0x1122334455667788, SegmentBytes: persistence.MinSegmentBytes,
	})
}

// fill makes the folder anew.
func (d *disk) fill() {
	d.stop()
	d.must(os.RemoveAll(filepath.Join(d.dir, "troupe")))
	s, err := d.store()
	d.must(err)
	r, err := s.Recover(func() int64 { return 0 }, nil)
	d.must(err)
	var result tree.Result
	zxid := messages.MakeZxid(1, 0)
	for _, step := range diskTxns() {
		switch step := step.(type) {
		case diskTxn:
			zxid++
			h := messages.TxnHeader{Zxid: zxid, Time: diskTime + int64(zxid.Counter())*1000, Session: step.session,
				Xid: int32(zxid.Counter()), Op: step.op}
			b, err := messages.EncodeTxn(&h, step.body)
			d.must(err)
			d.must(r.Log.Append(uint64(zxid), b))
			d.must(r.Log.Sync())
			d.must(r.Tree.Apply(&h, step.body, &result))
		case string:
			if step == "roll" {
				d.must(r.Log.Roll())
			} else {
				d.must(s.WriteSnapshot(r.Tree))
			}
		}
	}
	d.must(r.Log.Close())
	d.must(s.Close())
	names, err := filepath.Glob(filepath.Join(d.dir, "troupe", "snapshots", "*"))
	d.must(err)
	for _, name := range names {
		d.must(os.Chtimes(name, time.Time{}, time.UnixMilli(diskTime)))
	}
}

func (d *disk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *disk) stop() {
	if d.server != nil {
		d.must(d.server.Close())
		d.server = nil
	}
}

// flip inverts a byte of a file, or the first one of a transaction's body.
func (d *disk) flip(td *datadriven.TestData) {
	var file string
	var at int
	if td.HasArg("zxid") {
		var zxid string
		td.ScanArgs(d.t, "zxid", &zxid)
		n, err := strconv.ParseUint(zxid, 0, 64)
		d.must(err)
		file, at = d.find(n)
		at += 24 // behind the record's header
	} else {
		td.ScanArgs(d.t, "file", &file)
		td.ScanArgs(d.t, "at", &at)
		file = filepath.Join(d.dir, "troupe", file)
	}
	b, err := os.ReadFile(file)
	d.must(err)
	b[at] ^= 0xff
	d.must(os.WriteFile(file, b, 0o640))
}

func (d *disk) find(zxid uint64) (string, int) {
	r, err := persistence.OpenReader(persistence.ReaderOptions{
		FS: persistence.OSFS{}, Dir: filepath.Join(d.dir, "troupe", "log"), After: zxid - 1, AnyStart: true,
	})
	d.must(err)
	defer r.Close()
	rec, err := r.Next()
	d.must(err)
	return rec.File, int(rec.Offset)
}

// listing is the folder as a check that nothing was written to it.
func (d *disk) listing(contents bool) string {
	var b strings.Builder
	d.must(filepath.WalkDir(d.dir, func(name string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		short, err := filepath.Rel(d.dir, name)
		d.must(err)
		fmt.Fprintln(&b, filepath.ToSlash(short))
		if contents {
			data, err := os.ReadFile(name)
			d.must(err)
			fmt.Fprintf(&b, "%x\n", data)
		}
		return nil
	}))
	return b.String()
}

// run executes a command line as the program would, with DATA for the folder's path.
func (d *disk) run(line string, in io.Reader) string {
	var out bytes.Buffer
	words := strings.Fields(strings.ReplaceAll(line, "DATA", d.dir))
	command := newLogCommand()
	if words[0] == "snapshot" {
		command = newSnapshotCommand()
	}
	command.SilenceErrors, command.SilenceUsage = true, true
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} }) // as run does
	command.SetArgs(words[1:])
	command.SetOut(&out)
	command.SetErr(&out)
	command.SetIn(in)
	err := command.Execute()
	var code exitCode
	var usage usageError
	switch {
	case errors.As(err, &code):
		fmt.Fprintf(&out, "exit %d\n", code)
	case errors.As(err, &usage):
		fmt.Fprintf(&out, "troupe: %v\nexit 2\n", err)
	case err != nil:
		fmt.Fprintf(&out, "troupe: %v\nexit 1\n", err)
	}
	return strings.ReplaceAll(out.String(), d.dir, "DATA")
}

// TestDisk runs the scenarios of testdata/disk.
//
//	fill                     make the data folder anew
//	flip zxid=… | file=… at=…   invert a byte
//	truncate file=… at=…     end a file there
//	start, stop              a server takes the folder, and gives it back
//	ls                       the files
//	troupe [answer=…]        a command line, which must not write unless it has --cut
func TestDisk(t *testing.T) {
	t.Setenv("TROUPE_CONFIG", "")
	datadriven.Walk(t, "testdata/disk", func(t *testing.T, path string) {
		d := &disk{t: t, dir: t.TempDir()}
		t.Cleanup(d.stop)
		datadriven.RunTest(t, path, func(t *testing.T, td *datadriven.TestData) string {
			d.t = t
			return d.step(td)
		})
	})
}

func (d *disk) step(td *datadriven.TestData) string {
	switch td.Cmd {
	case "fill":
		d.fill()
	case "flip":
		d.flip(td)
	case "truncate":
		var file string
		var at int
		td.ScanArgs(d.t, "file", &file)
		td.ScanArgs(d.t, "at", &at)
		d.must(os.Truncate(filepath.Join(d.dir, "troupe", file), int64(at)))
	case "start":
		var err error
		d.server, err = d.store()
		d.must(err)
	case "stop":
		d.stop()
	case "ls":
		return d.listing(false)
	case "troupe":
		answer := ""
		if td.HasArg("answer") {
			td.ScanArgs(d.t, "answer", &answer)
		}
		before := d.listing(true)
		out := d.run(td.Input, strings.NewReader(answer+"\n"))
		if !strings.Contains(td.Input, "--cut") && d.listing(true) != before {
			d.t.Errorf("%s: wrote to the folder", td.Input)
		}
		return out
	default:
		d.t.Fatalf("unknown command %s", td.Cmd)
	}
	return ""
}
