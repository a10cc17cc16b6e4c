//go:build unix

package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// The servers of a subject while they run: one, or an ensemble.

// EnsembleMax is the largest number of servers of an ensemble.
const EnsembleMax = 9

// upLimit is how long servers may take until they serve.
const upLimit = time.Minute

// Member is one server of a subject. All ports are of the loopback interface.
type Member struct {
	// ID is its number in the ensemble, from 1.
	ID int
	// ClientPort is where it serves.
	ClientPort int
	// QuorumPort and ElectionPort are for the other servers; 0 if it is alone.
	QuorumPort, ElectionPort int
	// Observer says that it has no vote.
	Observer bool
}

// address is where clients find it.
func (m Member) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(m.ClientPort)) }

// follows is what it calls itself when another one leads.
func (m Member) follows() string {
	if m.Observer {
		return "observer"
	}
	return "follower"
}

// fleet is the servers of one subject on their folders.
type fleet struct {
	subject      Subject
	home, logDir string
	members      []Member
	processes    []*Process // nil where one was killed
}

// withServers runs a function with fresh servers on empty folders.
func (c *comparer) withServers(ctx context.Context, s Subject, use func(*fleet, Config) error) error {
	home, err := os.MkdirTemp(c.cfg.Dir, "run-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	f, cfg, err := c.start(ctx, s, home)
	if err != nil {
		return err
	}
	return errors.Join(use(f, cfg), f.stop())
}

// start starts a subject and waits until all its servers serve.
func (c *comparer) start(ctx context.Context, s Subject, home string) (*fleet, Config, error) {
	f := &fleet{subject: s, home: home, logDir: c.cfg.LogDir}
	var err error
	if f.members, err = newMembers(max(1, c.cfg.Ensemble) + c.cfg.Observers); err != nil {
		return nil, Config{}, err
	}
	for i := range c.cfg.Observers {
		f.members[len(f.members)-1-i].Observer = true
	}
	f.processes = make([]*Process, len(f.members))
	for i := range f.members {
		if err := f.startMember(i); err != nil {
			return nil, Config{}, errors.Join(err, f.stop())
		}
	}
	leader, err := f.await(ctx, upLimit)
	if err != nil {
		return nil, Config{}, errors.Join(err, f.stop())
	}
	return f, c.config(f.addresses(leader), f.pids()), nil
}

// newMembers finds ports for so many servers.
func newMembers(n int) ([]Member, error) {
	if n == 1 {
		port, err := freePort()
		return []Member{{ID: 1, ClientPort: port}}, err
	}
	ports, err := quietPorts(3 * n)
	if err != nil {
		return nil, err
	}
	members := make([]Member, n)
	for i := range members {
		p := ports[3*i:]
		members[i] = Member{ID: i + 1, ClientPort: p[0], QuorumPort: p[1], ElectionPort: p[2]}
	}
	return members, nil
}

// startMember starts one server, on what its folder holds.
func (f *fleet) startMember(i int) error {
	argv, err := f.command(i)
	if err != nil {
		return err
	}
	f.processes[i], err = StartProcess(argv, f.folder(i), f.logPath(i))
	return err
}

// command writes the configuration of one server and returns how to start it.
func (f *fleet) command(i int) ([]string, error) {
	if err := os.MkdirAll(f.folder(i), 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of a server: %w", err)
	}
	return f.subject.Command(f.folder(i), f.members, i)
}

// folder is where one server lives.
func (f *fleet) folder(i int) string {
	if len(f.members) == 1 {
		return f.home
	}
	return filepath.Join(f.home, strconv.Itoa(f.members[i].ID))
}

// logPath is where its output goes, that of all rounds into one file.
func (f *fleet) logPath(i int) string {
	name := f.subject.Name
	if len(f.members) > 1 {
		name += "-" + strconv.Itoa(f.members[i].ID)
	}
	return filepath.Join(f.logDir, name+".log")
}

// await waits until every server opens sessions and one of several leads, and
// returns which. It gives up when a server ends.
func (f *fleet) await(ctx context.Context, limit time.Duration) (leader int, err error) {
	deadline := time.Now().Add(limit)
	for i, m := range f.members {
		up := func(ctx context.Context) error { return awaitUp(ctx, m.address(), time.Until(deadline)) }
		if err := f.processes[i].await(ctx, up); err != nil {
			return 0, fmt.Errorf("server %d of %d: %w; see %s", m.ID, len(f.members), err, f.logPath(i))
		}
	}
	if len(f.members) == 1 {
		return 0, nil
	}
	err = retry(ctx, deadline, func() error {
		leader, err = f.leader()
		return err
	})
	return leader, err
}

// leader asks every server for its role and returns which one leads. The error
// says that this isn't one, or that another one follows nobody.
func (f *fleet) leader() (int, error) {
	found := -1
	for i, m := range f.members {
		mode, err := serverMode(m.address(), 2*time.Second)
		switch {
		case err != nil:
			return 0, err
		case mode == "leader" && found >= 0:
			return 0, fmt.Errorf("both server %d and server %d lead", f.members[found].ID, m.ID)
		case mode == "leader":
			found = i
		case mode != m.follows():
			return 0, fmt.Errorf("server %d is in mode %q, want leader or %s", m.ID, mode, m.follows())
		}
	}
	if found < 0 {
		return 0, errors.New("no server leads")
	}
	return found, nil
}

// addresses returns where clients find the servers, the leader last, so that a
// lone client, which goes to the first one, is always at a follower.
func (f *fleet) addresses(leader int) []string {
	var all []string
	for i, m := range f.members {
		if i != leader {
			all = append(all, m.address())
		}
	}
	return append(all, f.members[leader].address())
}

// pids returns the process ids of all servers.
func (f *fleet) pids() []int {
	var all []int
	for _, p := range f.processes {
		if p != nil {
			all = append(all, p.PID())
		}
	}
	return all
}

// kill kills one server and calls then at once, before it is known to be gone.
func (f *fleet) kill(i int, then func()) error {
	p := f.processes[i]
	if err := p.Kill(); err != nil {
		return err
	}
	then()
	<-p.Exited()
	f.processes[i] = nil
	return nil
}

// stop stops all servers that run, at the same time.
func (f *fleet) stop() error {
	failed := make([]error, len(f.processes))
	var wait sync.WaitGroup
	for i, p := range f.processes {
		if p != nil {
			wait.Go(func() { failed[i] = p.Stop() })
		}
	}
	wait.Wait()
	return errors.Join(failed...)
}

// freePort asks the system for a port that nobody uses.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// quietPorts returns n free ports below the range from which systems take the
// local ports of outgoing connections. Within it, a client that tries a server
// that is down could be given the server's own port, and keep it from starting.
func quietPorts(n int) ([]int, error) {
	const low, high = 10_000, 30_000
	var ports []int
	start := os.Getpid() * 101 % (high - low) // elsewhere than others who do the same
	for i := 0; i < high-low && len(ports) < n; i++ {
		port := low + (start+i)%(high-low)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		_ = l.Close()
		ports = append(ports, port)
	}
	if len(ports) < n {
		return nil, fmt.Errorf("find free ports: %d of %d from %d to %d", len(ports), n, low, high-1)
	}
	return ports, nil
}

// awaitUp waits until a server opens a session.
func awaitUp(ctx context.Context, address string, limit time.Duration) error {
	return retry(ctx, time.Now().Add(limit), func() error {
		c, err := dialPlain(address, 2*time.Second)
		if err == nil {
			c.close()
		}
		return err
	})
}

// retry calls a function until it succeeds.
func retry(ctx context.Context, deadline time.Time, attempt func() error) error {
	const interval = 20 * time.Millisecond
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		err := attempt()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not up in time: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("gave up waiting for a server: %w (last: %v)", ctx.Err(), err)
		case <-ticker.C:
		}
	}
}
