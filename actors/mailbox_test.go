package actors

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
)

// steps runs what actors want to do on the test's goroutine.
type steps struct {
	queue []func()
	limit int
}

func (s *steps) Schedule(fn func()) { s.queue = append(s.queue, fn) }
func (s *steps) Throughput() int    { return s.limit }

func (s *steps) settle() {
	for len(s.queue) > 0 {
		fn := s.queue[0]
		s.queue = s.queue[1:]
		fn()
	}
}

// quietSystem is an actor system that logs nothing.
func quietSystem() *actor.ActorSystem {
	return actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
}

// spawnRecorder spawns an actor that notes what it gets; "boom" makes it panic.
func spawnRecorder(d actor.Dispatcher, note func(string)) (*actor.ActorSystem, *actor.PID) {
	system := quietSystem()
	props := actor.PropsFromFunc(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case string:
			note(m)
			if m == "boom" {
				panic(m)
			}
		case Drained:
			note("drained")
		case *actor.Started:
			note("started")
		}
	}, actor.WithDispatcher(d), actor.WithMailbox(func() actor.Mailbox { return NewMailbox(nil) }))
	return system, system.Root.Spawn(props)
}

func TestMailboxSaysDrainedOnceTheQueueIsEmpty(t *testing.T) {
	d := &steps{limit: 100}
	var got []string
	system, pid := spawnRecorder(d, func(s string) { got = append(got, s) })
	d.settle()
	for _, m := range []string{"a", "b", "c"} {
		system.Root.Send(pid, m)
	}
	d.settle()
	system.Root.Send(pid, "d")
	d.settle()
	if s := strings.Join(got, " "); s != "started a b c drained d drained" {
		t.Errorf("got %s", s)
	}
}

func TestMailboxGivesOthersTheirTurn(t *testing.T) {
	d := &steps{limit: 2}
	var got []string
	one, first := spawnRecorder(d, func(s string) { got = append(got, "1"+s) })
	two, second := spawnRecorder(d, func(s string) { got = append(got, "2"+s) })
	d.settle()
	got = nil
	for _, m := range []string{"a", "b", "c"} {
		one.Root.Send(first, m)
		two.Root.Send(second, m)
	}
	d.settle()
	if s := strings.Join(got, " "); !strings.HasPrefix(s, "1a 2a") && !strings.HasPrefix(s, "1a 1b 2a") {
		t.Errorf("one actor kept the dispatcher: %s", s)
	}
	if strings.Count(strings.Join(got, " "), "drained") != 2 {
		t.Errorf("each runs empty once: %v", got)
	}
}

func TestMailboxKeepsTheRestOfABatchOverAPanic(t *testing.T) {
	d := &steps{limit: 100}
	var got []string
	system, pid := spawnRecorder(d, func(s string) { got = append(got, s) })
	d.settle()
	for _, m := range []string{"a", "boom", "b", "c"} {
		system.Root.Send(pid, m)
	}
	d.settle()
	if s := strings.Join(got, " "); s != "started a boom started b c drained" {
		t.Errorf("got %s", s)
	}
}

func TestMailboxReportsThePanic(t *testing.T) {
	d := &steps{limit: 100}
	var reported string
	mailbox := NewMailbox(func(reason, message any, stack []byte) {
		reported = fmt.Sprintf("%v on %v, stack names the test: %v", reason, message, strings.Contains(string(stack), "mailbox_test"))
	})
	system := quietSystem()
	pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(string); ok {
			panic("no")
		}
	}, actor.WithDispatcher(d), actor.WithMailbox(func() actor.Mailbox { return mailbox })))
	d.settle()
	system.Root.Send(pid, "x")
	d.settle()
	if reported != "no on x, stack names the test: true" {
		t.Errorf("reported %q", reported)
	}
}

func TestMailboxKeepsEachSendersOrder(t *testing.T) {
	const senders, each = 8, 2000
	loop := NewLoop()
	defer loop.Stop()
	next := make([]int, senders)
	done := make(chan string, 1)
	left := senders * each
	system := quietSystem()
	pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		m, ok := ctx.Message().([2]int)
		if !ok {
			return
		}
		if next[m[0]] != m[1] && len(done) == 0 {
			done <- fmt.Sprintf("sender %d: message %d came where %d was due", m[0], m[1], next[m[0]])
		}
		next[m[0]] = m[1] + 1
		if left--; left == 0 && len(done) == 0 {
			done <- ""
		}
	}, actor.WithDispatcher(loop), actor.WithMailbox(func() actor.Mailbox { return NewMailbox(nil) })))
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				system.Root.Send(pid, [2]int{s, i})
			}
		})
	}
	wg.Wait()
	if problem := <-done; problem != "" {
		t.Error(problem)
	}
}

// A burst leaves the queue large; giving that memory back must not lose what comes at the same moment.
func TestMailboxLosesNothingAroundABurst(t *testing.T) {
	loop := NewLoop()
	defer loop.Stop()
	const messages = 20 * shrinkAbove
	done := make(chan struct{})
	left := messages
	system := quietSystem()
	pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(int); ok {
			if left--; left == 0 {
				close(done)
			}
		}
	}, actor.WithDispatcher(loop), actor.WithMailbox(func() actor.Mailbox { return NewMailbox(nil) })))
	for i := range messages {
		system.Root.Send(pid, i)
	}
	<-done
}

func TestLoopEndsWhenStopped(t *testing.T) {
	loop := NewLoop()
	ran := make(chan struct{})
	loop.Schedule(func() { close(ran) })
	loop.Stop()
	<-ran
	<-loop.Done()
	late := make(chan struct{})
	loop.Schedule(func() { close(late) }) // a farewell still runs
	<-late
}
