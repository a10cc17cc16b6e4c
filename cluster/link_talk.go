package cluster

import (
	"net"
	"sync"
)

// What keeps two servers apart is tried again ten times a second, for as long as it lasts, and each time with the same
// outcome. The log tells it at once, and then now and then.

const (
	talkAgain  = 60_000_000 // microseconds until the same words are told again
	talkRefill = 10_000_000 // … until one more line of other words is allowed
	talkBudget = 5          // such lines at once
	talkHosts  = 256        // hosts that are told apart
)

// talk decides which reasons of one other side are worth a line. The zero value has told none.
type talk struct {
	text   string
	at     int64 // when that was told, monotonic microseconds
	spent  int
	filled int64
}

// worth tells whether these words are to be logged now.
func (t *talk) worth(text string, now int64) bool {
	if text == t.text && now-t.at < talkAgain {
		return false
	}
	if back := int((now - t.filled) / talkRefill); back > 0 {
		t.spent = max(0, t.spent-back)
		t.filled = now
	}
	if t.spent >= talkBudget {
		return false
	}
	t.spent++
	t.text, t.at = text, now
	return true
}

// talks is a talk for each host that dials. The links of a reception share it, and run on several goroutines.
type talks struct {
	mu    sync.Mutex
	hosts map[string]*talk
}

func (t *talks) worth(remote, text string, now int64) bool {
	if host, _, err := net.SplitHostPort(remote); err == nil {
		remote = host
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.hosts[remote]
	if h == nil {
		if t.hosts == nil || len(t.hosts) >= talkHosts {
			t.hosts = map[string]*talk{}
		}
		h = &talk{}
		t.hosts[remote] = h
	}
	return h.worth(text, now)
}
