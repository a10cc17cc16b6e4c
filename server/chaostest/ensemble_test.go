package chaostest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/server/client"
)

// layout says what an ensemble consists of.
type layout struct {
	voters, observers int
	spares            int               // hosts for servers that join later
	keys              map[string]string // more lines of zoo.cfg
	dynamic           bool              // membership in a file of its own, and open to changes
	needsApart        bool              // no use without separate hosts
	beside            bool              // nothing is measured: other tests may run at the same time
}

// ensemble is a number of servers that know each other, with the network between them.
type ensemble struct {
	t       *testing.T
	target  *target
	net     *network
	layout  layout
	base    string
	members []*member // by id from 1; spares behind the others, not started
}

// newEnsemble writes the configurations; nothing runs yet. It skips the test if there is nothing to test.
func newEnsemble(t *testing.T, l layout) *ensemble {
	t.Helper()
	e := &ensemble{t: t, target: theTarget(t), layout: l}
	reason := errors.New("-loopback was asked for")
	if !*loopbackFlag {
		reason = mayBeSeparate()
	}
	if reason != nil && l.needsApart {
		t.Skipf("this test needs a host of its own for each server: %v", reason)
	}
	if reason != nil {
		t.Logf("all servers are on this machine's loopback, so nothing cuts them off: %v", reason)
	}
	if l.beside && reason == nil { // on the loopback they might take each other's ports
		t.Parallel()
	}
	e.base = workFolder(t)
	count := l.voters + l.observers + l.spares
	var err error
	if e.net, err = newNetwork(count, reason == nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.close)
	for id := 1; id <= count; id++ {
		port, err := e.net.port(id, clientPort)
		if err != nil {
			t.Fatal(err)
		}
		m := &member{
			id: id, observer: id > l.voters && id <= l.voters+l.observers, net: e.net, target: e.target,
			home: filepath.Join(e.base, fmt.Sprintf("server%d", id)), addr: e.net.address(id, port),
		}
		e.members = append(e.members, m)
	}
	for _, m := range e.founders() {
		if err := e.configure(m, e.founders()); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// founders are the members from the beginning.
func (e *ensemble) founders() []*member { return e.members[:e.layout.voters+e.layout.observers] }

// close ends all processes; what their folders hold stays until the test's folder goes.
func (e *ensemble) close() {
	for _, m := range e.members {
		if m.running() {
			_ = m.kill()
		}
		if err := m.calm(); err != nil {
			e.t.Error(err)
		}
	}
	e.net.close()
}

// serverLine is the line of zoo.cfg for a member.
func (n *network) serverLine(id int, observer bool) (string, error) {
	var ports [3]int
	for i, wanted := range [...]int{quorumPort, electionPort, clientPort} {
		port, err := n.port(id, wanted)
		if err != nil {
			return "", err
		}
		ports[i] = port
	}
	role := "participant"
	if observer {
		role = "observer"
	}
	return fmt.Sprintf("server.%d=%s:%d:%d:%s;%s:%d", id, n.ip(id), ports[0], ports[1], role, n.ip(id), ports[2]), nil
}

// configure writes a member's folder. It knows these members at its start.
func (e *ensemble) configure(m *member, known []*member) error {
	tick := *tickFlag
	keys := map[string]string{
		"tickTime": fmt.Sprint(tick.Milliseconds()), "initLimit": "25", "syncLimit": "5", "dataDir": m.dataDir(),
		"4lw.commands.whitelist": "*", "admin.enableServer": "false", "maxClientCnxns": "0", "maxSessionTimeout": "60000",
	}
	if e.layout.dynamic {
		maps.Copy(keys, map[string]string{
			"reconfigEnabled": "true", "standaloneEnabled": "false", "skipACL": "yes", "dynamicConfigFile": m.dynamic(),
		})
	}
	maps.Copy(keys, e.layout.keys)
	var static, lines strings.Builder
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		fmt.Fprintf(&static, "%s=%s\n", key, keys[key])
	}
	for _, other := range known {
		line, err := e.net.serverLine(other.id, other.observer)
		if err != nil {
			return err
		}
		fmt.Fprintln(&lines, line)
	}
	for _, folder := range m.folders() {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	if e.layout.dynamic {
		if err := os.WriteFile(m.dynamic(), []byte(lines.String()), 0o644); err != nil {
			return err
		}
	} else {
		static.WriteString(lines.String())
	}
	return errors.Join(os.WriteFile(m.config(), []byte(static.String()), 0o644), m.writeID())
}

// start starts all founders and waits until all serve.
func (e *ensemble) start(ctx context.Context) error {
	for _, m := range e.founders() {
		if err := m.start(); err != nil {
			return err
		}
	}
	return e.awaitWhole(ctx)
}

// present are the members that run.
func (e *ensemble) present() (list []*member) {
	for _, m := range e.members {
		if m.running() {
			list = append(list, m)
		}
	}
	return list
}

// addresses are those of the members that run.
func (e *ensemble) addresses() (list []string) {
	for _, m := range e.present() {
		list = append(list, m.addr)
	}
	return list
}

// known are the addresses of all founders, whether they run or not.
func (e *ensemble) known() (list []string) {
	for _, m := range e.founders() {
		list = append(list, m.addr)
	}
	return list
}

// pollEvery is how often a server is asked for its state.
const pollEvery = 20 * time.Millisecond

// errEnded says that a member has ended by itself, which no waiting undoes.
var errEnded = errors.New("a server has ended by itself")

// awaitWhole waits until all running members serve, one of them as the leader.
func (e *ensemble) awaitWhole(ctx context.Context) error {
	_, err := e.awaitLeader(ctx)
	return err
}

// awaitLeader waits for the same and tells who leads.
func (e *ensemble) awaitLeader(ctx context.Context) (leader *member, err error) {
	err = await(ctx, "all servers serve", pollEvery, func() (err error) {
		leader, err = e.leader(ctx)
		return err
	})
	return leader, e.explain(err)
}

// explain adds the last words of all members that don't serve.
func (e *ensemble) explain(err error) error {
	if err == nil {
		return nil
	}
	for _, m := range e.members {
		if !m.wanted {
			continue
		}
		if _, bad := m.srvr(context.Background()); bad != nil {
			err = fmt.Errorf("%w\n--- last words of %v:\n%s", err, m, m.lastWords())
		}
	}
	return err
}

// leader finds the leader of an ensemble all of whose running members serve; otherwise it tells who doesn't.
func (e *ensemble) leader(ctx context.Context) (leader *member, err error) {
	for _, m := range e.members {
		if m.wanted && !m.running() {
			return nil, fmt.Errorf("%w: %v: %w", errEnded, m, m.ended)
		}
	}
	for _, m := range e.present() {
		state, err := m.srvr(ctx)
		if err != nil {
			return nil, err
		}
		if state.mode != "leader" {
			continue
		}
		if leader != nil {
			return nil, fmt.Errorf("%v and %v both lead", leader, m)
		}
		leader = m
	}
	if leader == nil {
		return nil, errors.New("nobody leads")
	}
	return leader, nil
}

// others are the running members but one.
func (e *ensemble) others(but *member) (list []*member) {
	for _, m := range e.present() {
		if m != but {
			list = append(list, m)
		}
	}
	return list
}

// connect opens a session of the project's own client, which moves from server to server by itself.
func (e *ensemble) connect(ctx context.Context, o client.Options) (*client.Client, error) {
	if o.Servers == nil {
		o.Servers = e.addresses()
	}
	o.Dial = e.net.dial
	return client.Connect(ctx, o)
}
