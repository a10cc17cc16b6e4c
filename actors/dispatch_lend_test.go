package actors

import (
	"runtime"
	"testing"
	"time"
)

// loanTest is a loop whose turns report to the test.
type loanTest struct {
	t *testing.T
	*Loop
}

func newLoanTest(t *testing.T) loanTest {
	t.Parallel()
	l := loanTest{t: t, Loop: newLoop(newPoller())}
	t.Cleanup(func() {
		l.Stop()
		l.came(l.Done(), "the loop's end")
	})
	return l
}

func (l loanTest) came(what <-chan struct{}, name string) {
	l.t.Helper()
	select {
	case <-what:
	case <-time.After(20 * time.Second):
		l.t.Fatal("no sign of ", name)
	}
}

// turn waits for a turn of the loop that is queued now.
func (l loanTest) turn(name string) {
	l.t.Helper()
	had := make(chan struct{})
	l.Schedule(func() { close(had) })
	l.came(had, name)
}

func TestLendIsATurn(t *testing.T) {
	l := newLoanTest(t)
	var order []int // of the loop's turns alone: the race detector would see two goroutines at once
	for n := range 1000 {
		l.Schedule(func() { order = append(order, n) })
		if !l.Lend(func() { order = append(order, n) }) {
			t.Fatal("the loop is stopped")
		}
	}
	l.turn("the last turn")
	for i, n := range order {
		if n != i/2 {
			t.Fatalf("turn %d is of %d", i, n)
		}
	}
}

// TestLendDoesNotStopTheLoop: while lent code hangs, the turns behind it come, each once, and later ones; and when it comes back
// nothing changes.
func TestLendDoesNotStopTheLoop(t *testing.T) {
	l := newLoanTest(t)
	for range 5 {
		hangs, goOn, over := make(chan struct{}), make(chan struct{}), make(chan struct{})
		behind := make(chan struct{}, 100)
		l.Schedule(func() { // so all of this is one batch
			l.Lend(func() {
				close(hangs)
				<-goOn
				close(over)
			})
			for range cap(behind) {
				l.Schedule(func() { behind <- struct{}{} })
			}
		})
		l.came(hangs, "the loan")
		for range cap(behind) {
			l.came(behind, "a turn behind code that hangs")
		}
		l.turn("a turn while code hangs")
		close(goOn)
		l.came(over, "the end of the code that has hung")
		l.turn("a turn after that")
		if len(behind) > 0 {
			t.Fatal("a turn has come twice")
		}
	}
}

func TestLendOutlivesGoexit(t *testing.T) {
	l := newLoanTest(t)
	for range 5 {
		l.Lend(func() { runtime.Goexit() })
		l.turn("a turn after code that has ended its goroutine")
	}
}

// TestLendAndStop: a loop ends though lent code hangs, and lends nothing any more.
func TestLendAndStop(t *testing.T) {
	l := newLoanTest(t)
	hangs, goOn := make(chan struct{}), make(chan struct{})
	defer close(goOn)
	l.Lend(func() {
		close(hangs)
		<-goOn
	})
	l.came(hangs, "the loan")
	l.Stop()
	l.came(l.Done(), "the loop's end")
	if l.Lend(func() {}) {
		t.Error("a loop that has been stopped lends")
	}
}
