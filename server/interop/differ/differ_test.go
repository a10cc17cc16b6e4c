package differ

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	connections   = 3
	stepsPerRound = 400
	stepsShown    = 12
)

// number reads a number from the environment.
func number(t *testing.T, name string, fallback uint64) uint64 {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		return fallback
	}
	v, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

func TestSameAnswers(t *testing.T) {
	server, reference := os.Getenv("INTEROP_SERVER"), os.Getenv("INTEROP_REFERENCE")
	if server == "" || reference == "" {
		t.Skip("INTEROP_SERVER and INTEROP_REFERENCE name no servers")
	}
	rounds, first := number(t, "INTEROP_ROUNDS", 10), number(t, "INTEROP_SEED", rand.Uint64N(1_000_000))
	if os.Getenv("INTEROP_SEED") != "" && os.Getenv("INTEROP_ROUNDS") == "" {
		rounds = 1
	}
	for seed := first; seed < first+rounds; seed++ {
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) { compareRound(t, seed, server, reference) })
	}
}

// tries is how often a round may be played. The servers' sweepers remove containers and TTL nodes at moments of their
// own, which on a busy machine shows as an event more on one side. A real difference comes back with its seed.
const tries = 3

func compareRound(t *testing.T, seed uint64, server, reference string) {
	for try := 1; ; try++ {
		problem := playRound(t, seed, server, reference)
		if problem == "" {
			return
		}
		if try == tries {
			t.Fatalf("in each of %d plays; the last one:\n%s", tries, problem)
		}
		t.Logf("played again, because of:\n%s", problem)
	}
}

// playRound plays one round of requests to both servers, and tells what differed first.
func playRound(t *testing.T, seed uint64, server, reference string) (problem string) {
	t.Helper()
	// The world lies below a node of its own, whose sequence numbers belong to this round alone.
	base := fmt.Sprintf("/differ-%d-%x", seed, rand.Uint64N(1<<32))
	root := base + "/w"
	g := newGenerator(seed, root)
	var sides []*side
	for name, address := range map[string]string{"server": server, "reference": reference} {
		s, err := newSide(name, address, connections)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		defer sweep(s, base)
		sides = append(sides, s)
	}
	slices.SortFunc(sides, func(a, b *side) int { return strings.Compare(a.name, b.name) }) // reference, then server

	world := []entry{{31, text("world"), text("anyone")}}
	start := []*request{{op: opCreate, path: text(base), acl: world}, {op: opCreate, path: text(root), acl: world}}
	var history []string
	for step := range stepsPerRound {
		conn, q := 0, start[min(step, 1)]
		if step > 1 {
			conn, q = g.IntN(connections), g.next()
		}
		line := fmt.Sprintf("%d c%d %v", step, conn, q)
		var got [2]string
		for i, s := range sides {
			answer, err := s.play(conn, q)
			if err != nil {
				return fmt.Sprintf("%s\n%s: %v", tail(append(history, line)), s.name, err)
			}
			got[i] = answer
		}
		if got[0] != got[1] && !excused(q, got[1]) {
			return fmt.Sprintf("the servers differ\n%s\nreference:\n%sserver:\n%s", tail(append(history, line)), got[0], got[1])
		}
		history = append(history, line+"\n"+strings.TrimRight(got[0], "\n"))
	}
	return ""
}

func tail(history []string) string {
	return strings.Join(history[max(0, len(history)-stepsShown):], "\n")
}

// sweep deletes what a round has left, as the super user, so that nothing is too well guarded.
func sweep(s *side, root string) {
	w, err := dial(s.address, 0, make([]byte, 16))
	if err != nil {
		return
	}
	defer w.conn.Close()
	ask := func(q *request) *reader {
		if w.send(q.encode(s)) != nil {
			return &reader{}
		}
		frame, err := w.receive()
		if err != nil {
			return &reader{}
		}
		r := &reader{bytes: frame}
		r.take(16)
		return r
	}
	ask(&request{op: opAuth, xid: -4, path: text("digest"), data: text("super:secret")})
	var remove func(path string)
	remove = func(path string) {
		r := ask(&request{op: opGetChildren, xid: 1, path: text(path)})
		for n := r.int(); n > 0 && r.err == nil; n-- {
			if name := r.buffer(); name != nil {
				remove(path + "/" + string(*name))
			}
		}
		ask(&request{op: opDelete, xid: 2, path: text(path), version: -1})
	}
	remove(root)
	ask(&request{op: opClose, xid: 3})
}
