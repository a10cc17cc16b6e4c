package actors_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

// A snapshot that falls due on a full disk asks for a new segment of the log. There is none to be had; writes must
// then be refused or go on, but the process must not end for it.
func TestSnapshotOnAFullDiskHarmsNothing(t *testing.T) {
	disk := persistence.NewMemFS()
	p := newPipeline(t, pipelineOptions{disk: disk, set: func(o *actors.Options) { o.SnapCount = 20 }})
	c := p.connect(nil)
	c.call(messages.OpCreate, createRequest("/n", 0))
	disk.Capacity = 1
	refused := 0
	for i := range 200 {
		switch r := c.call(messages.OpCreate, createRequest(fmt.Sprintf("/n/%d", i), 1)); r.err {
		case messages.ErrOK:
		case messages.ErrNotReadOnly:
			refused++
		default:
			t.Fatal(r)
		}
	}
	if r := c.call(messages.OpGetData, getRequest("/n", false)); r.err != 0 {
		t.Errorf("a read on a full disk: %v", r)
	}
	c.call(messages.OpCloseSession, nil)
	disk.Capacity = 0
	p.pass(3 * time.Second)
	c = p.connect(nil)
	if r := c.call(messages.OpSetData, setRequest("/n", "room", -1)); r.err != 0 {
		t.Errorf("a write when there is room again: %v", r)
	}
	if r := c.call(messages.OpGetChildren, getRequest("/n", false)); r.err != 0 || string(r.body) != "\x00\x00\x00\x00" {
		t.Errorf("children of a closed session: %v %x", r, r.body)
	}
	t.Logf("%d of 200 writes refused", refused)
}
