//go:build unix

package bench

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"
	"time"
)

// bareConfig starts a bare server and returns what a run against it needs.
func bareConfig(t *testing.T, keys Keyspace) Config {
	t.Helper()
	b, err := startBare(t.TempDir(), keys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.stop(); err != nil {
			t.Error(err)
		}
	})
	cfg := DefaultConfig()
	cfg.Servers, cfg.Keys, cfg.SkipPrepare = []string{b.address}, keys, true
	cfg.Sessions, cfg.Window = 8, 16
	return cfg
}

// The generator accepts every answer of the bare server, in every scenario that
// a limit is measured with.
func TestBareServerSatisfiesTheGenerator(t *testing.T) {
	cfg := bareConfig(t, Keyspace{Root: "/bench", Count: 500, ValueBytes: 100})
	mixed, err := Mixed(70)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		scenario Scenario
		want     Op
	}{{Read(), OpGet}, {Write(), OpSet}, {mixed, OpGet}, {mixed, OpSet}, {Churn(), OpClose}, {Storm(), OpLastEvent}} {
		cfg.Warmup, cfg.Duration, cfg.Requests = 0, time.Minute, 300
		r, err := Run(context.Background(), cfg, c.scenario)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Err(); err != nil || r.of(c.want).Count == 0 {
			t.Errorf("%s: %v %v, %d of %s", c.scenario.Name, err, r.Messages, r.of(c.want).Count, c.want)
		}
	}
	cfg.Duration, cfg.Requests = 0, 0
	if r, err := Run(context.Background(), cfg, Fill()); err != nil || r.Err() != nil || r.of(OpCreate).Count != 500 {
		t.Errorf("fill: %v, %+v", err, r)
	}
}

// Requests and answers that no buffer holds at once arrive in parts.
func TestBareServerHasRoomForLargeValues(t *testing.T) {
	cfg := bareConfig(t, Keyspace{Root: "/bench", Count: 3, ValueBytes: 400_000})
	cfg.Warmup, cfg.Duration, cfg.Requests = 0, time.Minute, 60
	mixed, err := Mixed(50)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(context.Background(), cfg, mixed)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Err(); err != nil || r.Answers != 60 {
		t.Errorf("%v %v, %d answers", err, r.Messages, r.Answers)
	}
}

// bareRequest is the body of a frame that asks for a key.
func bareRequest(keys *Keyspace, op Op, key uint32, more ...byte) []byte {
	b, start := beginFrame(nil, 7, op)
	b = keys.appendPath(be.AppendUint32(b, uint32(keys.pathBytes())), key)
	return endFrame(append(b, more...), start)[4:]
}

// A get sees the last set, and who watched is told once; neither the set's answer
// nor the event may be sent before the disk has the set.
func TestBareServerKeepsValuesAndWatches(t *testing.T) {
	keys := Keyspace{Root: "/bench", Count: 2, ValueBytes: 100}
	b := &bareServer{keys: keys, values: make([][]byte, 2), watchers: make(map[uint32][]*bareConn), disk: &bareDisk{}}
	watcher, writer := &bareConn{greeted: true}, &bareConn{greeted: true}
	value := appendValue(nil, 1, 99, 100)
	set := bareRequest(&keys, OpSet, 1, append(append(be.AppendUint32(nil, 100), value...), 255, 255, 255, 255)...)
	answer := func(c *bareConn, body []byte) {
		t.Helper()
		if err := b.answer(c, body); err != nil {
			t.Fatal(err)
		}
	}

	answer(watcher, bareRequest(&keys, OpGet, 1, 1))
	if watcher.waits {
		t.Error("a get waits for the disk")
	}
	watcher.out = nil
	answer(writer, set)
	event := bytes.Clone(watcher.out)
	answer(writer, set)
	if !writer.waits || !watcher.waits || !bytes.Equal(b.disk.batch, append(bytes.Clone(set), set...)) {
		t.Errorf("waits: %v and %v, for %d bytes", writer.waits, watcher.waits, len(b.disk.batch))
	}
	h, record, err := parseHeader(event[4:])
	if err != nil || h.xid != watchXid {
		t.Fatalf("event %x: %v", event, err)
	}
	if kind, _, path, err := parseEvent(record); err != nil || kind != eventDataChanged || string(path) != keys.Path(1) {
		t.Errorf("event %d of %s: %v", kind, path, err)
	}
	if !bytes.Equal(watcher.out, event) {
		t.Error("a watch was told of twice")
	}
	reader := &bareConn{greeted: true}
	answer(reader, bareRequest(&keys, OpGet, 1, 0))
	if _, record, err = parseHeader(reader.out[4:]); err != nil || !bytes.Equal(record[4:104], value) {
		t.Errorf("the value is %x, want %x (%v)", record, value, err)
	}
}

// What the bare server cannot answer ends it with an error that says so, as a
// limit with wrong answers would be none.
func TestBareServerRefusesWhatItDoesNotKnow(t *testing.T) {
	keys := Keyspace{Root: "/bench", Count: 2, ValueBytes: 100}
	for name, body := range map[string][]byte{
		"a key beyond the last": bareRequest(&keys, OpGet, 2, 0),
		"another operation":     bareRequest(&keys, OpDelete, 1, 0, 0, 0, 0),
		"no header":             {1, 2},
		"a get without an end":  bareRequest(&keys, OpGet, 1),
		"a set without a value": bareRequest(&keys, OpSet, 1, 0, 0, 1, 0),
	} {
		b := &bareServer{keys: keys, values: make([][]byte, 2), disk: &bareDisk{}}
		if err := b.answer(&bareConn{greeted: true}, body); !errors.Is(err, errBareRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}

	b, err := startBare(t.TempDir(), keys)
	if err != nil {
		t.Fatal(err)
	}
	c, err := dialPlain(b.address, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer c.hangUp()
	if err := c.mkdir("/elsewhere", time.Minute); err == nil {
		t.Error("it made a directory")
	}
	if err := b.stop(); !errors.Is(err, errBareRequest) {
		t.Errorf("it ended with %v", err)
	}
}

// Batches follow one another in the file and begin again at its start.
func TestBareDiskWritesEveryBatch(t *testing.T) {
	d, err := newBareDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	d.offset = syncFileBytes - 3
	for _, request := range []string{"first", "second"} {
		d.add([]byte(request))
	}
	if err := d.commit(); err != nil || len(d.batch) != 0 {
		t.Fatal(err, d.batch)
	}
	file, err := os.ReadFile(d.file.Name())
	if err != nil || len(file) != syncFileBytes {
		t.Fatal(err, len(file))
	}
	if string(file[syncFileBytes-3:]) != "fir" || string(file[:8]) != "stsecond" {
		t.Errorf("the file ends with %q and begins with %q", file[syncFileBytes-3:], file[:8])
	}
}
