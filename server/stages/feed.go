package stages

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// FeedID is the ID of the change feed's stage.
const FeedID = "feed"

// Event is one committed transaction with what it has changed below a path.
type Event struct {
	Zxid    messages.Zxid
	Time    int64 // the proposer's clock, milliseconds since 1970
	Session messages.SessionID
	Changes []Change
}

// Change is one node's change. Type is created, changed, deleted or acl.
type Change struct {
	Type      string
	Path      string
	Data      []byte         // of created and changed
	ACL       []messages.ACL // of created and acl
	Ephemeral bool           // of created
	Version   int32          // of changed and acl: the one that the node has now
}

// ErrFeedGone tells that the feed can't go on where it is asked to: this server doesn't have the transactions any more, or
// never had them one by one. Another server may; else the reader must read the nodes anew and go on from there.
var ErrFeedGone = errors.New("the changes after that zxid are not to be had from this server")

// ErrFeedNotYet tells that the server has not served since it was started.
var ErrFeedNotYet = errors.New("the server does not serve yet")

// Now, as the place to begin, means behind what is committed.
const Now = ^messages.Zxid(0)

const (
	feedKept  = 8192 // transactions that are kept in memory, at least
	feedBytes = 32 << 20
	feedBatch = 1024 // transactions that a reader takes at once
)

// Feed is the ordered stream of committed changes on one server. It outlives the pipelines that its stage belongs to.
type Feed struct {
	mu     sync.Mutex
	env    *actors.CustomEnv    // of the stage that there was last; nil before the first
	base   messages.Zxid        // the zxid before the first that is kept
	last   messages.Zxid        // what the feed has seen
	kept   []*messages.Proposal // (base, last]
	bytes  int
	change chan struct{} // closed when there is something new
}

// NewFeed makes the feed of a server.
func NewFeed() *Feed { return &Feed{change: make(chan struct{})} }

// Stage is the feed's stage.
func (f *Feed) Stage() actors.CustomStage {
	return actors.CustomStage{
		ID: FeedID, Place: actors.AfterCommit, Policy: actors.PassOn,
		Help: "Serves the committed changes below a path, in order and resumable from a zxid: /feed at the admin port, and a Go API.",
		New: func(env *actors.CustomEnv) (actors.Stage, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.env == nil {
				f.base = env.LastZxid()
				f.last = f.base
			}
			f.env = env
			return &feedStage{f}, nil
		},
	}
}

type feedStage struct{ feed *Feed }

// ResumeAfter implements actors.StageResumer.
func (s *feedStage) ResumeAfter() messages.Zxid {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	return s.feed.last
}

// Gap implements actors.StageGapper.
func (s *feedStage) Gap(_, to messages.Zxid) {
	f := s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if to <= f.last {
		return
	}
	f.base, f.last, f.kept, f.bytes = to, to, nil, 0
	f.wake()
}

// Handle implements actors.Stage.
func (s *feedStage) Handle(batch []actors.Item) []actors.Item {
	f := s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range batch {
		txn := batch[i].Txn()
		if txn.Header.Zxid <= f.last {
			continue // an earlier pipeline's stage has had it
		}
		f.kept = append(f.kept, txn)
		f.last = txn.Header.Zxid
		f.bytes += len(txn.Encoded)
	}
	f.trim()
	f.wake()
	return batch
}

// trim forgets the older half when there is too much.
func (f *Feed) trim() {
	if len(f.kept) < 2*feedKept && (f.bytes < 2*feedBytes || len(f.kept) < 2) {
		return
	}
	n := len(f.kept) / 2
	f.base = f.kept[n-1].Header.Zxid
	f.kept = append([]*messages.Proposal(nil), f.kept[n:]...)
	f.bytes = 0
	for _, txn := range f.kept {
		f.bytes += len(txn.Encoded)
	}
}

func (f *Feed) wake() {
	close(f.change)
	f.change = make(chan struct{})
}

// Subscription reads the feed. It is for one goroutine.
type Subscription struct {
	feed  *Feed
	path  string
	at    messages.Zxid
	ready []*Event
}

// Subscribe begins to read behind a zxid, or Now: the changes of path and everything below it. after is that of the last event
// which the reader has dealt with, from this server or another one of the ensemble.
func (f *Feed) Subscribe(path string, after messages.Zxid) (*Subscription, error) {
	if !messages.ValidPath(path) {
		return nil, fmt.Errorf("path: %q is none: write it from the root, as /app", path)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.env == nil {
		return nil, ErrFeedNotYet
	}
	if after == Now {
		after = f.last
	}
	return &Subscription{feed: f, path: path, at: after}, nil
}

// At is how far the reader has come: the zxid of the last event that Next has given, or a later one when nothing below the path
// has changed since. The feed may be taken up there.
func (s *Subscription) At() messages.Zxid {
	if len(s.ready) > 0 {
		return s.ready[0].Zxid - 1
	}
	return s.at
}

// Next waits for the next event and gives it. The error is ErrFeedGone, or the context's.
func (s *Subscription) Next(ctx context.Context) (*Event, error) {
	for len(s.ready) == 0 {
		wait, err := s.read()
		if err != nil {
			return nil, err
		}
		if wait == nil {
			continue
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	e := s.ready[0]
	s.ready = s.ready[1:]
	return e, nil
}

// read takes what there is. It gives what to wait for when there is nothing.
func (s *Subscription) read() (wait <-chan struct{}, err error) {
	f := s.feed
	f.mu.Lock()
	env, base, wait := f.env, f.base, f.change
	var list []*messages.Proposal
	if s.at >= base {
		n := sort.Search(len(f.kept), func(i int) bool { return f.kept[i].Header.Zxid > s.at })
		list = f.kept[n:min(len(f.kept), n+feedBatch)]
	}
	f.mu.Unlock()
	switch {
	case s.at >= base && len(list) == 0:
		return wait, nil
	case s.at >= base:
		for _, txn := range list {
			s.take(txn)
		}
		return nil, nil
	}
	n := 0
	err = env.History(s.at, func(txn *messages.Proposal) bool {
		if txn.Header.Zxid > base {
			return false // that is in memory
		}
		s.take(txn)
		n++
		return n < 4*feedBatch
	})
	switch {
	case err == nil && n == 0:
		s.at = base // nothing was committed in between
	case errors.Is(err, actors.ErrLogBehind) && n == 0:
		return wait, nil
	case err != nil && n == 0:
		return nil, fmt.Errorf("%w: they begin behind %v, asked for is %v: %w", ErrFeedGone, base, s.at, err)
	}
	return nil, nil
}

func (s *Subscription) take(txn *messages.Proposal) {
	s.at = txn.Header.Zxid
	var changes []Change
	for _, c := range actors.TxnChanges(txn) {
		if messages.HasPathPrefix(c.Path, s.path) {
			changes = append(changes, Change{
				Type: changeTypes[c.Op], Path: c.Path, Data: c.Data, ACL: c.ACL, Version: c.Version,
				Ephemeral: c.Ephemeral && c.Op == messages.OpCreate,
			})
		}
	}
	if len(changes) > 0 {
		s.ready = append(s.ready, &Event{Zxid: s.at, Time: txn.Header.Time, Session: txn.Header.Session, Changes: changes})
	}
}

var changeTypes = map[messages.OpCode]string{
	messages.OpCreate: "created", messages.OpSetData: "changed", messages.OpDelete: "deleted", messages.OpSetACL: "acl",
}
