package actors_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// largest notes the longest Output that a connection gets.
func largest(size *int) func(string, actor.Actor) actor.Actor {
	return func(name string, inner actor.Actor) actor.Actor {
		if name != "connection" {
			return inner
		}
		return &panicker{Actor: inner, bad: func(msg any) bool {
			if out, ok := msg.(*messages.Output); ok {
				*size = max(*size, len(out.Frames))
			}
			return false
		}}
	}
}

func TestManyLargeRepliesAreNotCollected(t *testing.T) {
	size := 0
	p := newPipeline(t, pipelineOptions{wrap: largest(&size)})
	c := p.connect(nil)
	c.call(messages.OpCreate, createRequest("/big", 0))
	c.call(messages.OpSetData, setRequest("/big", string(make([]byte, 1_000_000)), -1))
	for range 64 {
		c.ask(messages.OpGetData, getRequest("/big", false))
	}
	p.settle()
	if got := c.take(); len(got) != 64 || size > 6_000_000 {
		t.Errorf("%d replies, at most %d bytes at once", len(got), size)
	}
}

func TestMultiReadOfTooMuch(t *testing.T) {
	p := newPipeline(t, pipelineOptions{})
	c := p.connect(nil)
	c.call(messages.OpCreate, createRequest("/big", 0))
	c.call(messages.OpSetData, setRequest("/big", string(make([]byte, 1_000_000)), -1))
	for n, want := range map[int]messages.ErrCode{60: messages.ErrOK, 70: messages.ErrMarshalling} {
		var ops []jute.MultiOp
		for range n {
			ops = append(ops, jute.MultiOp{Op: messages.OpGetData, Record: jute.PathWatch{Path: []byte("/big")}})
		}
		r := c.call(messages.OpMultiRead, jute.AppendMulti(nil, ops))
		if r.err != want || (want != 0 && len(r.body) > 0) {
			t.Errorf("%d reads of a megabyte: %v, want %v", n, r, want)
		}
		if r := c.call(messages.OpGetData, getRequest("/", false)); r.err != 0 {
			t.Error(r)
		}
	}
}

// A snapshotter that fails at any moment is rebuilt, neither the tree nor the pipeline suffer from it, and snapshots go on.
func TestSnapshotterMayFailAtAnyMoment(t *testing.T) {
	for failing := range 12 {
		for seed := range uint64(5) {
			handled := 0
			p := newPipeline(t, pipelineOptions{
				seed: seed + 1,
				set:  func(o *actors.Options) { o.SnapCount = 4 },
				wrap: panicOn("snapshotter", func(msg any) bool {
					switch msg.(type) {
					case *actor.Started, *actor.Restarting, *actor.Stopping, actors.Drained:
						return false
					}
					handled++
					return handled == failing+1
				}),
			})
			c := p.connect(nil)
			for i := range 30 {
				if r := c.call(messages.OpCreate, createRequest(fmt.Sprintf("/n%d", i), 0)); r.err != 0 {
					t.Fatal(r)
				}
			}
			if v := p.view.Load(); v.Generation != 1 {
				t.Fatalf("message %d, seed %d: the pipeline was rebuilt", failing, seed+1)
			}
			if n := p.rt.Metrics.Snapshots.Load(); n < 3 {
				t.Errorf("message %d, seed %d: only %d snapshots", failing, seed+1, n)
			}
		}
	}
}

// A snapshot that is work makes pauses: it isn't done before time passes, clients are answered meanwhile, and it ends.
func TestSnapshotRests(t *testing.T) {
	const nodes = 1500
	p := newPipeline(t, pipelineOptions{work: time.Millisecond, set: func(o *actors.Options) { o.SnapCount = nodes }})
	c := p.connect(nil)
	for i := range nodes {
		if r := c.call(messages.OpCreate, createRequest(fmt.Sprintf("/n%d", i), 0)); r.err != 0 {
			t.Fatal(r)
		}
	}
	if n := p.rt.Metrics.Snapshots.Load(); n != 0 {
		t.Errorf("%d snapshots were written without a pause", n)
	}
	p.pass(time.Second)
	if n := p.rt.Metrics.Snapshots.Load(); n != 1 {
		t.Errorf("%d snapshots after the pauses, want 1", n)
	}
	if r := c.call(messages.OpGetData, getRequest("/n0", false)); r.err != 0 {
		t.Error(r)
	}
}
