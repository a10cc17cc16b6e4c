package persistence

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// life is what a server does to its folders, without the server: recover, log and apply transactions, write snapshots,
// end cleanly or not. It remembers the digest of the tree at each zxid, so that every later recovery can be judged.
type life struct {
	rng      *rand.Rand
	o        StoreOptions
	digests  map[uint64]uint64
	notices  []string
	every    int // transactions between snapshots; 0: none
	retain   int // snapshots to keep; 0: no purging
	batch    int // transactions for each fsync
	promised uint64
	nodes    []string
	next     int

	hasSession bool
}

func newLife(seed uint64, fsys FS) *life {
	l := &life{rng: rand.New(rand.NewPCG(seed, 3)), digests: map[uint64]uint64{}, batch: 1}
	l.o = StoreOptions{
		FS: fsys, DataDir: "/data", LogDir: "/txlog", NewDatabaseID: testDatabase, SegmentBytes: MinSegmentBytes,
		Notice: func(text string) { l.notices = append(l.notices, text) },
	}
	l.digests[0] = tree.New().Digest()
	return l
}

// clock is a clock of microseconds that moves with each look.
func clock() func() int64 {
	var now int64
	return func() int64 { now += 1000; return now }
}

// open recovers the state.
func (l *life) open() (*Store, *Recovered, error) {
	s, err := OpenStore(l.o)
	if err != nil {
		return nil, nil, err
	}
	r, err := s.Recover(clock(), nil)
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return s, r, nil
}

// invent makes the next transaction that fits the tree.
func (l *life) invent() messages.TxnBody {
	l.next++
	const session = 77
	switch dice := l.rng.IntN(10); {
	case !l.hasSession:
		l.hasSession = true
		return &messages.CreateSessionTxn{Timeout: 5000, Password: make([]byte, messages.PasswordLength)}
	case l.next%50 == 0:
		l.hasSession = false
		return &messages.CloseSessionTxn{}
	case dice < 5 || len(l.nodes) == 0:
		path := fmt.Sprintf("/n%d", l.next)
		l.nodes = append(l.nodes, path)
		return &messages.CreateTxn{
			Path: path, Data: make([]byte, l.rng.IntN(60)), ACL: messages.WorldACL(messages.PermAll), ParentCreates: int32(l.next),
		}
	case dice < 8:
		path := l.nodes[l.rng.IntN(len(l.nodes))]
		return &messages.SetDataTxn{Path: path, Data: fmt.Append(nil, l.next), Version: int32(l.next)}
	default:
		i := l.rng.IntN(len(l.nodes))
		path := l.nodes[i]
		l.nodes = append(l.nodes[:i], l.nodes[i+1:]...)
		return &messages.DeleteTxn{Path: path}
	}
}

// run logs and applies n transactions. promised is the last one that was durable.
func (l *life) run(s *Store, r *Recovered, n int) error {
	var result tree.Result
	for i := range n {
		zxid := r.Tree.LastZxid() + 1
		header := messages.TxnHeader{Zxid: zxid, Time: int64(zxid) * 10, Session: 77}
		body := l.invent()
		encoded, err := messages.EncodeTxn(&header, body)
		if err != nil {
			return err
		}
		if err := r.Log.Append(uint64(zxid), encoded); err != nil {
			return err
		}
		if err := r.Tree.Apply(&header, body, &result); err != nil {
			return fmt.Errorf("the test invents nonsense: %w", err)
		}
		l.digests[uint64(zxid)] = r.Tree.Digest()
		if (i+1)%l.batch == 0 || i == n-1 {
			if err := r.Log.Sync(); err != nil {
				return err
			}
			l.promised = uint64(zxid)
		}
		if l.every > 0 && l.next%l.every == 0 {
			if err := l.snapshot(s, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *life) snapshot(s *Store, r *Recovered) error {
	if err := r.Log.Roll(); err != nil {
		return err
	}
	l.promised = uint64(r.Tree.LastZxid())
	if err := s.WriteSnapshot(r.Tree); err != nil {
		return err
	}
	if l.retain == 0 {
		return nil
	}
	_, err := s.Purge(l.retain, "")
	return err
}

// live is a whole clean life: start, n transactions, stop.
func (l *life) live(t testing.TB, n int) {
	t.Helper()
	s, r, err := l.open()
	must(t, err)
	must(t, l.run(s, r, n))
	must(t, r.Log.Close())
	must(t, s.Close())
}

// last is the newest zxid.
func (l *life) last() (zxid uint64) {
	for z := range l.digests {
		zxid = max(zxid, z)
	}
	return zxid
}

// same fails the test unless the recovered tree is the one of that zxid.
func (l *life) same(t testing.TB, r *Recovered, zxid uint64) {
	t.Helper()
	if got := uint64(r.Tree.LastZxid()); got != zxid || r.Tree.Digest() != l.digests[zxid] {
		t.Fatalf("recovered to %#x with digest %x, should be %#x with %x", got, r.Tree.Digest(), zxid, l.digests[zxid])
	}
	if got := r.Log.LastZxid(); got != zxid {
		t.Fatalf("the log goes on after %#x, the tree is at %#x", got, zxid)
	}
}

// check recovers, compares with the newest zxid and ends again.
func (l *life) check(t testing.TB) *Recovered {
	t.Helper()
	s, r, err := l.open()
	must(t, err)
	l.same(t, r, l.last())
	must(t, r.Log.Close())
	must(t, s.Close())
	return r
}
