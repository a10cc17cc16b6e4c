package messages

import "strconv"

// EventType is what happened to a watched node.
type EventType int32

// The events that a server sends.
const (
	EventNodeCreated         EventType = 1
	EventNodeDeleted         EventType = 2
	EventNodeDataChanged     EventType = 3
	EventNodeChildrenChanged EventType = 4
)

// StateSyncConnected is the only state that a server puts into an event.
const StateSyncConnected int32 = 3

// String is the event's name in ZooKeeper's sources.
func (t EventType) String() string {
	switch t {
	case EventNodeCreated:
		return "NodeCreated"
	case EventNodeDeleted:
		return "NodeDeleted"
	case EventNodeDataChanged:
		return "NodeDataChanged"
	case EventNodeChildrenChanged:
		return "NodeChildrenChanged"
	}
	return "event" + strconv.Itoa(int(t))
}

// WatchMode is how long a watch lives and how deep it looks. The first two are the modes of addWatch.
type WatchMode int32

// The modes of a watch.
const (
	WatchPersistent          WatchMode = 0
	WatchPersistentRecursive WatchMode = 1
	WatchStandard            WatchMode = 2 // fires once, set by a read
)

// WatcherType is which watches checkWatches and removeWatches mean.
type WatcherType int32

// The watcher types of the protocol.
const (
	WatcherChildren            WatcherType = 1
	WatcherData                WatcherType = 2
	WatcherAny                 WatcherType = 3
	WatcherPersistent          WatcherType = 4
	WatcherPersistentRecursive WatcherType = 5
)
