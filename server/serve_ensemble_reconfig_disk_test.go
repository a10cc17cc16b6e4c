package server_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/server"
	"github.com/troupekeeper/troupe/server/client"
)

// outage cuts the power of one server at a change of its disk, while the members change.
type outage struct {
	*troupe
	ctx    context.Context
	cuts   []*persistence.FaultFS
	joined bool // the fourth server is a member
	struck int  // how many changes of members the power cuts have met

	stopped func() // ends the wait for the failure of a disk
}

// strike lets the power of a server go at one of the changes that its disk sees next, has the members changed, and
// starts the server again from what is on its disk then. It tells whether the power went.
func (o *outage) strike(victim, point int, seed uint64) bool {
	o.t.Helper()
	c := o.connectTo(o.ctx, o.address((victim+1)%3), o.address((victim+2)%3))
	before, _, err := c.Config(o.ctx, false)
	if err != nil {
		o.t.Fatal(err)
	}
	request := client.Reconfig{Leaving: "4", Version: -1}
	if !o.joined {
		request = client.Reconfig{Joining: o.line(3), Version: -1}
	}
	ended := o.endsWithItsDisk(victim)
	o.cuts[victim].CutPower(point)
	o.change(o.ctx, c, request)
	o.joined = !o.joined
	// A write behind the change meets the disk once more.
	eventually(o.t, "a write behind the change", func() bool {
		_, err := c.Create(o.ctx, "/n-", nil, client.PersistentSequential)
		return err == nil
	})
	struck := o.cuts[victim].Failed() > 0
	o.stopped()
	<-ended
	o.stop(victim)
	var rng *rand.Rand
	if seed > 0 {
		rng = rand.New(rand.NewPCG(seed, uint64(point)))
	}
	o.disks[victim] = o.disks[victim].CrashClone(rng)
	o.start(victim)
	o.awaitServing()
	now, _, err := c.Config(o.ctx, false)
	if err != nil || string(now) == string(before) {
		o.t.Fatalf("the members are %s, %v", now, err)
	}
	o.awaitMembers(o.ctx, victim, string(now))
	return struck
}

// endsWithItsDisk stops a server when its disk fails, as its process would end. The channel is closed when that is over.
func (o *outage) endsWithItsDisk(i int) <-chan struct{} {
	s, ended := o.servers[i], make(chan struct{})
	stopped := make(chan struct{})
	o.stopped = func() { close(stopped) }
	go func() {
		defer close(ended)
		select {
		case <-s.Failed():
			s.Stop()
		case <-stopped:
		}
	}()
	return ended
}

// Wherever the power of a follower or of the leader goes while the members change, the change that a client was told of is
// made, and the server comes back with it.
func TestPowerCutsWhileMembersChange(t *testing.T) {
	e := newTroupe(t, 3, 1, changeable...)
	ctx, cancel := context.WithTimeout(t.Context(), 10*serveWait) // some thirty servers are started anew
	defer cancel()
	o := &outage{troupe: e, ctx: ctx, cuts: make([]*persistence.FaultFS, 4)}
	e.options = func(i int, s *server.Options) {
		o.cuts[i] = persistence.NewFaultFS(e.disks[i])
		s.FS = o.cuts[i]
	}
	e.founded(3)
	for _, role := range []string{"follower", "leader"} {
		for point, misses := 0, 0; misses < 2; point++ {
			victim := e.leader()
			if role == "follower" {
				victim = (victim + 1) % 3
			}
			if o.strike(victim, point, uint64(point%3)) {
				o.struck++
			} else {
				misses++
			}
		}
	}
	if o.struck < 16 {
		t.Errorf("only %d points were met", o.struck)
	}
	t.Logf("%d power cuts", o.struck)
}

// inFiles is an ensemble on a real disk, whose members stand in its configuration files.
func inFiles(t *testing.T, n int) *troupe {
	e := newTroupe(t, n, 0, changeable...)
	e.options = func(_ int, o *server.Options) { o.FS = persistence.OSFS{} }
	return e
}

func (e *troupe) file(i int, name string) string {
	return filepath.Join(e.configs[i].Data.Dir, name)
}

// reload reads a server's configuration as its next start does.
func (e *troupe) reload(i int) {
	e.t.Helper()
	config, _, err := server.LoadConfig(e.file(i, "zoo.cfg"), nil, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	e.configs[i] = config
}

// The configuration files follow the members, so that a server finds at its next start whom to talk to even if its data
// folder is lost.
func TestConfigurationFilesFollowTheMembers(t *testing.T) {
	e := inFiles(t, 4)
	line := e.line(3)
	e.know(3, 3)
	e.founded(3)
	ctx := serveContext(t)
	c := e.connect(ctx, 0)
	members, stat := e.change(ctx, c, client.Reconfig{Joining: line})
	for i := range 3 {
		dynamic := server.DynamicName(e.file(i, "zoo.cfg"), stat.Mzxid)
		eventually(t, "the file of the members is there and the main file turned to it", func() bool {
			text, err := os.ReadFile(dynamic)
			main, _ := os.ReadFile(e.file(i, "zoo.cfg"))
			_, note := os.Stat(e.file(i, "zoo.cfg.dynamic.next"))
			return err == nil && string(text)+fmt.Sprintf("version=%x", uint64(stat.Mzxid)) == members &&
				strings.Contains(string(main), "dynamicConfigFile="+dynamic) && errors.Is(note, os.ErrNotExist)
		})
	}
	e.stop(1)
	if err := os.RemoveAll(e.file(1, "troupe")); err != nil {
		t.Fatal(err)
	}
	e.reload(1)
	if got := e.configs[1].Ensemble.Membership.String(); got != members {
		t.Errorf("the next start finds %s", got)
	}
	e.start(1)
	e.awaitServing()
	e.awaitMembers(ctx, 1, members)
}

// A person who has lost most members for good writes the rest into the configuration; that counts, though the data folder
// knows others.
func TestMembersWrittenByHandCount(t *testing.T) {
	e := inFiles(t, 3).founded(3)
	ctx := serveContext(t)
	c := e.connect(ctx, 0)
	if _, err := c.Create(ctx, "/before", nil, client.Persistent); err != nil {
		t.Fatal(err)
	}
	_, stat := e.change(ctx, c, client.Reconfig{Joining: e.line(0)})
	dynamic := server.DynamicName(e.file(0, "zoo.cfg"), stat.Mzxid)
	eventually(t, "the files are in step", func() bool {
		main, _ := os.ReadFile(e.file(0, "zoo.cfg"))
		return strings.Contains(string(main), dynamic)
	})
	for i := range 3 {
		e.stop(i)
	}
	writeFile(t, dynamic, e.line(0)+"\n")
	e.reload(0)
	e.start(0)
	e.awaitServing()
	c = e.connect(ctx, 0)
	if _, err := c.Exists(ctx, "/before"); err != nil {
		t.Error(err)
	}
	eventually(t, "the members that were written by hand are in effect", func() bool {
		text, now, err := c.Config(ctx, false)
		return err == nil && now.Mzxid > stat.Mzxid && strings.Count(string(text), "server.") == 1
	})
	// The others had another idea of the ensemble. They learn of this one when it is newer than theirs.
	e.reload(1)
	e.start(1)
	e.awaitServing()
	members, _ := e.change(ctx, c, client.Reconfig{Joining: e.line(1)})
	e.awaitMembers(ctx, 1, members)
}
