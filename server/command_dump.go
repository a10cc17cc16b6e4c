package server

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// dumpCommand tells when which sessions expire, and which ephemeral nodes they hold.
type dumpCommand struct{}

func (dumpCommand) about() commandInfo {
	return commandInfo{
		word: "dump", names: []string{"dump"},
		help: "Sessions by the time at which they expire, and the ephemeral nodes of each.",
	}
}

// dumpResult: the keys of Expiry are milliseconds since 1970.
type dumpResult struct {
	Expiry     map[int64][]messages.SessionID  `json:"expiry_time_to_session_ids"`
	Ephemerals map[messages.SessionID][]string `json:"session_id_to_ephemeral_paths"`
	conns      map[int64][]dumpConn            // by the time at which they are closed if nothing is heard of them
	zone       *time.Location
	learner    bool
	sessions   []messages.SessionInfo // of a learner, which doesn't know when they expire
	global     map[int64][]messages.SessionID
	local      map[int64][]messages.SessionID // nil where there are no local sessions
}

type dumpConn struct {
	remote  string
	session messages.SessionID
}

func (dumpCommand) run(c *console, _ url.Values) (commandResult, error) {
	r := dumpResult{
		Expiry: map[int64][]messages.SessionID{}, Ephemerals: c.ephemerals(), conns: map[int64][]dumpConn{},
		zone: c.zone,
	}
	if s, ok := c.ensemble(); ok && s.State != messages.Leading {
		r.learner, r.sessions = true, c.sessions()
	} else if err := c.expiries(&r); err != nil {
		return nil, err
	}
	if err := c.localExpiries(&r); err != nil {
		return nil, err
	}
	expires := r.expires()
	for _, e := range c.runtime.Conns.All() {
		at, session := c.closing(e.Stats, expires)
		r.conns[at] = append(r.conns[at], dumpConn{remote: e.Stats.Remote, session: session})
	}
	return r, nil
}

// expiries sorts the ensemble's sessions by the time at which they expire.
func (c *console) expiries(r *dumpResult) error {
	buckets, err := c.sessionBuckets()
	r.global = r.add(c, buckets)
	return err
}

// localExpiries does so with those that only this server knows.
func (c *console) localExpiries(r *dumpResult) error {
	buckets, ok, err := c.localBuckets()
	if ok {
		r.local = r.add(c, buckets)
	}
	return err
}

func (r *dumpResult) add(c *console, buckets []messages.BucketReport) map[int64][]messages.SessionID {
	sets := map[int64][]messages.SessionID{}
	for _, b := range buckets {
		at := c.wallOf(b.Deadline).UnixMilli()
		sets[at] = append(sets[at], b.Sessions...)
		r.Expiry[at] = append(r.Expiry[at], b.Sessions...)
	}
	return sets
}

// expires tells when each session does.
func (r *dumpResult) expires() map[messages.SessionID]int64 {
	expires := map[messages.SessionID]int64{}
	for at, sessions := range r.Expiry {
		for _, s := range sessions {
			expires[s] = at
		}
	}
	return expires
}

// sessions lists those of the tree, by id.
func (c *console) sessions() (list []messages.SessionInfo) {
	if v := c.view(); v != nil {
		v.Tree.Read(func(t *tree.Tree) { list = t.Sessions() })
	}
	return list
}

// closing is when a silent connection ends: with its session, or when it had time enough to open one. A learner doesn't
// know when a session ends and goes by the last answer to its client.
func (c *console) closing(s *actors.ConnStats, expires map[messages.SessionID]int64) (int64, messages.SessionID) {
	session := messages.SessionID(s.Session.Load())
	if at, ok := expires[session]; ok {
		return at, session
	}
	if session != 0 && c.board != nil {
		return max(s.LastReply.Load(), s.Established) + int64(s.Timeout.Load()), session
	}
	return s.Established + c.config.Client.SessionlessTimeout.Milliseconds(), session
}

func (c *console) ephemerals() map[messages.SessionID][]string {
	m := map[messages.SessionID][]string{}
	if v := c.view(); v != nil {
		v.Tree.Read(func(t *tree.Tree) {
			for _, id := range t.EphemeralOwners() {
				m[id] = t.Ephemerals(id)
			}
		})
	}
	return m
}

func (r dumpResult) text(w *bytes.Buffer) {
	w.WriteString("SessionTracker dump:\n")
	id, title := func(id messages.SessionID) string { return id.String() }, "Session"
	if r.local != nil {
		dumpSets(w, r.zone, "Local Session", r.local, id)
		title = "Global Session"
	}
	if r.learner {
		fmt.Fprintf(w, "Global Sessions(%d):\n", len(r.sessions))
		for _, s := range r.sessions {
			fmt.Fprintf(w, "%v\t%dms\n", s.Session, s.Timeout)
		}
	} else {
		dumpSets(w, r.zone, title, r.global, id)
	}
	fmt.Fprintf(w, "ephemeral nodes dump:\nSessions with Ephemerals (%d):\n", len(r.Ephemerals))
	for _, id := range sortedKeys(r.Ephemerals) {
		fmt.Fprintf(w, "%v:\n", id)
		for _, path := range r.Ephemerals[id] {
			fmt.Fprintf(w, "\t%s\n", path)
		}
	}
	w.WriteString("Connections dump:\n")
	dumpSets(w, r.zone, "Connections", r.conns, func(c dumpConn) string {
		return fmt.Sprintf("ip: /%s sessionId: %v", c.remote, c.session)
	})
}

// dumpSets prints what is grouped by a time, earliest first.
func dumpSets[T any](w *bytes.Buffer, zone *time.Location, title string, sets map[int64][]T, show func(T) string) {
	total := 0
	for _, members := range sets {
		total += len(members)
	}
	fmt.Fprintf(w, "%s Sets (%d)/(%d):\n", title, len(sets), total)
	for _, at := range sortedKeys(sets) {
		fmt.Fprintf(w, "%d expire at %s:\n", len(sets[at]), javaDate(time.UnixMilli(at).In(zone)))
		for _, m := range sets[at] {
			fmt.Fprintf(w, "\t%s\n", show(m))
		}
	}
}

func sortedKeys[K int64 | messages.SessionID, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
