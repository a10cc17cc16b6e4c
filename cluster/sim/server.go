package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/actors/auth"
	"github.com/troupekeeper/troupe/cluster"
	"github.com/troupekeeper/troupe/cluster/clustertest"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// server is one member of the ensemble over all of its lives.
type server struct {
	w    *World
	id   messages.ServerID
	name string
	host *clustertest.Host
	disk *persistence.MemFS
	skew int64
	rate int64 // of its clock
	// configured is what its configuration says of the members.
	configured messages.Membership
	lag        time.Duration // of its network

	life     *life // nil: it is down
	lives    int
	vanished bool // its machine was switched off: nobody is told
	applied  messages.Zxid
	restart  actors.Timer
}

// life is one run of its process.
type life struct {
	lane     *lane
	fs       *persistence.FaultFS
	rt       *actors.Runtime
	store    *persistence.Store
	board    *cluster.StatusBoard
	view     atomic.Pointer[actors.View]
	epoch    uint32       // that it has served in last
	seen     *actors.View // the pipeline that was looked at last
	tree     *tree.Shared // of the pipeline that was there last
	listener *actor.PID
	peer     *actor.PID
	options  actors.Options
	members  messages.Zxid // version of those that it goes by

	fatal    error // why the process must end
	excused  bool  // something was done to it that may end it
	cutting  bool  // its power is going to be cut amid its writes
	stopping bool
	armed    *armedPanic
	cutSync  int // messages of a synchronisation until the power is cut; 0: it isn't
	change   loggedChange
}

// ports of every server.
const (
	quorumPort   = 2888
	electionPort = 3888
	clientPort   = 2181
)

func (s *server) address(port int) string { return fmt.Sprintf("%s:%d", s.name, port) }

func (s *server) up() bool { return s.life != nil }

// serving tells whether its pipeline runs, and is going to.
func (s *server) serving() bool {
	return s.life != nil && !s.life.stopping && s.life.view.Load() != nil && s.life.view.Load().Role != actors.RoleReadOnly
}

func (s *server) leads() bool {
	v := s.life
	return v != nil && v.seen != nil && v.seen.Role == actors.RoleLeader
}

// start begins a life with what is on disk.
func (s *server) start() {
	if s.life != nil {
		return
	}
	s.lives++
	if s.vanished {
		s.vanished = false
		s.host.Boot()
	}
	s.w.trace.say(s.name, "starts, life %d", s.lives)
	l := &life{lane: &lane{w: s.w, skew: s.skew, rate: s.rate}, fs: persistence.NewFaultFS(s.disk), board: &cluster.StatusBoard{}}
	s.life = l
	if err := s.assemble(l); errors.Is(err, persistence.ErrDiskFull) {
		s.kill("can't start, its disk is full")
		s.startIn(time.Second)
	} else if err != nil {
		s.w.fail("start", "%s can't start: %v\n%s", s.name, err, s.disk.Tree())
	}
}

// assemble puts the server together as package server does it.
func (s *server) assemble(l *life) (err error) {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], s.w.rand.Uint64())
	random := rand.NewChaCha8(key)
	l.rt = actors.NewRuntime(actors.World{
		Clock: l.lane, Random: random, Dispatchers: s.dispatchers(l), Log: s.logger(),
		Fatal: func(err error) { s.mustEnd(l, err) },
		Wrap: func(name string, inner actor.Actor) actor.Actor {
			return &witness{Actor: inner, s: s, l: l, kind: name}
		},
	})
	client, err := s.host.Listen(s.address(clientPort))
	if err != nil {
		return err
	}
	quorum, err := s.host.Listen(s.address(quorumPort))
	if err != nil {
		return err
	}
	election, err := s.host.Listen(s.address(electionPort))
	if err != nil {
		return err
	}
	digest, err := auth.NewDigest("", "")
	if err != nil {
		return err
	}
	reg, err := auth.NewRegistry(auth.IP{}, digest)
	if err != nil {
		return err
	}
	reg.SkipACL(true) // clients change members
	p := &s.w.plan
	l.store, err = persistence.OpenStore(persistence.StoreOptions{
		FS: watchedFS{l.fs, s}, DataDir: "data", LogDir: "data",
		NewDatabaseID: random.Uint64() | 1, SegmentBytes: p.segmentBytes, Compress: p.compress,
		Notice: func(text string) { s.w.trace.say(s.name, "notice: %s", text) },
	})
	if err != nil {
		return err
	}
	l.options = p.actorOptions(s.id)
	l.options.Stages = s.w.stages
	root := l.rt.System.Root
	if l.listener, err = root.SpawnNamed(actors.NewListener(l.rt, client, actors.ListenerOptions{}), "listener"); err != nil {
		return err
	}
	o := cluster.Options{
		Self: cluster.Identity{
			ID: s.id, Incarnation: uint64(l.lane.WallMs())<<20 | random.Uint64()>>44,
		},
		Membership: s.configured, Reconfig: p.reconfig, Network: s.host, QuorumDoor: quorum, ElectionDoor: election,
		Tick: p.tick, InitLimit: p.initLimit, SyncLimit: p.syncLimit,
		CommitLogCount: p.commitLogCount, SnapshotFactor: p.snapshotFactor, ObserverLog: p.observerLog,
		MaxSnapSyncs: p.feedAtOnce, MaxDiffSyncs: p.feedAtOnce,
		ReadOnlyMode: p.readOnly, LeaderRefuses: p.leaderRefuses, LastCounter: p.lastCounter,
		Actors: &l.options, Auth: reg, Store: l.store, Listeners: []*actor.PID{l.listener}, Board: l.board,
		Failed: func(err error) { s.mustEnd(l, err) },
	}
	l.peer, err = root.SpawnNamed(cluster.NewPeer(l.rt, o, &l.view), cluster.PeerName())
	return err
}

// dispatchers puts every actor of a life on its lane.
func (s *server) dispatchers(l *life) actors.Dispatchers { return lanes{l.lane} }

type lanes struct{ *lane }

// slowLane is for an actor that waits for the disk: between two of its turns time passes, in which the others go on.
type slowLane struct{ *lane }

// Schedule implements actor.Dispatcher.
func (l slowLane) Schedule(fn func()) {
	l.w.clock.After(l.w.between(0, l.w.plan.diskDelay), func() { l.lane.Schedule(fn) })
}

// Shared implements actors.Dispatchers.
func (l lanes) Shared() actor.Dispatcher { return l.lane }

// Conn implements actors.Dispatchers.
func (l lanes) Conn(uint64) actor.Dispatcher { return l.lane }

// Pinned implements actors.Dispatchers.
func (l lanes) Pinned(name string) (actor.Dispatcher, func()) {
	if name == "sync" && l.w.plan.diskDelay > 0 {
		return slowLane{l.lane}, func() {}
	}
	return l.lane, func() {}
}

// logger writes the server's log into the trace, and counts what the statistics want to know.
func (s *server) logger() zerolog.Logger {
	return zerolog.New(logWriter{s}).Level(zerolog.InfoLevel)
}

type logWriter struct{ s *server }

// Write implements io.Writer.
func (l logWriter) Write(line []byte) (int, error) {
	l.s.w.stats.logged(line)
	l.s.w.trace.put(event{at: l.s.w.clock.us, where: l.s.name, msg: logLine(append([]byte(nil), line...))})
	return len(line), nil
}

// mustEnd notes that the process can't go on. It ends when the present step is done.
func (s *server) mustEnd(l *life, err error) {
	if l.fatal == nil {
		l.fatal = err
		s.w.ending = true
		s.w.trace.say(s.name, "must end: %v", err)
	}
}

// kill ends the process at once. The disk keeps what was written, synced or not.
func (s *server) kill(why string) {
	l := s.life
	if l == nil {
		return
	}
	s.w.trace.say(s.name, "%s", why)
	l.lane.dead = true
	if s.vanished {
		s.host.Vanish()
	} else {
		s.host.Crash()
	}
	if l.store != nil {
		if err := l.store.Close(); err != nil {
			s.w.fail("harness", "unlock: %v", err)
		}
	}
	s.life = nil
}

// cutPower ends the process and loses what was not synced, all of it or by chance some.
func (s *server) cutPower(strict bool) {
	s.kill("loses its power")
	if strict {
		s.disk = s.disk.CrashClone(nil)
		return
	}
	s.disk = s.disk.CrashClone(rand.New(rand.NewPCG(s.w.rand.Uint64(), 1)))
}

// stop ends the process in good order, as package server does it.
func (s *server) stop(then func()) {
	l := s.life
	if l == nil || l.stopping {
		return
	}
	l.stopping = true
	s.w.trace.say(s.name, "is told to stop")
	done := func() {
		if s.life == l {
			s.kill("has stopped")
			then()
		}
	}
	end := func() { l.whenGone(l.listener, func() { l.whenGone(l.peer, done) }) }
	if s.w.plan.resigns && s.leads() {
		s.handOver(0)
		s.w.later(s.w.between(0, time.Second), func() { // package server waits until it is done, and not longer
			if s.life == l {
				end()
			}
		})
	} else {
		end()
	}
	s.w.later(s.w.plan.patience(), func() {
		if s.life == l && !l.lane.paused {
			s.w.fail("stop", "%s was told to stop %v ago and hasn't", s.name, s.w.plan.patience())
		}
	})
}

// handOver lets a server that leads hand over to another one; 0: to whoever is best.
func (s *server) handOver(to messages.ServerID) {
	s.w.trace.say(s.name, "is to hand over to %d", to)
	s.life.rt.System.Root.Send(s.life.peer, cluster.MoveLeader{To: to, Done: func(err error) {
		s.w.trace.say(s.name, "handing over: %v", err)
		if err == nil {
			s.w.stats.add("leadership handed over")
		}
	}})
}

// whenGone stops an actor and calls f when it has ended.
func (l *life) whenGone(pid *actor.PID, f func()) {
	props := actor.PropsFromFunc(func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case *actor.Started:
			ctx.Watch(pid)
			ctx.Stop(pid)
		case *actor.Terminated:
			f()
		}
	}, actor.WithDispatcher(l.lane))
	l.rt.System.Root.Spawn(props)
}

// startIn starts the server after a while, or at once when all faults have ended.
func (s *server) startIn(d time.Duration) {
	if !s.w.chaos {
		s.start()
		return
	}
	s.w.later(d, func() {
		if s.life == nil {
			s.start()
		}
	})
}

// reap ends the processes that must end, and says whether that was to be expected.
func (w *World) reap() {
	w.ending = false
	for _, s := range w.servers {
		l := s.life
		if l == nil {
			continue
		}
		if l.fs.Failed() > 0 {
			l.excused = true
		}
		if l.fatal == nil {
			continue
		}
		if !l.excused && !errors.Is(l.fatal, persistence.ErrPowerCut) {
			w.fail("process", "%s would have ended: %v", s.name, l.fatal)
			return
		}
		w.stats.add("process ended by an error that was injected")
		s.kill("its process has ended")
		s.startIn(w.between(0, 2*time.Second))
	}
}
