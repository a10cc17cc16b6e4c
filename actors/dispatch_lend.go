package actors

import (
	"runtime"
	"sync/atomic"
	"time"
)

// loans are how a loop lends its goroutine to code that it doesn't know, see Lend.
type loans struct {
	count    atomic.Uint64 // of all loans
	out      atomic.Uint64 // the number of the loan that hasn't come back, 0: none
	watching atomic.Bool   // a timer looks at out
	clock    Clock         // the real one, as loops are the real world's
}

const (
	// loanLook is how often loans are looked at. One that is there twice is given up.
	loanLook = 5 * time.Millisecond
	// loanLooks without any loan are the last.
	loanLooks = 20
)

// Lend runs f on the loop's goroutine, as a turn of its own. f may be somebody else's code: when it takes longer than five to
// ten milliseconds the loop goes on with another goroutine, and the one that f has ends with f. So it waits for f once, and
// not for ever. false: the loop has been stopped, and f isn't called.
//
// Go's scheduler does the same with a processor whose thread is in a system call.
func (l *Loop) Lend(f func()) bool { return l.post(func() { l.lend(f) }) }

func (l *Loop) lend(f func()) {
	loan := l.loans.count.Add(1)
	l.loans.out.Store(loan)
	if !l.loans.watching.Load() && l.loans.watching.CompareAndSwap(false, true) {
		l.watch(loanWatch{})
	}
	back := false
	defer func() {
		// f has ended this goroutine (runtime.Goexit): the loop needs another one.
		if !back && l.loans.out.CompareAndSwap(loan, 0) {
			go l.run()
		}
	}()
	f()
	if back = l.loans.out.CompareAndSwap(loan, 0); !back {
		runtime.Goexit() // the loop has gone on without this goroutine
	}
}

// loanWatch is what is known of loans from one look to the next.
type loanWatch struct {
	last  uint64 // the loan that was there
	count uint64
	idle  int // looks without a new loan
}

// watch looks at loans until there are none any more.
func (l *Loop) watch(w loanWatch) {
	l.loans.clock.After(loanLook, func() {
		out := l.loans.out.Load()
		if out != 0 && out == w.last && l.loans.out.CompareAndSwap(out, 0) {
			go l.run()
			out = 0
		}
		now := loanWatch{last: out, count: l.loans.count.Load()}
		if now.count == w.count {
			now.idle = w.idle + 1
		}
		if now.idle < loanLooks || !l.watched() {
			l.watch(now)
		}
	})
}

// watched ends the watch, unless a loan has come meanwhile.
func (l *Loop) watched() bool {
	l.loans.watching.Store(false)
	return l.loans.out.Load() == 0 || !l.loans.watching.CompareAndSwap(false, true)
}
