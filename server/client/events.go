package client

import (
	"context"
	"strconv"
	"sync"

	"github.com/troupekeeper/troupe/messages"
)

// State is where the client stands with its session.
type State int32

// The states, with the numbers that ZooKeeper's clients give them.
const (
	StateDisconnected      State = 0
	StateSyncConnected     State = 3
	StateAuthFailed        State = 4
	StateConnectedReadOnly State = 5
	StateClosed            State = 7
	StateExpired           State = -112
)

// String is the state's name in ZooKeeper's clients.
func (s State) String() string {
	switch s {
	case StateDisconnected:
		return "Disconnected"
	case StateSyncConnected:
		return "SyncConnected"
	case StateAuthFailed:
		return "AuthFailed"
	case StateConnectedReadOnly:
		return "ConnectedReadOnly"
	case StateClosed:
		return "Closed"
	case StateExpired:
		return "Expired"
	}
	return "state" + strconv.Itoa(int(s))
}

// Connected tells whether requests go out.
func (s State) Connected() bool { return s == StateSyncConnected || s == StateConnectedReadOnly }

// The types of events that arise in the client and not at the server.
const (
	EventSession                messages.EventType = -1 // a change of state; it concerns no node
	EventDataWatchRemoved       messages.EventType = 5  // by RemoveWatches, as the two below
	EventChildWatchRemoved      messages.EventType = 6
	EventPersistentWatchRemoved messages.EventType = 7
)

// EventName is the name of a type in ZooKeeper's clients.
func EventName(t messages.EventType) string {
	switch t {
	case EventSession:
		return "None"
	case EventDataWatchRemoved:
		return "DataWatchRemoved"
	case EventChildWatchRemoved:
		return "ChildWatchRemoved"
	case EventPersistentWatchRemoved:
		return "PersistentWatchRemoved"
	}
	return t.String()
}

// Event is something that happened: to a watched node, or (Type EventSession) to the session.
type Event struct {
	Type  messages.EventType
	State State
	Path  string        // within the chroot
	Zxid  messages.Zxid // of the change, where the server tells it; 0 otherwise
}

// EventQueue keeps events, however many, until somebody takes them. Its zero value is ready; Push fits Options.OnEvent.
type EventQueue struct {
	mu    sync.Mutex
	items []Event
	news  chan struct{} // closed when items arrive while somebody waits
}

// Push adds an event. It never blocks.
func (q *EventQueue) Push(e Event) {
	q.mu.Lock()
	q.items = append(q.items, e)
	if q.news != nil {
		close(q.news)
		q.news = nil
	}
	q.mu.Unlock()
}

// Next takes the oldest event and waits for one if there is none. The only error is that of ctx.
func (q *EventQueue) Next(ctx context.Context) (Event, error) {
	for {
		q.mu.Lock()
		if len(q.items) > 0 {
			e := q.items[0]
			q.items = q.items[1:]
			q.mu.Unlock()
			return e, nil
		}
		if q.news == nil {
			q.news = make(chan struct{})
		}
		news := q.news
		q.mu.Unlock()
		select {
		case <-news:
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}

// NextWatch is Next, but drops the events that only tell a change of state.
func (q *EventQueue) NextWatch(ctx context.Context) (Event, error) {
	for {
		e, err := q.Next(ctx)
		if err != nil || e.Type != EventSession {
			return e, err
		}
	}
}

// Take gives all events that are there, without waiting.
func (q *EventQueue) Take() []Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	items := q.items
	q.items = nil
	return items
}
