package actors

import (
	"math/rand/v2"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// A portion is what is copied while final may not write, about a tenth of a millisecond: no more nodes than this, and no more
// bytes but for the last node's. The file is written when final may go on: a disk that is slow holds up nobody else.
const (
	snapshotPortion = 256
	portionBytes    = 256 << 10
)

// workSpell is how long, in microseconds, the snapshotter works before it leaves processor and disk to the requests, and
// restFactor how many times as long that pause is, up to longestRest: a disk that stalls is no reason to stand still for
// much longer.
const (
	workSpell   = 500
	restFactor  = 3
	longestRest = 50_000
)

type (
	snapshotBegun struct {
		by    *snapshotterActor // who asked
		image *tree.Snapshot
	}
	nextPortion struct{}
)

// snapshotterActor writes a snapshot now and then. It has a goroutine of its own. Final hands it an image of the tree
// at one zxid; it writes that in portions, between which the writes go on.
type snapshotterActor struct {
	env     *StageEnv
	rand    *rand.Rand
	count   int64 // transactions since the last snapshot
	bytes   int64 // of log
	limit   int64 // at which count the next one is due
	image   *tree.Snapshot
	writer  *persistence.SnapshotWriter
	copied  copiedRecords
	started int64 // monotonic microseconds
	worked  int64 // microseconds since the last pause
	timer   Timer // of a pause
	asked   bool
}

// copiedRecords are records of an image, one behind the other.
type copiedRecords struct {
	bytes []byte
	ends  []int
	kinds []byte
}

func (c *copiedRecords) add(kind byte, record []byte) error {
	c.bytes = append(c.bytes, record...)
	c.ends, c.kinds = append(c.ends, len(c.bytes)), append(c.kinds, kind)
	return nil
}

// moveTo hands all of them on.
func (c *copiedRecords) moveTo(emit func(kind byte, record []byte) error) error {
	begin := 0
	for i, end := range c.ends {
		if err := emit(c.kinds[i], c.bytes[begin:end]); err != nil {
			return err
		}
		begin = end
	}
	if c.bytes = c.bytes[:0]; cap(c.bytes) > 4*portionBytes {
		c.bytes = nil // one large value is no reason to keep so much
	}
	c.ends, c.kinds = c.ends[:0], c.kinds[:0]
	return nil
}

func newSnapshotter(env *StageEnv) actor.Actor {
	var seed [32]byte
	env.fillRandom(seed[:])
	a := &snapshotterActor{env: env, rand: rand.New(rand.NewChaCha8(seed)), count: env.Recovery.Replayed}
	a.limit = a.draw()
	return a
}

// draw picks the next distance between snapshots from [n/2, n], so that the members of an ensemble don't all write
// theirs at the same moment.
func (a *snapshotterActor) draw() int64 {
	n := int64(a.env.Options.SnapCount)
	return n - a.rand.Int64N(n/2+1)
}

// Receive implements actor.Actor.
func (a *snapshotterActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		// A predecessor that failed may have left an image open, and final takes one at a time.
		ctx.Send(a.env.Final, endSnapshot{})
		if a.env.NoLog {
			a.purge("") // each synchronisation may have brought a snapshot, and no other time to look at them will come
		}
	case *messages.Applied:
		a.count += m.Count
		a.bytes += m.Bytes
		a.consider(ctx)
	case snapshotBegun:
		if m.by == a { // otherwise it was for a predecessor, and is closed already
			a.begin(ctx, m.image)
		}
	case nextPortion:
		a.portion(ctx)
	case Relink:
		a.env.relink(m)
	case *actor.Stopping, *actor.Restarting:
		a.abort(ctx, nil)
	default:
		a.env.unexpected(ctx, &a.env.Log)
	}
}

func (a *snapshotterActor) consider(ctx actor.Context) {
	if a.env.NoLog {
		return
	}
	due := a.count >= a.limit || a.bytes >= a.env.Options.SnapSizeLimit
	if !due || a.asked {
		return
	}
	a.asked = true
	a.count, a.bytes, a.limit = 0, 0, a.draw()
	ctx.Send(a.env.Sync, rollLog{})
	ctx.Send(a.env.Final, beginSnapshot{by: a})
}

func (a *snapshotterActor) begin(ctx actor.Context, image *tree.Snapshot) {
	a.image, a.started = image, a.env.Clock.MonoUs()
	w, err := a.env.Store.CreateSnapshot(image.Zxid())
	if err != nil {
		a.abort(ctx, err)
		return
	}
	a.writer = w
	ctx.Send(ctx.Self(), nextPortion{})
}

// portion writes some nodes and sends itself the word for the next ones, so that a stop can come in between.
func (a *snapshotterActor) portion(ctx actor.Context) {
	if a.writer == nil {
		return
	}
	began := a.env.Clock.MonoUs()
	done, err := a.copyPortion()
	if err == nil {
		err = a.copied.moveTo(a.writer.Append)
	}
	a.worked += a.env.Clock.MonoUs() - began
	switch {
	case err != nil:
		a.abort(ctx, err)
	case !done:
		a.next(ctx)
	default:
		a.finish(ctx)
	}
}

func (a *snapshotterActor) copyPortion() (done bool, err error) {
	a.env.Tree.Read(func(*tree.Tree) {
		for n := 0; n < snapshotPortion && len(a.copied.bytes) < portionBytes && !done && err == nil; n++ {
			done, err = a.image.Next(a.copied.add, 1)
		}
	})
	return done, err
}

// next goes on with the next portion, after a pause if one is due.
func (a *snapshotterActor) next(ctx actor.Context) {
	if a.worked < workSpell {
		ctx.Send(ctx.Self(), nextPortion{})
		return
	}
	self, root := ctx.Self(), a.env.System.Root
	rest := min(a.worked*restFactor, longestRest)
	a.timer = a.env.Clock.After(time.Duration(rest)*time.Microsecond, func() { root.Send(self, nextPortion{}) })
	a.worked = 0
}

func (a *snapshotterActor) finish(ctx actor.Context) {
	zxid := a.image.Zxid()
	info, err := a.writer.Commit()
	a.writer = nil
	if err != nil {
		a.abort(ctx, err)
		return
	}
	a.release(ctx)
	ms := (a.env.Clock.MonoUs() - a.started) / 1000
	m := a.env.Metrics
	m.Snapshots.Inc()
	m.SnapshotTime.Observe(ms, 1)
	m.LastSnapshotZxid.Store(uint64(zxid))
	m.LastSnapshotWallMs.Store(a.env.Clock.WallMs())
	a.env.Log.Info().Stringer("zxid", zxid).Int64("ms", ms).Msg("snapshot written")
	a.purge(info.Path)
}

func (a *snapshotterActor) purge(written string) {
	if a.env.Options.SnapRetain == 0 {
		return
	}
	removed, err := a.env.Store.Purge(a.env.Options.SnapRetain, written)
	if err != nil {
		a.env.Log.Warn().Err(err).Msg("purging old snapshots and logs failed; it is tried again after the next snapshot")
	}
	if removed > 0 {
		a.env.Log.Info().Int("files", removed).Msg("old snapshots and logs removed (autopurge.snapRetainCount)")
	}
}

// abort gives a snapshot up. The log holds everything, so nothing is lost; the next one is due as usual.
func (a *snapshotterActor) abort(ctx actor.Context, err error) {
	if a.timer != nil {
		a.timer.Stop()
	}
	a.copied = copiedRecords{}
	if a.writer != nil {
		a.writer.Abort()
		a.writer = nil
	}
	a.release(ctx)
	if err != nil {
		a.env.Metrics.SnapshotErrors.Inc()
		a.env.Log.Error().Err(err).Msg("snapshot failed; the log keeps everything, the next snapshot is tried as usual")
	}
}

func (a *snapshotterActor) release(ctx actor.Context) {
	if a.image != nil {
		ctx.Send(a.env.Final, endSnapshot{a.image})
		a.image = nil
	}
	a.asked = false
}
