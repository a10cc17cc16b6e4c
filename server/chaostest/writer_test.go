package chaostest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

const (
	// writeEvery is the time between two writes of a writer.
	writeEvery = 5 * time.Millisecond
	// writerTimeout is that of the writers' sessions. A connection that is silent for two thirds of it is given up.
	writerTimeout = 4 * time.Second
	// attachPatience is how long a writer waits for a server to take up its session before it tries the next one.
	attachPatience = 500 * time.Millisecond
	// writePatience bounds the wait for an answer at a server that goes on answering pings.
	writePatience = 10 * time.Second
)

// writer writes a node of its own every few milliseconds, to one server after the other: when a connection breaks it
// goes to the next one, without any pause but the one between writes, and takes its session along. So the time without
// an acknowledged write is the servers' and not the client's.
type writer struct {
	e    *ensemble
	path string

	conn     *client.Client
	session  messages.SessionID
	password []byte
	next     int // the server to try next

	mu       sync.Mutex
	servers  []string
	acks     []ack // since forget
	number   int   // of the last write
	acked    int   // the newest acknowledged one
	unknown  int
	refused  int
	sessions int
	moves    int
}

// ack is an acknowledged write.
type ack struct{ begun, acked time.Time }

// onlyOnce makes a dial function that works one time: the writer itself decides where to go next.
func (e *ensemble) onlyOnce() func(context.Context, string) (net.Conn, error) {
	var used atomic.Bool
	return func(ctx context.Context, addr string) (net.Conn, error) {
		if used.Swap(true) {
			return nil, errors.New("the one connection is used up")
		}
		ctx, cancel := context.WithTimeout(ctx, attachPatience)
		defer cancel()
		return e.net.dial(ctx, addr)
	}
}

// run writes until ctx ends.
func (w *writer) run(ctx context.Context) {
	tick := time.NewTicker(writeEvery)
	defer tick.Stop()
	defer w.drop()
	for ctx.Err() == nil {
		if w.conn != nil || w.attach(ctx) {
			w.write(ctx)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

func (w *writer) drop() {
	if w.conn != nil {
		w.conn.Abandon()
		w.conn = nil
	}
}

// attach tries one server.
func (w *writer) attach(ctx context.Context) bool {
	w.mu.Lock()
	addr := w.servers[w.next%len(w.servers)]
	w.next++
	w.mu.Unlock()
	trying, cancel := context.WithTimeout(ctx, attachPatience)
	defer cancel()
	conn, err := client.Connect(trying, client.Options{
		Servers: []string{addr}, Timeout: writerTimeout, Session: w.session, Password: w.password, Dial: w.e.onlyOnce(),
	})
	if errors.Is(err, client.ErrSessionExpired) {
		w.session, w.password = 0, nil
	}
	if err != nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.moves++; w.session == 0 {
		w.sessions++
	}
	w.conn = conn
	w.session, w.password = conn.Session()
	return true
}

func (w *writer) write(ctx context.Context) {
	w.mu.Lock()
	w.number++
	number := w.number
	w.mu.Unlock()
	waiting, cancel := context.WithTimeout(ctx, writePatience)
	defer cancel()
	begun := time.Now()
	_, err := w.conn.Set(waiting, w.path, strconv.AppendInt(nil, int64(number), 10), -1)
	w.mu.Lock()
	defer w.mu.Unlock()
	var code messages.ErrCode
	switch {
	case err == nil:
		w.acked = number
		w.acks = append(w.acks, ack{begun, time.Now()})
		return
	case errors.As(err, &code) && code <= messages.ErrNoNode:
		w.refused++
	default:
		w.unknown++
	}
	w.drop()
}

// writers are several of them, which begin at different servers.
type writers struct {
	e    *ensemble
	list []*writer
	stop func()
}

// returnNode is written at a member to see that it is back.
const returnNode = "/return"

// startWriters makes the nodes and begins to write, with one writer for each member that runs.
func startWriters(ctx context.Context, e *ensemble) (*writers, error) {
	conn, err := e.connect(ctx, client.Options{Wait: true})
	if err != nil {
		return nil, err
	}
	if _, err := conn.Create(ctx, returnNode, nil, client.Persistent); err != nil {
		return nil, err
	}
	ws := &writers{e: e}
	for i := range e.present() {
		w := &writer{e: e, path: fmt.Sprintf("/writer%d", i), next: i, servers: e.addresses()}
		if _, err := conn.Create(ctx, w.path, []byte("0"), client.Persistent); err != nil {
			return nil, err
		}
		ws.list = append(ws.list, w)
	}
	if err := conn.CloseSession(ctx); err != nil {
		return nil, err
	}
	working, cancel := context.WithCancel(ctx)
	var busy sync.WaitGroup
	for _, w := range ws.list {
		busy.Go(func() { w.run(working) })
	}
	ws.stop = func() {
		cancel()
		busy.Wait()
	}
	return ws, nil
}

// forget drops the acknowledgements so far.
func (ws *writers) forget() {
	for _, w := range ws.list {
		w.mu.Lock()
		w.acks = nil
		w.mu.Unlock()
	}
}

// since gives for each writer the first acknowledged write that began after a moment; ok tells whether all have one.
func (ws *writers) since(moment time.Time) (first []time.Duration, ok bool) {
	ok = true
	for _, w := range ws.list {
		w.mu.Lock()
		i := slices.IndexFunc(w.acks, func(a ack) bool { return a.begun.After(moment) })
		if i >= 0 {
			first = append(first, w.acks[i].acked.Sub(moment))
		}
		ok = ok && i >= 0
		w.mu.Unlock()
	}
	slices.Sort(first)
	return first, ok
}

// gap is the longest time without anybody's acknowledgement since the last forget.
func (ws *writers) gap() (longest time.Duration) {
	var all []time.Time
	for _, w := range ws.list {
		w.mu.Lock()
		for _, a := range w.acks {
			all = append(all, a.acked)
		}
		w.mu.Unlock()
	}
	slices.SortFunc(all, time.Time.Compare)
	for i := 1; i < len(all); i++ {
		longest = max(longest, all[i].Sub(all[i-1]))
	}
	return longest
}

// awaitAll waits until each writer has had a write acknowledged that it began after a moment.
func (ws *writers) awaitAll(ctx context.Context, moment time.Time) error {
	return await(ctx, "every writer has a write acknowledged", writeEvery, func() error {
		if first, ok := ws.since(moment); !ok {
			return fmt.Errorf("%d of %d have", len(first), len(ws.list))
		}
		return nil
	})
}

// check ends the writing and makes sure that no acknowledged write is lost. It tells what the writers went through.
func (ws *writers) check(ctx context.Context) (string, error) {
	ws.stop()
	conn, err := ws.e.connect(ctx, client.Options{Wait: true})
	if err != nil {
		return "", err
	}
	defer conn.Abandon()
	if err := conn.Sync(ctx, messages.RootPath); err != nil {
		return "", err
	}
	acked, unknown, refused, expired := 0, 0, 0, 0
	for _, w := range ws.list {
		data, _, getErr := conn.Get(ctx, w.path)
		number, numberErr := strconv.Atoi(string(data))
		if e := errors.Join(getErr, numberErr); e != nil {
			err = errors.Join(err, e)
		} else if number < w.acked || number > w.number {
			err = errors.Join(err, fmt.Errorf("%s holds write %d; %d was acknowledged, and %d is the last one", w.path, number, w.acked, w.number))
		}
		acked, unknown, refused, expired = acked+w.acked, unknown+w.unknown, refused+w.refused, expired+w.sessions-1
	}
	return fmt.Sprintf("about %d writes acknowledged, none lost; %d without an answer, %d refused; %d sessions expired",
		acked, unknown, refused, expired), err
}
