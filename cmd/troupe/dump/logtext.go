package dump

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/troupekeeper/troupe/messages"
)

// textWriter writes transactions for a person: a line each, with further lines for what one line can't hold.
type textWriter struct {
	*bufio.Writer
	Style
}

// indent is what further lines begin with.
const indent = "        "

func (w *textWriter) txn(t *Txn) error {
	h := &t.Header
	fmt.Fprintf(w, "%-11v %-7s %s  session %-18v %-15s", h.Zxid, zxidParts(h.Zxid), w.time(h.Time), h.Session, opName(h.Op, t.Body))
	switch b := t.Body.(type) {
	case *messages.MultiTxn:
		fmt.Fprintf(w, " %s\n", count(len(b.Ops), "operation", "operations"))
		for _, op := range b.Ops {
			if op.Body == nil { // a check; what it asked for isn't logged
				fmt.Fprintf(w, "%s%s\n", indent, opName(op.Op, nil))
				continue
			}
			fmt.Fprintf(w, "%s%-15s", indent, opName(op.Op, op.Body))
			w.body(op.Body, indent)
		}
	default:
		w.body(t.Body, "")
	}
	return w.failed()
}

// failed reports an error of the output: a bufio.Writer keeps the first one.
func (w *textWriter) failed() error {
	_, err := w.Write(nil)
	return err
}

// opName is the operation that the client asked for, or what came of it if that says more.
func opName(op messages.OpCode, body messages.TxnBody) string {
	if body != nil && !op.IsWrite() {
		return body.Kind().String()
	}
	return op.String()
}

// body ends the line with what a body says.
func (w *textWriter) body(body messages.TxnBody, prefix string) {
	switch b := body.(type) {
	case *messages.CreateTxn:
		details := []string{byteCount(len(b.Data))}
		if o := owner(b.Owner); o != "" {
			details = append(details, o)
		}
		if !isOpen(b.ACL) {
			details = append(details, "ACL "+acl(b.ACL))
		}
		w.details(b.Path, details...)
		w.data(b.Data, prefix)
	case *messages.DeleteTxn:
		w.details(b.Path)
	case *messages.SetDataTxn:
		w.details(b.Path, byteCount(len(b.Data)), fmt.Sprintf("version %d", b.Version))
		w.data(b.Data, prefix)
	case *messages.SetACLTxn:
		w.details(b.Path, "ACL "+acl(b.ACL), fmt.Sprintf("aversion %d", b.Version))
	case *messages.CreateSessionTxn:
		fmt.Fprintf(w, " timeout %s", millis(int64(b.Timeout)))
		if w.Secrets {
			fmt.Fprintf(w, ", password %s", hex.EncodeToString(b.Password))
		}
		fmt.Fprintln(w)
	case *messages.CloseSessionTxn:
		w.closeSession(b)
	default:
		fmt.Fprintf(w, " %v\n", body.Kind())
	}
}

func (w *textWriter) closeSession(b *messages.CloseSessionTxn) {
	if len(b.Paths) == 0 {
		fmt.Fprintln(w, " no ephemerals")
		return
	}
	fmt.Fprintf(w, " %s\n", count(len(b.Paths), "ephemeral", "ephemerals"))
	for _, p := range b.Paths {
		fmt.Fprintf(w, "%s%-15s %s\n", indent, "delete", shownPath(p))
	}
}

func (w *textWriter) details(path string, details ...string) {
	fmt.Fprintf(w, " %s", shownPath(path))
	if len(details) > 0 {
		fmt.Fprintf(w, "  %s", strings.Join(details, ", "))
	}
	fmt.Fprintln(w)
}

func (w *textWriter) data(data []byte, prefix string) {
	if w.Data {
		fmt.Fprintf(w, "%s%sdata: %s\n", prefix, indent, w.shownData(data))
	}
}
