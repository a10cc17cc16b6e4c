package server

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/cluster"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// askPatience is how long a command waits for an actor's answer. An operator gets an error then, and the server isn't
// held up: commands stand outside of the pipeline.
const askPatience = 2 * time.Second

// traceMaskDefault is ZooKeeper's: requests, sessions, warnings. The mask is kept for tools that set it and has no
// effect here; log.level decides what is logged.
const traceMaskDefault = 306

// notServing is the sentence by which clients and tools recognise a server that waits, for example for a quorum.
const notServing = "This ZooKeeper instance is not currently serving requests"

var (
	errNotServing  = errors.New(notServing)
	errUnsupported = errors.New("not supported by this version of Troupe; copy the data folder of a stopped server instead")
)

// console is what commands see of the server: everything in it may be read from any goroutine.
type console struct {
	config     *Config
	runtime    *actors.Runtime
	view       func() *actors.View            // nil while nothing is served
	sizes      func() (snapshots, logs int64) // bytes on disk
	diskFree   func() (int64, error)          // bytes where the transaction log lies
	clientAddr func() string
	uptime     func() time.Duration
	zone       *time.Location // of the times that people read
	traceMask  atomic.Int64

	// Of an ensemble; nil on a server that runs alone.
	board      *cluster.StatusBoard
	observers  observerCounts
	moveLeader func(ctx context.Context, to messages.ServerID) error // nil: this version can't
}

func newConsole(s *Server) *console {
	c := &console{
		config: s.config, runtime: s.runtime, view: s.view.Load, clientAddr: s.ClientAddress, board: s.board,
		moveLeader: s.moveLeader,
		sizes:      func() (int64, int64) { return s.store.Sizes() },
		diskFree:   func() (int64, error) { return s.o.FS.Free(s.config.Data.LogDir) },
		uptime:     func() time.Duration { return time.Since(s.started) },
		zone:       time.Local,
	}
	c.traceMask.Store(traceMaskDefault)
	return c
}

// ask puts a question to an actor and waits for the answer. Only commands may do that: they are the outer edge.
func ask[T any](c *console, to *actor.PID, question any) (*T, error) {
	answer, err := c.runtime.System.Root.RequestFuture(to, question, askPatience).Result()
	if err != nil {
		return nil, fmt.Errorf("%s did not answer within %v: %w", to.Id, askPatience, err)
	}
	typed, ok := answer.(*T)
	if !ok {
		return nil, fmt.Errorf("%s answered with a %T", to.Id, answer)
	}
	return typed, nil
}

// watches asks final who watches what; list false asks for the numbers alone.
func (c *console) watches(list bool) (*messages.WatchReport, error) {
	v := c.view()
	if v == nil {
		return nil, errNotServing
	}
	return ask[messages.WatchReport](c, v.Final, &messages.WatchQuery{List: list})
}

// sessionBuckets asks the tracker which sessions expire when.
func (c *console) sessionBuckets() ([]messages.BucketReport, error) {
	v := c.view()
	if v == nil {
		return nil, errNotServing
	}
	return c.buckets(v.Tracker)
}

// localBuckets are those of the sessions that only this server knows; false where there can be none.
func (c *console) localBuckets() ([]messages.BucketReport, bool, error) {
	v := c.view()
	if v == nil || v.Local == nil {
		return nil, false, nil
	}
	buckets, err := c.buckets(v.Local)
	return buckets, true, err
}

func (c *console) buckets(tracker *actor.PID) ([]messages.BucketReport, error) {
	r, err := ask[messages.SessionReport](c, tracker, &messages.SessionQuery{})
	if err != nil {
		return nil, err
	}
	return r.Buckets, nil
}

// treeFacts are the numbers about the tree, all of one moment.
type treeFacts struct {
	zxid                        messages.Zxid
	nodes, ephemerals, sessions int64
	bytes                       int64
	digest                      uint64
}

func (c *console) tree() (f treeFacts) {
	v := c.view()
	if v == nil {
		return f
	}
	v.Tree.Read(func(t *tree.Tree) {
		f = treeFacts{
			zxid: t.LastZxid(), nodes: int64(t.NodeCount()), ephemerals: int64(t.EphemeralCount()),
			sessions: int64(t.SessionCount()), bytes: t.DataSize(), digest: t.Digest(),
		}
	})
	return f
}

// clientPort is the port that is really listened on, also when the configuration leaves the choice to the system.
func (c *console) clientPort() int {
	if _, port, err := net.SplitHostPort(c.clientAddr()); err == nil {
		if n, err := strconv.Atoi(port); err == nil {
			return n
		}
	}
	return c.config.Client.Port
}

// wallOf turns a monotonic time in milliseconds, as the session tracker counts it, into the time of day.
func (c *console) wallOf(monoMs int64) time.Time {
	clock := c.runtime.Clock
	return time.UnixMilli(clock.WallMs() + monoMs - clock.MonoUs()/1000)
}

// javaDate prints a time as Java's Date does, which is the form that tools know from dump.
func javaDate(t time.Time) string { return t.Format("Mon Jan 02 15:04:05 MST 2006") }

// decimal is a number that always shows a decimal point, as Java prints a double: tools tell by it what is a mean.
// It is rounded to four places.
type decimal float64

func (d decimal) String() string {
	text := strconv.FormatFloat(math.Round(float64(d)*1e4)/1e4, 'f', -1, 64)
	for i := range text {
		if text[i] == '.' {
			return text
		}
	}
	return text + ".0"
}

// MarshalJSON implements json.Marshaler.
func (d decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// latencies are those of all requests in milliseconds.
type latencies struct {
	min, max int64
	avg      decimal
}

func (c *console) latencies() latencies {
	v := c.runtime.Metrics.Latency.Values()
	return latencies{min: v.Min / 1000, max: v.Max / 1000, avg: decimal(v.Avg / 1000)}
}
