package messages_test

import (
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

// TestBatchesComeBack: what comes back is empty and holds nothing of what was in it; a batch of somebody's own, and one that is
// very long, are left alone.
func TestBatchesComeBack(t *testing.T) {
	for range 100 {
		m := messages.NewRequests(4)
		if len(m.Items) != 0 {
			t.Fatal("a new batch has something in it")
		}
		for _, old := range m.Items[:cap(m.Items)] {
			if old.Body != nil || old.Identities != nil {
				t.Fatal("a new batch still holds a request")
			}
		}
		for range 10 {
			m.Items = append(m.Items, messages.Request{Body: []byte("x"), Identities: []messages.Identity{{}}})
		}
		m.Done()
		d := messages.NewDeliveries(4)
		if len(d.Items) != 0 {
			t.Fatal("a new batch has something in it")
		}
		d.Items = append(d.Items, messages.Delivery{Proposal: &messages.Proposal{}})
		d.Done()
	}
	own := &messages.Requests{Items: []messages.Request{{Xid: 1}}}
	if own.Done(); len(own.Items) != 1 || own.Items[0].Xid != 1 {
		t.Error("a batch that was made elsewhere has been emptied")
	}
}
