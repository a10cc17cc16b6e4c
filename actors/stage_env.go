package actors

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// CustomEnv is what a stage is built from. Its methods may be called from any goroutine.
type CustomEnv struct {
	ID       string
	Place    Place
	Role     Role              // this server's, when the stage was made; it may change while the stage lives
	Server   messages.ServerID // this server's id
	Settings StageSettings
	Log      zerolog.Logger // with the stage's name
	Clock    Clock
	Random   io.Reader

	env    *StageEnv
	stats  *StageStats
	runner *runner
}

func (a *guardActor) customEnv(r *runner) *CustomEnv {
	return &CustomEnv{
		ID: a.stage.ID, Place: a.stage.Place, Role: a.env.Role, Server: a.env.Options.SessionServer, Settings: a.stage.Settings,
		Log: a.env.Log, Clock: a.env.Clock, Random: a.env.Random, env: a.env, stats: a.stats, runner: r,
	}
}

// Run calls f soon, on some goroutine, never while another call of the stage runs. What it returns is handed on: items that
// the stage has kept. After the stage's end, or its failure, f isn't called.
func (e *CustomEnv) Run(f func() []Item) {
	e.runner.do(stageMore, func() ([]Item, error) { return f(), nil })
}

// After does that once, d from now.
func (e *CustomEnv) After(d time.Duration, f func() []Item) Timer {
	return e.Clock.After(d, func() { e.Run(f) })
}

// Counter is a number of the stage's own, shown with its status and in the metrics as stage_<id>_<name>. It goes on over
// failures and new pipelines. name has lower case letters and underscores.
func (e *CustomEnv) Counter(name string) *Counter { return e.stats.counter(name) }

// Read lets f look at this server's tree while nothing changes it. f must be short, as the pipeline waits for it, and keep no
// Node, nor the bytes that Data returns or EachChild yields: copy them. What ACL returns may be kept.
func (e *CustomEnv) Read(f func(*tree.Tree)) { e.env.Tree.Read(f) }

// LastZxid is the last transaction in this server's tree.
func (e *CustomEnv) LastZxid() messages.Zxid { return e.env.Tree.LastZxid() }

// ErrNoHistory tells that transactions can't be read any more: they were never in this server's log, or have been purged
// from it.
var ErrNoHistory = errors.New("the transactions that follow are not in this server's log")

// ErrLogBehind tells that the log isn't as far as the tree: a quorum of others can be faster than this server's disk. What
// is missing can be read a moment later.
var ErrLogBehind = errors.New("this server's log is behind its tree")

// History reads committed transactions from this server's log, those after a zxid and up to what its tree has, until f returns
// false. It blocks while it reads the disk. The error is ErrNoHistory if the log doesn't begin so
// early, and ErrLogBehind if it ends too early just now.
func (e *CustomEnv) History(after messages.Zxid, f func(*messages.Proposal) bool) error {
	return readHistory(e.env.Store, after, e.LastZxid(), f)
}

func readHistory(store *persistence.Store, after, upTo messages.Zxid, f func(*messages.Proposal) bool) error {
	if after >= upTo {
		return nil
	}
	defer store.Hold()() // no purge meanwhile
	reader, err := store.ReadLog(after)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoHistory, err)
	}
	defer reader.Close()
	for after < upTo {
		rec, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: it ends at %v, the tree is at %v", ErrLogBehind, after, upTo)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNoHistory, err)
		}
		zxid := messages.Zxid(rec.Zxid)
		if zxid > upTo {
			return fmt.Errorf("%w: the log goes on with %v, the tree is at %v", ErrNoHistory, zxid, upTo)
		}
		p := &messages.Proposal{Encoded: append([]byte(nil), rec.Body...)}
		if p.Header, p.Body, err = messages.DecodeTxn(p.Encoded); err != nil {
			return fmt.Errorf("transaction %v in the log: %w", zxid, err)
		}
		if after = zxid; !f(p) {
			return nil
		}
	}
	return nil
}
