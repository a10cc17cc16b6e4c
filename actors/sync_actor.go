package actors

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

// rollLog asks for a new log segment: a snapshot begins, and what it covers can be purged then.
type rollLog struct{}

// checkSpace looks again whether a full disk has room.
type checkSpace struct{}

// spacePause is how long a full disk is left alone before it is looked at again.
const spacePause = time.Second

// headroomLow is how many bytes of reserved log make the server refuse writes: everything that has been accepted by
// then, and the ends of all sessions, must still fit.
const headroomLow = 24 << 20

// syncActor writes the log. It has a goroutine of its own, because a disk blocks. What comes while it waits for the
// disk is the next batch: one fsync for all of it.
type syncActor struct {
	env     *StageEnv
	log     *persistence.Log
	batch   []messages.Proposal
	waiting []messages.Proposal // for room in the log
	full    bool
	slowMs  int64
	timer   Timer
	stopped bool
}

func newSyncStage(env *StageEnv) actor.Actor {
	return &syncActor{env: env, log: env.Recovery.Log, full: env.DiskFull, slowMs: env.Options.FsyncWarning.Milliseconds()}
}

// Receive implements actor.Actor.
func (a *syncActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.lookAgain(ctx, 0) // the disk may have been full before
	case *messages.Proposals:
		a.append(m.Items)
		if len(a.waiting) > 0 {
			a.full = false // prep is told again: it doesn't know, or it would have refused these
		}
	case rollLog:
		a.roll(ctx)
	case checkSpace:
		a.timer = nil
		a.retry()
		a.space(ctx)
	case Quiesce:
		a.quiesce(ctx, m)
	case Relink:
		a.env.relink(m)
		a.full = a.full || len(a.waiting) > 0
		a.space(ctx)
	case Drained:
		a.sync(ctx)
	case *actor.Stopping, *actor.Restarting:
		a.stop()
	default:
		a.env.unexpected(ctx, &a.env.Log)
	}
}

func (a *syncActor) append(items []messages.Proposal) {
	if a.stopped {
		return
	}
	if len(a.waiting) > 0 {
		a.waiting = append(a.waiting, items...)
		return
	}
	for i := range items {
		err := a.log.Append(uint64(items[i].Header.Zxid), items[i].Encoded)
		if errors.Is(err, persistence.ErrDiskFull) && !errors.Is(err, persistence.ErrLogFailed) {
			// The log hasn't taken it and works on, and nobody has been promised anything: it waits for room, with
			// all behind it.
			a.waiting = append(a.waiting, items[i:]...)
			items = items[:i]
			break
		}
		if err != nil {
			a.fatal(fmt.Errorf("log transaction %v: %w", items[i].Header.Zxid, err))
			return
		}
	}
	if len(a.batch) == 0 {
		a.batch = slices.Clip(items) // others may hold the list, too, and nobody changes what is in it
		return
	}
	a.batch = append(a.batch, items...)
}

// retry takes what has waited for room.
func (a *syncActor) retry() {
	items := a.waiting
	a.waiting = nil
	a.append(items)
}

// sync makes the batch durable and only then passes it on. A failure is final: after a failed fsync nobody knows
// what is on disk, so the process ends, and the next start finds out.
func (a *syncActor) sync(ctx actor.Context) {
	if a.stopped {
		return
	}
	if len(a.batch) == 0 {
		if len(a.waiting) > 0 {
			a.space(ctx)
		}
		return
	}
	before := a.env.Clock.MonoUs()
	if err := a.log.Sync(); err != nil {
		a.fatal(fmt.Errorf("make the log durable: %w", err))
		return
	}
	took := a.env.Clock.MonoUs() - before
	a.env.Metrics.FsyncTime.Observe(took, 1)
	a.env.Metrics.SyncBatch.Observe(int64(len(a.batch)), 1)
	if took/1000 > a.slowMs {
		a.env.Metrics.FsyncSlow.Inc()
		a.env.Log.Warn().Int64("ms", took/1000).Int("transactions", len(a.batch)).
			Msg("fsync of the transaction log was slow (fsync.warningthresholdms); writes wait for it")
	}
	a.pass(ctx)
	a.batch = nil
	a.space(ctx)
}

// quiesce answers when everything is on disk. While something waits for room it isn't, and whoever asks gives up.
func (a *syncActor) quiesce(ctx actor.Context, m Quiesce) {
	a.sync(ctx)
	if !a.stopped && len(a.waiting) == 0 {
		ctx.Send(m.To, Quiet{Stage: stageSync})
	}
}

// pass tells what is durable. On a server that runs alone it is committed; an observer's word doesn't count.
func (a *syncActor) pass(ctx actor.Context) {
	switch {
	case a.env.Ack != nil:
		ctx.Send(a.env.Ack, &messages.Durable{Zxid: a.batch[len(a.batch)-1].Header.Zxid})
	case a.env.Role == RoleStandalone:
		ctx.Send(a.env.Gate, &messages.Committed{Items: a.batch})
	}
}

// roll begins a new segment, if there is room for one. It is a wish: purging then finds more to remove.
func (a *syncActor) roll(ctx actor.Context) {
	if a.stopped {
		return
	}
	if err := a.log.Reserve(); err != nil {
		a.env.Log.Warn().Err(err).Msg("no room for a new segment of the transaction log; it goes on in the old one")
		a.space(ctx)
		return
	}
	if err := a.log.Roll(); err != nil {
		a.fatal(err)
	}
}

// space tells prep when the log is about to run out of room, and when there is some again.
func (a *syncActor) space(ctx actor.Context) {
	room, err := a.log.Headroom()
	full := len(a.waiting) > 0 || (err != nil && room < headroomLow)
	if err != nil && !errors.Is(err, persistence.ErrDiskFull) {
		a.env.Log.Error().Err(err).Msg("can't reserve room for the transaction log")
	}
	if full || a.full {
		// While the disk is full it is said with each look: the first word may have come before prep was there.
		a.full = full
		ctx.Send(a.guard(), &messages.DiskSpace{Full: full, Free: room})
		if a.env.Role == RoleLeader {
			ctx.Send(a.env.Member, &messages.DiskSpace{Full: full, Free: room}) // somebody else may have room
		}
	}
	if full && a.timer == nil {
		a.lookAgain(ctx, spacePause)
	}
}

// guard is who refuses writes while the disk is full: the desk, or on a learner the learner itself.
func (a *syncActor) guard() *actor.PID {
	if a.env.Role == RoleFollower || a.env.Role == RoleObserver {
		return a.env.Member
	}
	return a.env.Prep
}

// NoRoom tells whether a log has too little room to accept writes. Prep must know before the first one comes: what it
// lets in waits for room, and the refusals of all later writes wait behind it.
func NoRoom(log *persistence.Log) bool {
	room, err := log.Headroom()
	return err != nil && room < headroomLow
}

func (a *syncActor) lookAgain(ctx actor.Context, after time.Duration) {
	self, root := ctx.Self(), a.env.System.Root
	a.timer = a.env.Clock.After(after, func() { root.Send(self, checkSpace{}) })
}

func (a *syncActor) fatal(err error) {
	a.stopped = true
	a.batch, a.waiting = nil, nil
	a.env.Fatal(err)
}

// stop writes what was accepted. Nobody hears of it any more, but it is in the log.
func (a *syncActor) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
	if a.stopped {
		return
	}
	a.stopped = true
	if err := a.log.Close(); err != nil {
		a.env.Log.Error().Err(err).Msg("closing the transaction log failed; the next start reads what is there")
	}
}
