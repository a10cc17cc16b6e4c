//go:build unix

package bench

import (
	"fmt"
	"time"
)

// How sessions come and go: opened a few at a time, dropped on the first error,
// closed in good order at the end of a run.

// openMore starts to connect sessions that wait for it.
func (l *loop) openMore() {
	for len(l.toOpen) > 0 && l.opening < openingMax && !l.draining {
		s := l.toOpen[0]
		l.toOpen = l.toOpen[1:]
		if err := l.open(s); err != nil {
			l.opening--
			l.rec.lose(1, err)
			l.giveUp(err)
			return
		}
	}
	if l.opening == 0 && len(l.toOpen) == 0 {
		l.signalOpened()
	}
}

// signalOpened tells the driver that this loop's sessions are open.
func (l *loop) signalOpened() {
	select {
	case <-l.opened:
	default:
		close(l.opened)
	}
}

// giveUp ends the opening phase with an error: a run with fewer sessions than
// asked for would measure something else.
func (l *loop) giveUp(err error) {
	if l.started || l.openErr != nil {
		return
	}
	l.openErr, l.toOpen = err, nil
	l.signalOpened()
}

// open starts to connect one session.
func (l *loop) open(s *Session) error {
	l.opening++
	s.dialed = l.now
	fd, err := dialSocket(s.addr)
	if err != nil {
		return err
	}
	if err := l.poll.add(fd, true); err != nil {
		closeSocket(fd)
		return err
	}
	for len(l.byFD) <= fd {
		l.byFD = append(l.byFD, nil)
	}
	l.byFD[fd] = s
	s.fd, s.state, s.wantWrite = fd, stateDialing, true
	s.xid, s.zxid, s.heard, s.partial, s.need = 0, 0, 0, nil, 0
	s.waiting.clear()
	clear(s.armed)
	s.number = -1
	s.out = appendConnect(nil, int32(l.options.SessionTimeout/time.Millisecond))
	return nil
}

// greeted handles the answer to the handshake.
func (l *loop) greeted(s *Session, body []byte) error {
	c, err := parseConnected(body)
	if err != nil {
		return fmt.Errorf("open a session with %v: %w", s.addr, err)
	}
	l.opening--
	l.live++
	s.state = stateOpen
	s.timeout = time.Duration(c.timeoutMS) * time.Millisecond
	if l.started {
		l.rec.done(OpConnect, l.now-s.dialed)
		l.load.Start(s)
	} else {
		l.rec.opened(l.now - s.dialed)
	}
	return nil
}

// drop closes a session that failed and accounts for what it leaves open.
func (l *loop) drop(s *Session, err error) {
	if s.state == stateDialing || s.state == stateGreeting {
		l.opening--
		l.rec.lose(1, err)
		l.giveUp(err)
	} else {
		l.live--
		// A session that breaks while it waits for nothing is lost as well.
		l.rec.lose(max(1, s.waiting.size), err)
	}
	l.release(s)
}

// hungUp handles the end of a session that the load closed.
func (l *loop) hungUp(s *Session) {
	l.live--
	l.release(s)
	if !l.draining && l.sent < l.quota && l.load.Closed(s) {
		l.toOpen = append(l.toOpen, s)
	}
}

// release gives the socket back.
func (l *loop) release(s *Session) {
	l.byFD[s.fd] = nil
	l.poll.remove(s.fd)
	closeSocket(s.fd)
	s.fd, s.state, s.out, s.partial, s.need = -1, stateClosed, nil, nil, 0
	s.waiting.clear()
}

// closeAll closes every session as a good client does, so that the server does
// not have to wait for them to expire, and waits a moment for it to hang up.
func (l *loop) closeAll() {
	l.draining = true
	l.signalOpened()
	for _, s := range l.sessions {
		if s.state == stateOpen && l.hangUp {
			l.live--
			l.release(s)
		} else if s.state == stateOpen {
			s.Close()
			if err := s.flush(); err != nil {
				l.drop(s, err)
			}
		} else if s.state == stateDialing || s.state == stateGreeting {
			l.opening--
			l.release(s)
		}
	}
	l.clock()
	for deadline := l.now + closeGrace; l.live > 0 && l.now < deadline; {
		if !l.step() {
			break
		}
	}
	for _, s := range l.sessions {
		if s.state != stateClosed {
			l.release(s)
		}
	}
	if !l.idleSent {
		l.idleSent = true
		close(l.idle)
	}
}
