package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/troupekeeper/troupe/messages"
)

// trace remembers the last events and hashes all of them. Events are put into words only when somebody reads them.
type trace struct {
	w     *World
	ring  []event
	next  int
	hash  uint64
	types map[reflect.Type]uint64
	all   io.Writer // nil, or where every event goes at once
}

type event struct {
	at    int64
	where string // s1, c2, world
	what  string // kind of the actor, or words
	id    string // of the actor
	msg   any    // a message, a log line, or nil
}

type logLine []byte

// fnvBasis and fnvPrime are those of the FNV-1a hash.
const (
	fnvBasis = 14695981039346656037
	fnvPrime = 1099511628211
)

func newTrace(w *World, size int, all io.Writer) *trace {
	return &trace{w: w, ring: make([]event, size), hash: fnvBasis, types: map[reflect.Type]uint64{}, all: all}
}

func (t *trace) mix(v uint64) { t.hash = (t.hash ^ v) * fnvPrime }

func (t *trace) mixString(s string) {
	for i := range len(s) {
		t.mix(uint64(s[i]))
	}
}

// message notes that an actor is about to take a message. who is the hash of where, kind and id.
func (t *trace) message(who uint64, where, kind, id string, msg any) {
	t.mix(uint64(t.w.clock.us))
	t.mix(who)
	typ := reflect.TypeOf(msg)
	h, ok := t.types[typ]
	if !ok {
		h = hashOf(typ.String())
		t.types[typ] = h
	}
	t.mix(h)
	t.put(event{at: t.w.clock.us, where: where, what: kind, id: id, msg: lasting(msg)})
}

// lasting is a message that can be looked at when its receiver has done with it: some give their lists back.
func lasting(msg any) any {
	switch m := msg.(type) {
	case *messages.Requests:
		return &messages.Requests{Items: slices.Clone(m.Items)}
	case *messages.Deliveries:
		return &messages.Deliveries{Items: slices.Clone(m.Items)}
	}
	return msg
}

// hashOf is the hash of some words.
func hashOf(words ...string) uint64 {
	h := uint64(fnvBasis)
	for _, word := range words {
		for i := range len(word) {
			h = (h ^ uint64(word[i])) * fnvPrime
		}
	}
	return h
}

// say notes something in words.
func (t *trace) say(where, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	t.mix(uint64(t.w.clock.us))
	t.mixString(where)
	t.mixString(text)
	t.put(event{at: t.w.clock.us, where: where, what: text})
}

func (t *trace) put(e event) {
	if t.all != nil {
		t.write(e)
	}
	t.ring[t.next] = e
	t.next = (t.next + 1) % len(t.ring)
}

// write puts one event into the file of all events. What servers log and say about members is there in full.
func (t *trace) write(e event) {
	var said string
	switch m := e.msg.(type) {
	case nil:
	case logLine:
		said = "log: " + string(bytes.TrimSpace(m))
	case *messages.Notification:
		said = fmt.Sprintf("Notification %+v", *m)
	default:
		said = cut(fmt.Sprintf("%T %+v", e.msg, e.msg))
	}
	fmt.Fprintf(t.all, "%d %s %s %s %s\n", e.at, e.where, e.what, e.id, strings.ReplaceAll(said, "\n", " "))
}

// words are the last events, one a line. Messages that say little are left out.
func (t *trace) words() (lines []string) {
	for i := range t.ring {
		e := t.ring[(t.next+i)%len(t.ring)]
		if e.where == "" {
			continue
		}
		text := e.what
		switch m := e.msg.(type) {
		case nil:
		case logLine:
			text = "log: " + logWords(m)
		default:
			said := describe(m)
			if said == "" {
				continue
			}
			text = e.id + " ← " + said
		}
		at := time.Duration(e.at) * time.Microsecond
		lines = append(lines, fmt.Sprintf("%12v %-3s %s", at, e.where, text))
	}
	return lines
}

// logWords shortens a line of a server's log.
func logWords(line []byte) string {
	var fields map[string]any
	if json.Unmarshal(line, &fields) != nil {
		return string(bytes.TrimSpace(line))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%v %v: %v", fields["level"], fields["component"], fields["message"])
	for _, key := range []string{"actor", "error", "zxid", "epoch", "state", "server", "mode", "from", "to", "after"} {
		if v, ok := fields[key]; ok {
			fmt.Fprintf(&b, " %s=%v", key, v)
		}
	}
	if stack, ok := fields["stack"].(string); ok {
		b.WriteString("\n" + stack)
	}
	return b.String()
}

// describe is a message in words; "" for those that only keep things going.
func describe(msg any) string {
	name := strings.TrimPrefix(strings.TrimPrefix(fmt.Sprintf("%T", msg), "*"), "messages.")
	switch m := msg.(type) {
	case *messages.Propose:
		return name + proposals(m.Items)
	case *messages.Proposals:
		return name + proposals(m.Items)
	case *messages.Committed:
		return name + proposals(m.Items)
	case *messages.History:
		return name + fmt.Sprintf(" of %d", len(m.Items))
	case *messages.Inform:
		return name + proposals(m.Items)
	case *messages.Commit:
		return name + " " + m.Zxid.String()
	case *messages.Ack:
		return fmt.Sprintf("Ack %v of server %d", m.Zxid, m.Server)
	case *messages.Durable:
		return name + " " + m.Zxid.String()
	case *messages.Applied:
		return name + " " + m.Zxid.String()
	case *messages.Requests:
		return name + requests(m.Items)
	case *messages.Deliveries:
		return name + deliveries(m.Items)
	case *messages.Connect, *messages.SessionReady, *messages.SessionRefused, *messages.Revalidate, *messages.Revalidated,
		*messages.CloseConn, *messages.Refusals, *messages.Words, *messages.SyncWishes, *messages.LearnerInfo, *messages.LeaderInfo,
		*messages.EpochAck, *messages.NewLeader, *messages.NewLeaderAck, *messages.UpToDate, *messages.Truncate,
		*messages.Truncated, *messages.SnapBegin, *messages.Elected, *messages.SessionHome, *messages.SessionClosed:
		return cut(fmt.Sprintf("%s %+v", name, m))
	}
	for _, quiet := range []string{"Drained", "chunk", "Wrote", "linkRead", "Tick", "Look", "KeepAlive", "Ping", "Pong", "Started",
		"Touch", "Bucket", "Watch", "Output", "ConnClosed", "checkSpace", "Packed"} {
		if strings.Contains(name, quiet) {
			return ""
		}
	}
	return name
}

func cut(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

func proposals(items []messages.Proposal) string {
	if len(items) == 0 {
		return " of nothing"
	}
	first, last := items[0].Header, items[len(items)-1].Header
	text := fmt.Sprintf(" %v", first.Zxid)
	if len(items) > 1 {
		text += fmt.Sprintf("–%v", last.Zxid)
	}
	return text
}

func requests(items []messages.Request) string {
	var b strings.Builder
	for i := range items {
		if items[i].Op != messages.OpPing {
			fmt.Fprintf(&b, " %v#%d/%v", items[i].Op, items[i].Xid, items[i].Session)
		}
	}
	if b.Len() == 0 {
		return " (pings)"
	}
	return cut(b.String())
}

func deliveries(items []messages.Delivery) string {
	var b strings.Builder
	for i := range items {
		d := &items[i]
		switch {
		case d.Proposal != nil:
			fmt.Fprintf(&b, " %v", d.Proposal.Header.Zxid)
		case d.Refusal != nil:
			fmt.Fprintf(&b, " refused#%d", d.Request.Xid)
		default:
			fmt.Fprintf(&b, " %v#%d", d.Request.Op, d.Request.Xid)
		}
	}
	return cut(b.String())
}
