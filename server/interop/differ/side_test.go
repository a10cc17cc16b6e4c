package differ

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// side is one of the two servers with its connections and with the names that its zxids and sessions have got.
type side struct {
	name     string
	address  string
	wires    []*wire
	zxids    map[int64]string
	sessions map[int64]string
	newest   int64   // newest zxid seen in a header
	marks    []int64 // newest after each step, for setWatches
}

func newSide(name, address string, connections int) (*side, error) {
	s := &side{name: name, address: address, zxids: map[int64]string{0: "0", -1: "-1"}, sessions: map[int64]string{0: "0"}}
	for range connections {
		w, err := dial(address, 0, make([]byte, 16))
		if err != nil {
			return nil, err
		}
		s.wires = append(s.wires, w)
		s.session(w.session)
	}
	return s, nil
}

func (s *side) close() {
	for _, w := range s.wires {
		w.conn.Close()
	}
}

func (s *side) zxid(v int64) string {
	if _, known := s.zxids[v]; !known {
		s.zxids[v] = fmt.Sprintf("z%d", len(s.zxids))
	}
	return s.zxids[v]
}

func (s *side) session(v int64) string {
	if _, known := s.sessions[v]; !known {
		s.sessions[v] = fmt.Sprintf("s%d", len(s.sessions))
	}
	return s.sessions[v]
}

// play sends one request and returns all that came of it, in words: the answer, and the events of every connection.
func (s *side) play(conn int, q *request) (string, error) {
	w := s.wires[conn]
	var out strings.Builder
	if err := w.send(q.encode(s)); err != nil {
		return "", err
	}
	closed, err := s.collect(&out, conn, q.xid, q)
	if err != nil {
		return "", err
	}
	if closed {
		if err := s.reopen(conn); err != nil {
			return "", err
		}
	}
	for i := range s.wires {
		if err := s.ping(&out, i); err != nil {
			return "", err
		}
	}
	s.marks = append(s.marks, s.newest)
	if closed {
		// The ephemerals of a session go in one transaction, in no order.
		lines := strings.SplitAfter(out.String(), "\n")
		slices.Sort(lines)
		return strings.Join(lines, ""), nil
	}
	return out.String(), nil
}

// reopen gives a connection that the server has closed a new session. The old one is closed first, so that its
// ephemerals go at the same moment on both sides.
func (s *side) reopen(conn int) error {
	old := s.wires[conn]
	old.conn.Close()
	if w, err := dial(s.address, old.session, old.passwd); err == nil {
		var end writer
		end.int(1)
		end.int(opClose)
		if err := w.send(end.bytes); err != nil {
			return err
		}
		for err == nil {
			_, err = w.receive()
		}
		w.conn.Close()
	} else if !errors.Is(err, errClosed) {
		return err
	}
	w, err := dial(s.address, 0, make([]byte, 16))
	if err != nil {
		return err
	}
	s.wires[conn] = w
	s.session(w.session)
	return nil
}

func (s *side) ping(out *strings.Builder, conn int) error {
	var w writer
	w.int(-2)
	w.int(opPing)
	if err := s.wires[conn].send(w.bytes); err != nil {
		return err
	}
	closed, err := s.collect(out, conn, -2, nil)
	if closed {
		fmt.Fprintf(out, "  c%d: closed instead of answering a ping\n", conn)
	}
	return err
}

// collect reads frames until the answer with this xid, and describes it and the events before it.
func (s *side) collect(out *strings.Builder, conn int, xid int32, q *request) (closed bool, err error) {
	for {
		frame, err := s.wires[conn].receive()
		if errors.Is(err, errClosed) {
			if q != nil {
				fmt.Fprintf(out, "  c%d: closed\n", conn)
			}
			return true, nil
		}
		if err != nil {
			return false, err
		}
		r := &reader{bytes: frame}
		got, zxid, code := r.int(), r.long(), r.int()
		if got == -1 {
			kind, state, path := r.int(), r.int(), r.buffer()
			fmt.Fprintf(out, "  c%d: event type %d state %d %v\n", conn, kind, state, path)
			continue
		}
		if got != xid {
			return false, fmt.Errorf("%s: answer with xid %d, want %d", s.name, got, xid)
		}
		s.newest = max(s.newest, zxid)
		if q == nil {
			return false, nil
		}
		fmt.Fprintf(out, "  c%d: code %d", conn, code)
		var record string
		if len(r.bytes) > 0 {
			record = " " + q.describe(s, r)
		}
		// Whether a transaction that failed uses up a zxid is the server's own affair.
		if code == 0 && q.writes() && !strings.Contains(record, " error ") {
			fmt.Fprintf(out, " zxid %s", s.zxid(zxid))
		}
		out.WriteString(record)
		if r.err != nil {
			fmt.Fprintf(out, " (malformed: %v)", r.err)
		} else if len(r.bytes) > 0 {
			fmt.Fprintf(out, " (%d bytes left over)", len(r.bytes))
		}
		out.WriteByte('\n')
		if code == codeUnimplemented || code == codeAuthFailed || q.op == opClose {
			continue // the server closes the connection next, or the test learns that it does not
		}
		return false, nil
	}
}

func (s *side) stat(r *reader) string {
	czxid, mzxid, ctime, mtime := r.long(), r.long(), r.long(), r.long()
	version, cversion, aversion, owner := r.int(), r.int(), r.int(), r.long()
	length, children, pzxid := r.int(), r.int(), r.long()
	times := "times ok"
	now := time.Now().UnixMilli()
	if czxid != 0 && (ctime < now-600_000 || ctime > now+60_000 || mtime < ctime || czxid == mzxid && ctime != mtime) {
		times = fmt.Sprintf("times wrong: %d %d", ctime, mtime)
	}
	return fmt.Sprintf("stat{c=%s m=%s p=%s v=%d cv=%d av=%d owner=%s len=%d kids=%d %s}", s.zxid(czxid), s.zxid(mzxid), s.zxid(pzxid),
		version, cversion, aversion, s.session(owner), length, children, times)
}

func acls(r *reader) string {
	var list []string
	for n := r.int(); n > 0 && r.err == nil; n-- {
		list = append(list, fmt.Sprintf("%d %v:%v", r.int(), r.buffer(), r.buffer()))
	}
	slices.Sort(list) // what `auth` expands to has no order
	return strings.Join(list, ",")
}

func set(list []string) string {
	slices.Sort(list)
	return "[" + strings.Join(list, " ") + "]"
}
