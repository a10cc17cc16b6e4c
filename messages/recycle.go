package messages

import "sync"

// A busy server makes some thousands of these lists a second, each of some ten thousand bytes, and whoever has read one to its
// end knows that nobody else has it. So they come back, instead of being made, and zeroed, anew.
var (
	requestLists  = sync.Pool{New: func() any { return &Requests{recycled: true} }}
	deliveryLists = sync.Pool{New: func() any { return &Deliveries{recycled: true} }}
)

// recycledItems is the longest list that is kept. A burst makes longer ones, which are the garbage collector's.
const recycledItems = 1024

// NewRequests gives an empty batch, with room for n requests if it has to be made. Done gives it back.
func NewRequests(n int) *Requests {
	m := requestLists.Get().(*Requests)
	if m.Items == nil {
		m.Items = make([]Request, 0, n)
	}
	return m
}

// Done is for the one who has the batch, when nobody will look at it or at its list any more: both may be somebody else's
// from then on. A batch that doesn't come from NewRequests is left alone.
func (m *Requests) Done() {
	if !m.recycled || cap(m.Items) > recycledItems {
		return
	}
	clear(m.Items)
	m.Items = m.Items[:0]
	requestLists.Put(m)
}

// NewDeliveries is NewRequests for deliveries.
func NewDeliveries(n int) *Deliveries {
	m := deliveryLists.Get().(*Deliveries)
	if m.Items == nil {
		m.Items = make([]Delivery, 0, n)
	}
	return m
}

// Done is that of Requests.
func (m *Deliveries) Done() {
	if !m.recycled || cap(m.Items) > recycledItems {
		return
	}
	clear(m.Items)
	m.Items = m.Items[:0]
	deliveryLists.Put(m)
}
