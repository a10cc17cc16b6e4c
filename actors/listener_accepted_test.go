package actors

import "testing"

type closable struct {
	Transport
	closed int
}

func (c *closable) Close() { c.closed++ }

// Whatever the order of accepting and stopping is, a connection is either an actor's or closed.
func TestAcceptedIsTakenOrClosed(t *testing.T) {
	var a Accepted
	taken, left, late := &closable{}, &closable{}, &closable{}
	if !a.Put(taken) || !a.Put(left) {
		t.Fatal("an open one takes nothing")
	}
	if !a.Take(taken) || a.Take(taken) {
		t.Fatal("a connection is given out once")
	}
	a.Close()
	if a.Put(late) {
		t.Fatal("the actor would be told of a connection that is closed")
	}
	if a.Take(left) {
		t.Fatal("a connection that is closed was given out")
	}
	if taken.closed != 0 || left.closed != 1 || late.closed != 1 {
		t.Fatal(taken.closed, left.closed, late.closed)
	}
}

// An actor that fails on a connection is never told of it again. The next one shows that.
func TestAcceptedClosesWhatItsActorFailedOn(t *testing.T) {
	var a Accepted
	failedOn, next := &closable{}, &closable{}
	a.Put(failedOn)
	a.Put(next)
	if a.Newest() != Transport(next) {
		t.Fatal("another one is the newest")
	}
	if !a.Take(next) || failedOn.closed != 1 || next.closed != 0 || a.Newest() != nil {
		t.Fatal(failedOn.closed, next.closed, a.Newest())
	}
}
