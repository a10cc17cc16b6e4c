package gozk

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
)

func TestWatches(t *testing.T) {
	t.Parallel()
	writer, c := connect(t, sessionTimeout), connect(t, sessionTimeout)
	root := writer.withRoot()
	path := root + "/n"
	_, _, created, err := c.ExistsW(path)
	fails(t, "exists", err, nil)
	_, _, children, err := c.fresh().ChildrenW(root)
	fails(t, "children", err, nil)
	writer.create(path, "")
	expect(t, created, zk.EventNodeCreated, path)
	expect(t, children, zk.EventNodeChildrenChanged, root)
	_, _, changed, err := c.GetW(path)
	fails(t, "get", err, nil)
	writer.set(path, "x")
	expect(t, changed, zk.EventNodeDataChanged, path)
	_, _, deleted, err := c.GetW(path)
	fails(t, "get", err, nil)
	fails(t, "delete", writer.Delete(path, -1), nil)
	expect(t, deleted, zk.EventNodeDeleted, path)
}

func TestEphemeralsGoWithTheSession(t *testing.T) {
	t.Parallel()
	c, owner := connect(t, sessionTimeout), connect(t, sessionTimeout)
	root := c.withRoot()
	_, err := owner.Create(root+"/e", nil, zk.FlagEphemeral, open)
	fails(t, "create", err, nil)
	_, _, gone, err := c.fresh().ExistsW(root + "/e")
	fails(t, "exists", err, nil)
	owner.Close()
	expect(t, gone, zk.EventNodeDeleted, root+"/e")
}

func TestBrokenConnection(t *testing.T) {
	t.Parallel()
	writer, c := connect(t, sessionTimeout), connect(t, sessionTimeout)
	root := writer.withRoot()
	session := c.SessionID()
	_, err := c.Create(root+"/e", nil, zk.FlagEphemeral, open)
	fails(t, "create", err, nil)
	_, _, changed, err := c.fresh().GetW(root)
	fails(t, "get", err, nil)
	_, _, created, err := c.ExistsW(root + "/later")
	fails(t, "exists", err, nil)

	c.cut(true)
	c.await(zk.StateDisconnected)
	writer.set(root, "while away")
	c.cut(false)
	c.await(zk.StateHasSession)
	equal(t, "session", c.SessionID(), session)
	expect(t, changed, zk.EventNodeDataChanged, root)
	writer.create(root+"/later", "")
	expect(t, created, zk.EventNodeCreated, root+"/later")
	_, stat := writer.fresh().get(root + "/e")
	equal(t, "owner", stat.EphemeralOwner, session)
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	witness, c := connect(t, sessionTimeout), connect(t, time.Second)
	root := witness.withRoot()
	session := c.SessionID()
	_, err := c.Create(root+"/e", nil, zk.FlagEphemeral, open)
	fails(t, "create", err, nil)
	_, _, gone, err := witness.fresh().ExistsW(root + "/e")
	fails(t, "exists", err, nil)
	c.cut(true)
	expect(t, gone, zk.EventNodeDeleted, root+"/e")
	c.cut(false)
	c.await(zk.StateExpired)
	c.await(zk.StateHasSession)
	if c.SessionID() == session {
		t.Fatal("the session has expired, but its id is used again")
	}
}

func TestProtectedCreate(t *testing.T) {
	t.Parallel()
	c := connect(t, sessionTimeout)
	root := c.withRoot()
	for i := range 3 {
		path, err := c.CreateProtectedEphemeralSequential(root+"/p-", nil, open)
		fails(t, "create", err, nil)
		equal(t, "number", path[len(path)-10:], fmt.Sprintf("%010d", i))
	}
}

func TestLockExcludes(t *testing.T) {
	t.Parallel()
	first := connect(t, sessionTimeout)
	root := first.withRoot()
	var (
		wait   sync.WaitGroup
		mu     sync.Mutex
		inside int
		turns  int
	)
	for range 4 {
		lock := zk.NewLock(connect(t, sessionTimeout).Conn, root+"/lock", open)
		wait.Go(func() {
			for range 10 {
				if err := lock.Lock(); err != nil {
					t.Errorf("lock: %v", err)
					return
				}
				mu.Lock()
				inside++
				turns++
				if inside != 1 {
					t.Errorf("%d hold the lock", inside)
				}
				mu.Unlock()
				mu.Lock()
				inside--
				mu.Unlock()
				if err := lock.Unlock(); err != nil {
					t.Errorf("unlock: %v", err)
					return
				}
			}
		})
	}
	wait.Wait()
	equal(t, "turns", turns, 40)
	children, _, err := first.fresh().Children(root + "/lock")
	fails(t, "children", err, nil)
	equal(t, "nodes left behind", len(children), 0)
}

func TestLockOfADeadHolder(t *testing.T) {
	t.Parallel()
	heir, holder := connect(t, sessionTimeout), connect(t, time.Second)
	root := heir.withRoot()
	fails(t, "lock", zk.NewLock(holder.Conn, root+"/lock", open).Lock(), nil)
	got := make(chan error, 1)
	go func() { got <- zk.NewLock(heir.Conn, root+"/lock", open).Lock() }()
	eventually(t, "the heir waits", func() bool {
		children, _, err := heir.Children(root + "/lock")
		return err == nil && len(children) == 2
	})
	holder.cut(true)
	select {
	case err := <-got:
		fails(t, "lock", err, nil)
	case <-time.After(patience):
		t.Fatal("the heir does not get the lock")
	}
}
