package actors_test

import (
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

func TestPipelineAnswers(t *testing.T) {
	p := newPipeline(t, pipelineOptions{})
	c := p.connect(nil)
	if r := c.call(messages.OpCreate, createRequest("/a", 0)); r.err != 0 {
		t.Fatal(r)
	}
	if r := c.call(messages.OpGetData, getRequest("/a", true)); r.err != 0 {
		t.Fatal(r)
	}
}

// A client that sends the server's own operations is told so, and harms nobody.
func TestInternalOperationsOfClientsAreRefused(t *testing.T) {
	body := jute.AppendBuffer(jute.AppendInt(nil, 10_000), make([]byte, 16))
	for _, op := range []messages.OpCode{messages.OpCreateSession, messages.OpError, messages.OpNotification, 99} {
		p := newPipeline(t, pipelineOptions{})
		c := p.connect(nil)
		if r := c.call(op, body); r.err != messages.ErrUnimplemented {
			t.Errorf("%v: %v", op, r)
		}
		if !c.peer.Closed() {
			t.Errorf("%v: the connection stays open", op)
		}
	}
}
