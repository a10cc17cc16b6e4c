package dump

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/troupekeeper/troupe/messages"
)

// Filter says which transactions or nodes to show; the zero Filter shows all. A multi is shown whole when one of its
// operations matches.
type Filter struct {
	From, To messages.Zxid      // inclusive; To 0 means no end
	Path     string             // the node and all below it; with a * at the end any path that begins so
	Session  messages.SessionID // whose transactions, or whose ephemerals; 0 means any
	Ops      []string           // names such as create, in any case
}

// ParseZxid reads 0x and hexadecimal digits, a decimal number, or epoch/counter in decimal.
func ParseZxid(text string) (messages.Zxid, error) {
	if epoch, counter, ok := strings.Cut(text, "/"); ok {
		e, err1 := strconv.ParseUint(epoch, 10, 32)
		c, err2 := strconv.ParseUint(counter, 10, 32)
		if err1 == nil && err2 == nil {
			return messages.MakeZxid(uint32(e), uint32(c)), nil
		}
	} else if n, err := parseNumber(text); err == nil {
		return messages.Zxid(n), nil
	}
	return 0, fmt.Errorf("%q is no zxid: write it as 0x10000002a, as 1/42 (epoch/counter), or in decimal", text)
}

// ParseSession reads 0x and hexadecimal digits, or a decimal number, which may be negative as Java prints it.
func ParseSession(text string) (messages.SessionID, error) {
	if n, err := parseNumber(text); err == nil && n != 0 {
		return messages.SessionID(n), nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n != 0 {
		return messages.SessionID(n), nil
	}
	return 0, fmt.Errorf("%q is no session: write it as 0x10000a1b2c30000 or in decimal, not 0", text)
}

func parseNumber(text string) (uint64, error) {
	lower := strings.ToLower(text)
	if digits, ok := strings.CutPrefix(lower, "0x"); ok {
		return strconv.ParseUint(digits, 16, 64)
	}
	return strconv.ParseUint(lower, 10, 64)
}

// Validate reports a filter that can match nothing.
func (f *Filter) Validate() error {
	if f.To != 0 && f.From > f.To {
		return fmt.Errorf("--from %v is behind --to %v", f.From, f.To)
	}
	if f.Path != "" && f.Path[0] != '/' {
		return fmt.Errorf("--path %q: a path begins with /", f.Path)
	}
	for _, op := range f.Ops {
		if !knownOp(op) {
			return fmt.Errorf("--op %q: the operations are create, create2, createContainer, createTTL, delete, deleteContainer, "+
				"setData, setACL, check, multi, reconfig, createSession and closeSession", op)
		}
	}
	return nil
}

func knownOp(name string) bool {
	for op := messages.OpCode(-128); op < 128; op++ {
		if op.IsWrite() && strings.EqualFold(op.String(), name) {
			return true
		}
	}
	return false
}

// after is the zxid behind which reading may begin.
func (f *Filter) after() uint64 {
	if f.From == 0 {
		return 0
	}
	return uint64(f.From) - 1
}

func (f *Filter) end() messages.Zxid {
	if f.To == 0 {
		return math.MaxUint64
	}
	return f.To
}

func (f *Filter) matches(t *Txn) bool {
	h := &t.Header
	if h.Zxid < f.From || h.Zxid > f.end() || (f.Session != 0 && h.Session != f.Session) {
		return false
	}
	return f.matchesOp(h.Op, t.Body) && f.matchesPath(t.Body)
}

func (f *Filter) matchesOp(op messages.OpCode, body messages.TxnBody) bool {
	if len(f.Ops) == 0 {
		return true
	}
	for _, want := range f.Ops {
		if strings.EqualFold(want, op.String()) || (body != nil && strings.EqualFold(want, body.Kind().String())) {
			return true
		}
	}
	if m, ok := body.(*messages.MultiTxn); ok {
		for _, inner := range m.Ops {
			if f.matchesOp(inner.Op, inner.Body) {
				return true
			}
		}
	}
	return false
}

func (f *Filter) matchesPath(body messages.TxnBody) bool {
	if f.Path == "" {
		return true
	}
	switch b := body.(type) {
	case *messages.CreateTxn:
		return f.covers(b.Path)
	case *messages.DeleteTxn:
		return f.covers(b.Path)
	case *messages.SetDataTxn:
		return f.covers(b.Path)
	case *messages.SetACLTxn:
		return f.covers(b.Path)
	case *messages.CloseSessionTxn:
		for _, p := range b.Paths {
			if f.covers(p) {
				return true
			}
		}
	case *messages.MultiTxn:
		for _, op := range b.Ops {
			if f.matchesPath(op.Body) {
				return true
			}
		}
	}
	return false
}

func (f *Filter) covers(path string) bool {
	if f.Path == "" {
		return true
	}
	if begin, ok := strings.CutSuffix(f.Path, "*"); ok {
		return strings.HasPrefix(path, begin)
	}
	top := strings.TrimSuffix(f.Path, "/")
	return path == f.Path || path == top || strings.HasPrefix(path, top+"/")
}
