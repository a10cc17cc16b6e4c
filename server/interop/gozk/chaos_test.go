package gozk

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
)

// chaosSession is the longest session timeout that a server with ticks of 500 ms grants.
const chaosSession = 10 * time.Second

// chaos is a test during which the leader of the ensemble is killed and comes back, again and again. Requests fail all
// the time, and nobody can tell whether one that failed was carried out; what was answered must hold. Since the ensemble
// is never away for long, no session may end.
type chaos struct {
	t       *testing.T
	root    string
	clients []*client
	until   time.Time
}

// startChaos connects so many clients, or skips the test in a run without chaos.
func startChaos(t *testing.T, count int) *chaos {
	t.Helper()
	if os.Getenv("INTEROP_CHAOS") != "1" {
		t.Skip("nobody kills leaders in this run")
	}
	t.Parallel()
	seconds, err := strconv.Atoi(os.Getenv("INTEROP_CHAOS_SECONDS"))
	if err != nil {
		seconds = 25
	}
	c := &chaos{t: t, root: fmt.Sprintf("/go-chaos-%x", time.Now().UnixNano())}
	address := server(t)
	t.Cleanup(func() { sweep(address, c.root) }) // the last thing, when the sessions are closed
	sessions := map[*client]int64{}
	for range count {
		one := connect(t, chaosSession)
		c.clients = append(c.clients, one)
		sessions[one] = one.SessionID()
	}
	c.make(c.root, "")
	c.until = time.Now().Add(time.Duration(seconds) * time.Second)
	t.Cleanup(func() {
		for one, session := range sessions {
			if one.SessionID() != session {
				t.Error("a session was lost")
			}
		}
	})
	return c
}

func (c *chaos) goesOn() bool { return time.Now().Before(c.until) && !c.t.Failed() }

// work does something with each client at once, over and over.
func (c *chaos) work(step func(number int, one *client)) {
	var wait sync.WaitGroup
	for number, one := range c.clients {
		wait.Go(func() {
			for c.goesOn() {
				step(number, one)
			}
		})
	}
	wait.Wait()
	if c.t.Failed() {
		c.t.FailNow()
	}
}

// insist repeats a request that is safe to repeat until it is answered.
func (c *chaos) insist(what string, request func() error) {
	eventually(c.t, what, func() bool { return request() == nil })
}

func (c *chaos) make(path, data string) {
	c.insist("create "+path, func() error {
		_, err := c.clients[0].Create(path, []byte(data), 0, open)
		if err == zk.ErrNodeExists { // by a try whose answer got lost
			err = nil
		}
		return err
	})
}

// read is the newest data of a node, as a client sees it.
func (c *chaos) read(one *client, path string) (data string, stat *zk.Stat) {
	c.insist("read "+path, func() error {
		if _, err := one.Sync(path); err != nil {
			return err
		}
		bytes, s, err := one.Get(path)
		data, stat = string(bytes), s
		return err
	})
	return data, stat
}

func (c *chaos) number(one *client, path string) int {
	data, _ := c.read(one, path)
	n, err := strconv.Atoi(data)
	if err != nil {
		c.t.Errorf("%s holds %q", path, data)
	}
	return n
}

func TestChaosVersionedCounter(t *testing.T) {
	c := startChaos(t, 4)
	path := c.root + "/counter"
	c.make(path, "0")
	var done, unsure atomic.Int64
	c.work(func(_ int, one *client) {
		data, stat, err := one.Get(path)
		if err != nil {
			return
		}
		n, _ := strconv.Atoi(string(data))
		switch _, err := one.Set(path, []byte(strconv.Itoa(n+1)), stat.Version); err {
		case nil:
			done.Add(1)
		case zk.ErrBadVersion:
		default:
			unsure.Add(1)
		}
	})
	sum := int64(c.number(c.clients[0], path))
	t.Logf("%d increments, %d without an answer, sum %d", done.Load(), unsure.Load(), sum)
	if sum < done.Load() || sum > done.Load()+unsure.Load() || done.Load() == 0 {
		t.Error("an acknowledged increment is missing, or one counts twice")
	}
}

func TestChaosProtectedSequence(t *testing.T) {
	c := startChaos(t, 4)
	var mu sync.Mutex
	made := map[string]bool{}
	unsure := 0
	c.work(func(_ int, one *client) {
		path, err := one.CreateProtectedEphemeralSequential(c.root+"/p-", nil, open)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			unsure++
			return
		}
		number := path[len(path)-10:]
		if made[number] {
			t.Errorf("the number %s was given out twice", number)
		}
		made[number] = true
	})
	var children []string
	c.insist("children", func() error {
		_, err := c.clients[0].Sync(c.root)
		if err == nil {
			children, _, err = c.clients[0].Children(c.root)
		}
		return err
	})
	there := map[string]bool{}
	for _, name := range children {
		there[name[len(name)-10:]] = true
	}
	for number := range made {
		if !there[number] {
			t.Errorf("the node with the number %s is missing", number)
		}
	}
	t.Logf("%d nodes, %d requests without an answer", len(made), unsure)
	if extra := len(there) - len(made); extra > unsure || len(children) != len(there) {
		t.Errorf("%d nodes with %d numbers for %d answers and %d requests without one", len(children), len(there), len(made), unsure)
	}
}

// The library's lock gives up when a request fails and may leave its node behind, which would keep all others out for as
// long as its session lives: so who fails sweeps up after itself.
func TestChaosLock(t *testing.T) {
	c := startChaos(t, 4)
	lockRoot, number := c.root+"/lock", c.root+"/number"
	c.make(lockRoot, "")
	c.make(number, "0")
	var inside, turns atomic.Int64
	c.work(func(_ int, one *client) {
		lock := zk.NewLock(one.Conn, lockRoot, open)
		if lock.Lock() != nil {
			c.sweep(one, lockRoot)
			return
		}
		if n := inside.Add(1); n != 1 {
			t.Errorf("%d hold the lock", n)
		}
		c.addOne(one, number)
		turns.Add(1)
		inside.Add(-1)
		if lock.Unlock() != nil {
			c.sweep(one, lockRoot)
		}
	})
	t.Logf("%d turns", turns.Load())
	equal(t, "increments under the lock", int64(c.number(c.clients[0], number)), turns.Load())
}

// sweep deletes what a session has below a node.
func (c *chaos) sweep(one *client, path string) {
	c.insist("sweep "+path, func() error {
		if _, err := one.Sync(path); err != nil {
			return err
		}
		children, _, err := one.Children(path)
		if err != nil {
			return err
		}
		for _, child := range children {
			_, stat, err := one.Exists(path + "/" + child)
			if err != nil {
				return err
			}
			if stat.EphemeralOwner != one.SessionID() {
				continue
			}
			if err := one.Delete(path+"/"+child, -1); err != nil && err != zk.ErrNoNode {
				return err
			}
		}
		return nil
	})
}

// addOne raises a number; for who is alone. An answer that got lost is looked for.
func (c *chaos) addOne(one *client, path string) {
	before := c.number(one, path)
	c.insist("set "+path, func() error {
		_, err := one.Set(path, []byte(strconv.Itoa(before+1)), -1)
		if err == nil {
			return nil
		}
		now := c.number(one, path)
		if now == before+1 {
			return nil
		}
		if now != before {
			c.t.Errorf("somebody else has changed %d to %d", before, now)
		}
		return err
	})
}

func TestChaosWatches(t *testing.T) {
	c := startChaos(t, 2)
	writer, watcher := c.clients[0], c.clients[1]
	path := c.root + "/n"
	c.make(path, "0")
	last := make(chan string, 1)
	go func() { last <- c.follow(watcher, path) }()
	n := 0
	for c.goesOn() {
		n++
		c.insist("set", func() error {
			_, err := writer.Set(path, []byte(strconv.Itoa(n)), -1)
			return err
		})
	}
	c.insist("set", func() error {
		_, err := writer.Set(path, []byte("end"), -1)
		return err
	})
	select {
	case problem := <-last:
		if problem != "" {
			t.Error(problem)
		}
	case <-time.After(patience):
		t.Errorf("the watcher did not hear of the end of %d changes", n)
	}
}

// follow reads a node and waits for the watch, until the data is "end". It tells what was wrong.
func (c *chaos) follow(one *client, path string) string {
	seen := 0
	for {
		data, _, events, err := one.GetW(path)
		if err != nil {
			<-time.After(20 * time.Millisecond)
			continue
		}
		if string(data) == "end" {
			return ""
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(data)))
		if err != nil || n < seen {
			return fmt.Sprintf("%q was read after %d", data, seen)
		}
		seen = n
		if event := <-events; event.Type != zk.EventNodeDataChanged && event.Err == nil {
			return fmt.Sprintf("event %v", event.Type)
		}
	}
}
