package stagetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// check is one part of the suite.
type check struct {
	name string
	what string // that must hold, as a sentence
	run  func(c *checked) error
}

var checks = []check{
	{"order", "Each session's requests are handed on once, in order.", (*checked).order},
	{"chance", "So they are whatever the order in which messages are handled.", (*checked).chance},
	{"batching", "What comes one by one is treated as what comes at once: it is all handed on.", (*checked).batching},
	{"goodbye", "A client that ends its session is told so before its connection ends.", (*checked).goodbye},
	{"input", "No request makes the stage fail, however odd.", (*checked).input},
	{"data", "What the stage is shown is not changed.", (*checked).data},
	{"backpressure", "A flood is handed on, and the stage never has more than its guard allows.", (*checked).backpressure},
	{"restart", "With a new pipeline the stage works as before.", (*checked).restart},
	{"shutdown", "The server can stop while the stage has something, or nothing.", (*checked).shutdown},
}

// patience is how long a check may take, real time: a stage whose call doesn't return would hang the test.
const patience = 30 * time.Second

// Run takes a stage through the suite, each part as a test of its own with a server of its own.
func Run(t *testing.T, o Options, stage actors.CustomStage) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			if err := runCheck(c, o, stage); err != nil {
				t.Errorf("%s\n%v", c.what, err)
			}
		})
	}
}

// Check is Run for who has no test: it gives what each failed part says, by its name; nothing if the stage passes.
func Check(o Options, stage actors.CustomStage) map[string]error {
	failed := map[string]error{}
	for _, c := range checks {
		if err := runCheck(c, o, stage); err != nil {
			failed[c.name] = err
		}
	}
	return failed
}

type failure struct{ error }

func runCheck(c check, o Options, stage actors.CustomStage) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if reason := recover(); reason != nil {
				f, ours := reason.(failure)
				if !ours {
					f.error = fmt.Errorf("panic: %v", reason)
				}
				done <- f.error
			}
		}()
		done <- c.run(&checked{o: o, stage: stage})
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		return fmt.Errorf("a call of the stage has not returned within %v", patience)
	}
}

// checked is a stage in one part of the suite.
type checked struct {
	o       Options
	stage   actors.CustomStage
	s       *Server
	clients []*Client
}

func (c *checked) start(seed uint64) {
	o := c.o
	o.Seed = seed
	c.s = start(o, func(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }, c.stage)
	c.clients = nil
}

func (c *checked) prefix() string {
	if c.o.Prefix == "" {
		return "/stagetest"
	}
	return c.o.Prefix
}

// connect opens so many sessions.
func (c *checked) connect(n int) error {
	for range n {
		c.clients = append(c.clients, c.s.Dial())
	}
	c.rest()
	for _, cl := range c.clients {
		if cl.Take(); !cl.ready {
			return fmt.Errorf("a client got no session: the stage %s", c.story())
		}
	}
	return nil
}

// rest lets the server finish, and gives a stage that keeps things on purpose the time that it may keep them.
func (c *checked) rest() {
	c.s.Settle()
	limit := c.stage.Limit
	if limit == 0 {
		limit = actors.StageLimit
	}
	c.s.Pass(limit * 9 / 10)
}

// story is how the stage does, in words.
func (c *checked) story() string {
	status, stats := c.s.Status(c.stage.ID)
	return fmt.Sprintf("is %s, has %d, has failed %d times, last: %s", status.State, status.Held, stats.Failures.Load(), status.LastFailure)
}

// sound tells whether all is answered and the stage well.
func (c *checked) sound() error {
	for i, cl := range c.clients {
		cl.Take()
		if cl.wrong != nil {
			return fmt.Errorf("client %d: %w", i, cl.wrong)
		}
		if len(cl.waiting) > 0 && !cl.Closed() {
			return fmt.Errorf("client %d: %d requests are not answered: the stage %s", i, len(cl.waiting), c.story())
		}
	}
	status, stats := c.s.Status(c.stage.ID)
	if stats.Failures.Load() > 0 || status.Held > 0 || (status.State != "up" && status.State != "off") {
		return fmt.Errorf("the stage %s", c.story())
	}
	return nil
}

// load lets the clients send so many requests each.
func (c *checked) load(n int, seed uint64, between func()) {
	r := rand.New(rand.NewPCG(seed, 1))
	for k := range n {
		for i, cl := range c.clients {
			path := fmt.Sprintf("%s-%d-%d", c.prefix(), i, r.IntN(10))
			switch r.IntN(7) {
			case 0, 1:
				cl.Ask(messages.OpCreate, createBody(path, fmt.Sprint(k)))
			case 2:
				cl.Ask(messages.OpSetData, setBody(path, fmt.Sprint(k)))
			case 3:
				cl.Ask(messages.OpDelete, (&jute.PathVersion{Path: path, Version: -1}).Append(nil))
			case 4:
				cl.Ask(messages.OpMulti, jute.AppendMulti(nil, []jute.MultiOp{
					{Op: messages.OpCreate, Record: jute.CreateRequest{Path: path, ACL: messages.WorldACL(messages.PermAll)}},
					{Op: messages.OpDelete, Record: jute.PathVersion{Path: path, Version: -1}},
				}))
			default:
				cl.Ask(messages.OpGetData, readBody(path))
			}
			between()
		}
	}
}

func (c *checked) order() error {
	c.start(0)
	if err := c.connect(5); err != nil {
		return err
	}
	c.load(40, 1, func() {})
	c.rest()
	return c.sound()
}

func (c *checked) chance() error {
	for seed := range uint64(8) {
		c.start(seed + 1)
		if err := c.connect(3); err != nil {
			return err
		}
		c.load(15, seed, func() {
			for range seed {
				c.s.steps.Step()
			}
		})
		c.rest()
		if err := c.sound(); err != nil {
			return fmt.Errorf("seed %d: %w", seed+1, err)
		}
	}
	return nil
}

func (c *checked) batching() error {
	c.start(0)
	if err := c.connect(2); err != nil {
		return err
	}
	c.load(20, 3, c.s.Settle)
	c.rest()
	return c.sound()
}

func (c *checked) goodbye() error {
	for seed := range uint64(5) {
		c.start(seed)
		if err := c.connect(3); err != nil {
			return err
		}
		c.load(5, seed, func() {})
		for _, cl := range c.clients {
			cl.Ask(messages.OpCloseSession, nil)
		}
		c.rest()
		if err := c.sound(); err != nil {
			return err
		}
		for i, cl := range c.clients {
			if _, stats := c.s.Status(c.stage.ID); len(cl.waiting) > 0 && stats.Refused.Load() == 0 {
				return fmt.Errorf("client %d: its connection has ended, and %d requests are not answered", i, len(cl.waiting))
			}
		}
	}
	return nil
}

// input sends what can't be read and what nobody sends.
func (c *checked) input() error {
	c.start(0)
	odd := [][]byte{
		nil, {0}, bytes.Repeat([]byte{0xff}, 40), createBody("", ""), createBody("//", "x"), createBody("relative", "x"),
		jute.AppendMulti(nil, nil), readBody("/\x00"), setBody("/missing/deep/down", ""),
	}
	ops := []messages.OpCode{
		messages.OpCreate, messages.OpCreate2, messages.OpCreateTTL, messages.OpCreateContainer, messages.OpDelete, messages.OpSetData,
		messages.OpSetACL, messages.OpMulti, messages.OpMultiRead, messages.OpExists, messages.OpGetData, messages.OpGetACL,
		messages.OpGetChildren,
		messages.OpGetChildren2, messages.OpSync, messages.OpGetEphemerals, messages.OpGetAllChildrenNumber, messages.OpAddWatch,
		messages.OpRemoveWatches, messages.OpSetWatches2, messages.OpWhoAmI, messages.OpReconfig, messages.OpCheck, 99, -7,
	}
	for _, op := range ops {
		if err := c.connect(1); err != nil {
			return err
		}
		cl := c.clients[len(c.clients)-1]
		for _, body := range odd {
			cl.Ask(op, body)
		}
		c.s.Settle()
	}
	for _, cl := range c.clients {
		cl.Hangup()
	}
	c.rest()
	return c.sound()
}

// data reads back what was written, and lets a stage that is shown transactions see them, too.
func (c *checked) data() error {
	c.start(0)
	if err := c.connect(1); err != nil {
		return err
	}
	cl, want := c.clients[0], map[string]string{}
	for n := range 20 {
		path, value := fmt.Sprintf("%s-data%d", c.prefix(), n), fmt.Sprintf("value %d", n)
		cl.Ask(messages.OpCreate, createBody(path, value))
		c.rest()
		for _, r := range cl.Take() {
			if r.Err == messages.ErrOK {
				want[path] = value
			}
		}
	}
	var wrong error
	c.s.read(func(get func(path string) (string, bool)) {
		for path, value := range want { // any of them will do
			if got, ok := get(path); !ok || got != value {
				wrong = fmt.Errorf("%s was created with %q, and has %q now", path, value, got)
			}
		}
	})
	if wrong != nil {
		return wrong
	}
	return c.sound()
}

func (c *checked) backpressure() error {
	c.start(0)
	if err := c.connect(10); err != nil {
		return err
	}
	most := 0
	c.load(150, 5, func() {})
	for c.s.steps.Step() {
		if status, _ := c.s.Status(c.stage.ID); status.Held > most {
			most = status.Held
		}
	}
	for range 20 {
		c.rest()
	}
	if most > actors.StageHolds {
		return fmt.Errorf("it had %d items at once, %d is the most", most, actors.StageHolds)
	}
	return c.sound()
}

func (c *checked) restart() error {
	c.start(0)
	for range 3 {
		c.clients = nil
		if err := c.connect(3); err != nil {
			return err
		}
		c.load(10, 7, func() {})
		c.rest()
		if err := c.sound(); err != nil {
			return err
		}
		c.load(10, 8, func() {}) // and now amid the work
		if err := c.s.Rebuild(); err != nil {
			return err
		}
		c.s.Pass(time.Minute)
	}
	c.clients = nil
	return c.sound()
}

func (c *checked) shutdown() error {
	for steps := range 6 {
		c.start(0)
		if err := c.connect(2); err != nil {
			return err
		}
		c.load(10, 9, func() {})
		for range steps * 20 {
			c.s.steps.Step()
		}
		if !c.s.Stop() {
			return fmt.Errorf("the server hangs at its end: the stage %s", c.story())
		}
	}
	return nil
}
