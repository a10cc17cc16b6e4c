package cluster

import (
	"errors"
	"fmt"
	"io"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

const (
	feedChunk  = 256 << 10 // bytes of one part
	feedAhead  = 8         // parts on the way
	feedLeast  = 16 << 20  // bytes of log that are sent in any case rather than a snapshot
	feedReport = 5_000_000 // microseconds between two lines on progress
)

// feederActor sends one learner what it lacks: from the leader's window, its log or its newest snapshot, in parts, of which
// a bounded number is on the way. It reads the disk, so it has a goroutine of its own.
type feederActor struct {
	m       *member
	handler *actor.PID
	link    *actor.PID
	server  messages.ServerID
	begin   *BeginSync
	log     zerolog.Logger
	release func()

	last     messages.Zxid // of the learner
	todo     Plan          // when it is the learner's turn
	mode     string
	snapshot *persistence.SnapshotReader
	reader   *persistence.Reader
	from     int // index into the window of what is still to be sent
	credits  int
	waiting  bool // for Truncated
	sent     int64
	started  int64
	told     int64
}

func newFeeder(m *member, handler, link *actor.PID, server messages.ServerID, b *BeginSync) *actor.Props {
	return m.rt.PinnedProps("feeder", func() actor.Actor {
		return &feederActor{
			m: m, handler: handler, link: link, server: server, begin: b, last: b.Last, credits: feedAhead,
			log: m.rt.Log.With().Str("component", "feeder").Uint8("server", uint8(server)).Logger(),
		}
	})
}

// Receive implements actor.Actor.
func (a *feederActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.release = a.m.Store.Hold()
		a.started = a.m.rt.Clock.MonoUs()
		a.told = a.started
		a.plan(ctx)
	case *messages.Truncated:
		a.truncated(ctx, m)
	case *FeedTurn:
		a.begins(ctx)
	case *messages.SnapCredit:
		a.credits++
		a.feed(ctx)
	case *actor.Stopping, *actor.Restarting:
		a.close()
	default:
		a.m.rt.Unexpected(ctx, &a.log)
	}
}

func (a *feederActor) close() {
	if a.snapshot != nil {
		_ = a.snapshot.Close()
		a.snapshot = nil
	}
	if a.reader != nil {
		_ = a.reader.Close()
		a.reader = nil
	}
	if a.release != nil {
		a.release()
	}
}

func (a *feederActor) plan(ctx actor.Context) {
	p, err := planSync(a.last, a.begin, storeView{a.m.Store}, SyncOptions{SnapshotFactor: a.m.SnapshotFactor, LogBytes: feedLeast})
	if err != nil {
		a.fail(ctx, err)
		return
	}
	if p.Step == SendTruncate {
		a.waiting = true
		a.log.Info().Stringer("from", a.last).Stringer("after", p.After).Msg("the learner has transactions that never became history: TRUNC")
		ctx.Send(a.link, &messages.Truncate{After: p.After})
		return
	}
	a.todo = p
	want := wantFeed{kind: feedDiff, last: a.last}
	if p.Step == SendSnapshot {
		want.kind = feedSnapshot
	}
	ctx.Send(a.handler, want)
}

// begins carries the plan out.
func (a *feederActor) begins(ctx actor.Context) {
	var err error
	switch p := a.todo; p.Step {
	case SendWindow:
		a.mode, a.from = "DIFF from memory", p.From
	case SendLog:
		a.mode = "DIFF from the log"
		err = a.openLog(p.After)
	case SendSnapshot:
		a.mode = "SNAP"
		err = a.openSnapshot(ctx)
	}
	if err != nil {
		a.fail(ctx, err)
		return
	}
	a.feed(ctx)
}

func (a *feederActor) truncated(ctx actor.Context, m *messages.Truncated) {
	if !a.waiting || m.Last >= a.last {
		a.fail(ctx, fmt.Errorf("it was to cut its log, and says that it ends at %v", m.Last))
		return
	}
	a.waiting, a.last = false, m.Last
	a.plan(ctx)
}

func (a *feederActor) openLog(after messages.Zxid) (err error) {
	a.reader, err = a.m.Store.ReadLog(after)
	a.last = after
	return err
}

func (a *feederActor) openSnapshot(ctx actor.Context) (err error) {
	if a.snapshot, err = a.m.Store.OpenNewestSnapshot(); err != nil {
		return err
	}
	info := a.snapshot.Info()
	ctx.Send(a.link, &messages.SnapBegin{Zxid: messages.Zxid(info.Zxid), Bytes: info.FileBytes})
	return nil
}

// feed sends parts while there is credit.
func (a *feederActor) feed(ctx actor.Context) {
	for a.credits > 0 && a.mode != "" && !a.waiting {
		done, err := a.part(ctx)
		if err != nil {
			a.fail(ctx, err)
			return
		}
		if done {
			a.finish(ctx)
			return
		}
	}
	a.progress()
}

// part sends the next one: of the snapshot, then of the log, then of the window.
func (a *feederActor) part(ctx actor.Context) (done bool, err error) {
	switch {
	case a.snapshot != nil:
		return false, a.snapshotPart(ctx)
	case a.reader != nil:
		return false, a.logPart(ctx)
	case a.from < len(a.begin.Window):
		a.windowPart(ctx)
		return false, nil
	}
	return true, nil
}

func (a *feederActor) snapshotPart(ctx actor.Context) error {
	var chunk []byte
	for len(chunk) < feedChunk {
		kind, record, err := a.snapshot.Next()
		if errors.Is(err, io.EOF) {
			zxid := messages.Zxid(a.snapshot.Info().Zxid)
			a.send(ctx, &messages.SnapChunk{Records: chunk, Last: true}, len(chunk))
			_ = a.snapshot.Close()
			a.snapshot = nil
			return a.behind(zxid)
		}
		if err != nil {
			return err
		}
		chunk = persistence.AppendSnapshotRecord(chunk, kind, record)
	}
	a.send(ctx, &messages.SnapChunk{Records: chunk}, len(chunk))
	return nil
}

// behind goes on with what follows a snapshot: the window, if it reaches back so far, or the log.
func (a *feederActor) behind(zxid messages.Zxid) error {
	a.last = zxid
	if zxid < a.begin.Base {
		return a.openLog(zxid)
	}
	p := planWindow(zxid, a.begin)
	if p.Step != SendWindow {
		return fmt.Errorf("the snapshot of %v is not part of the history that begins at %v", zxid, a.begin.Base)
	}
	a.from = p.From
	return nil
}

func (a *feederActor) logPart(ctx actor.Context) error {
	var items []messages.Proposal
	bytes := 0
	for bytes < feedChunk && a.last < a.begin.Base {
		rec, err := a.reader.Next()
		if err != nil {
			return fmt.Errorf("read the log from %v to %v: %w", a.last, a.begin.Base, err)
		}
		encoded := append([]byte(nil), rec.Body...)
		items = append(items, messages.Proposal{Encoded: encoded})
		bytes += len(encoded)
		a.last = messages.Zxid(rec.Zxid)
	}
	if a.last > a.begin.Base {
		return fmt.Errorf("the log goes from before %v to %v", a.begin.Base, a.last)
	}
	if a.last == a.begin.Base {
		_ = a.reader.Close()
		a.reader = nil
	}
	if len(items) > 0 {
		a.send(ctx, &messages.History{Items: items}, bytes)
	}
	return nil
}

func (a *feederActor) windowPart(ctx actor.Context) {
	bytes, n := 0, a.from
	for n < len(a.begin.Window) && bytes < feedChunk {
		bytes += len(a.begin.Window[n].Encoded)
		n++
	}
	a.send(ctx, &messages.History{Items: a.begin.Window[a.from:n]}, bytes)
	a.from = n
}

func (a *feederActor) send(ctx actor.Context, msg any, bytes int) {
	a.credits--
	a.sent += int64(bytes)
	ctx.Send(a.link, msg)
}

func (a *feederActor) finish(ctx actor.Context) {
	b := a.begin
	if b.Proposed != "" {
		ctx.Send(a.link, &messages.ProposedMembers{Members: b.Proposed})
	}
	ctx.Send(a.link, &messages.NewLeader{Epoch: b.Epoch, Last: b.Committed, Config: b.Config, Members: b.Members})
	a.log.Info().Str("mode", a.mode).Stringer("from", b.Last).Stringer("to", b.Committed).Int64("bytes", a.sent).
		Int64("ms", (a.m.rt.Clock.MonoUs()-a.started)/1000).Msg("learner synchronised: " + a.mode)
	a.end(ctx, "")
}

func (a *feederActor) progress() {
	if now := a.m.rt.Clock.MonoUs(); now-a.told >= feedReport {
		a.told = now
		a.log.Info().Str("mode", a.mode).Int64("bytes", a.sent).Msg("synchronising the learner")
	}
}

func (a *feederActor) fail(ctx actor.Context, err error) { a.end(ctx, err.Error()) }

func (a *feederActor) end(ctx actor.Context, reason string) {
	a.mode = ""
	ctx.Send(a.handler, feedEnded{reason: reason}) // the handler stops it: the word on its end would overtake this one
}

// storeView is the leader's disk as planSync sees it.
type storeView struct{ *persistence.Store }

// NewestSnapshot implements LogView.
func (v storeView) NewestSnapshot() (messages.Zxid, int64) { return v.Store.NewestSnapshot() }
