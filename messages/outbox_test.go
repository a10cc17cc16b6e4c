package messages

import "testing"

func TestOutboxIsReusedEmpty(t *testing.T) {
	o := Outbox{}.To(SlotConn, &Output{}).To(SlotPrep, &Requests{})
	r := o.Reuse()
	if len(r) != 0 || cap(r) != cap(o) {
		t.Errorf("length %d, capacity %d of %d", len(r), cap(r), cap(o))
	}
	for i, s := range o {
		if s != (Send{}) {
			t.Errorf("message %d is still held: %v", i, s)
		}
	}
	if r := make(Outbox, reusedOutbox+1).Reuse(); r != nil {
		t.Errorf("what a burst has made large was kept: %d", cap(r))
	}
}
