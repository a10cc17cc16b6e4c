package actors

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var alarmEvents = regexp.MustCompile(`(?m)^tfd:\s+\d+ events:\s+([0-9a-f]+)`)

// alarmIsSet asks the kernel whether an event of the loop's epoll would set its alarm off.
func alarmIsSet(p *poller) (set bool, err error) {
	controlErr := p.alarmRaw.Control(func(fd uintptr) {
		var text []byte
		if text, err = os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd)); err != nil {
			return
		}
		found := alarmEvents.FindSubmatch(text)
		if found == nil {
			err = fmt.Errorf("no events in %q", text)
			return
		}
		var events uint64
		events, err = strconv.ParseUint(string(found[1]), 16, 64)
		set = events&unix.EPOLLIN != 0
	})
	return set, errors.Join(controlErr, err)
}

// TestAlarmIsOffWhileAwake: a loop that is parked has set its alarm, and one that is awake has not, or each event of its
// sockets would wake the thread that waits in Go's poller besides.
func TestAlarmIsOffWhileAwake(t *testing.T) {
	t.Parallel()
	p := newPoller()
	if p == nil {
		t.Skip("no poller can be had here")
	}
	l := newLoop(p)
	defer l.Stop()
	for range 5 {
		for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
			set, err := alarmIsSet(p)
			if err != nil {
				t.Skip("this system doesn't say what an epoll instance waits for: ", err)
			}
			if set {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("an idle loop is not parked")
			}
		}
		awake := make(chan error)
		l.post(func() {
			set, err := alarmIsSet(p)
			if set {
				err = errors.New("the alarm is set while the loop is awake")
			}
			awake <- err
		})
		if err := <-awake; err != nil {
			t.Fatal(err)
		}
	}
}
