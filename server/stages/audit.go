package stages

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// Audit is the stage that writes a line for each change that a client asks for, in ZooKeeper's format, before the client has
// its answer.
func Audit() actors.CustomStage {
	return actors.CustomStage{
		ID: "audit", Place: actors.BeforeReply, Policy: actors.PassOn,
		Help: "Writes a line for each change that a client asks for, in the format of ZooKeeper's audit log; audit.enable=true names it too.",
		Keys: []actors.StageKey{
			{Name: "file", Kind: actors.KeyText, Default: "",
				Help: "File to append to, opened anew when it has been moved away; empty: the server's log."},
		},
		New: func(env *actors.CustomEnv) (actors.Stage, error) {
			a := &audit{env: env, path: env.Settings.Text("file"), lines: env.Counter("lines")}
			return a, a.open()
		},
	}
}

// auditLook is how often the audit log looks whether its file is still there.
const auditLook = time.Second

type audit struct {
	env    *actors.CustomEnv
	path   string
	file   *os.File
	buffer bytes.Buffer
	lines  *actors.Counter
}

func (a *audit) open() error {
	if a.path == "" {
		return nil
	}
	f, err := os.OpenFile(a.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("stage.audit.file: %w", err)
	}
	a.file = f
	a.env.After(auditLook, a.look)
	return nil
}

// look opens the file anew when a program that rotates logs has taken it away.
func (a *audit) look() []actors.Item {
	now, err := os.Stat(a.path)
	mine, mineErr := a.file.Stat()
	if err == nil && mineErr == nil && os.SameFile(now, mine) {
		a.env.After(auditLook, a.look)
		return nil
	}
	_ = a.file.Close()
	if err := a.open(); err != nil {
		panic(err) // the policy says what happens to changes that can't be written down
	}
	return nil
}

// Close implements actors.StageCloser.
func (a *audit) Close() {
	if a.file != nil {
		_ = a.file.Close()
	}
}

// Handle implements actors.Stage.
func (a *audit) Handle(batch []actors.Item) []actors.Item {
	a.buffer.Reset()
	for i := range batch {
		a.item(&batch[i])
	}
	if a.buffer.Len() == 0 {
		return batch
	}
	if a.file == nil {
		for _, line := range strings.Split(strings.TrimSuffix(a.buffer.String(), "\n"), "\n") {
			a.env.Log.Info().Msg(line)
		}
		return batch
	}
	if _, err := a.buffer.WriteTo(a.file); err != nil && err != io.ErrShortWrite {
		panic(fmt.Errorf("write the audit log: %w", err))
	}
	return batch
}

// item writes the lines of one reply.
func (a *audit) item(i *actors.Item) {
	op := i.Op()
	if !op.IsWrite() && op != messages.OpReconfig {
		return
	}
	failed := i.Outcome() != messages.ErrOK || op == messages.OpMulti && i.Txn() == nil
	changes := i.Changes()
	if i.Txn() != nil && op != messages.OpCloseSession { // the paths as they became; what was asked says the kind of node
		asked := actors.RequestChanges(i)
		for k := range changes {
			if len(asked) == len(changes) {
				changes[k].Container, changes[k].Sequential = asked[k].Container, asked[k].Sequential
			}
		}
	}
	for _, c := range changes {
		name := auditNames[c.Op]
		if op == messages.OpCloseSession {
			name = "ephemeralZNodeDeletionOnSessionCloseOrExpire"
		}
		if name != "" {
			a.line(i, name, &c, failed)
		}
	}
	if op == messages.OpReconfig {
		a.line(i, "reconfig", &actors.Change{Path: messages.ConfigPath}, failed)
	}
}

var auditNames = map[messages.OpCode]string{
	messages.OpCreate: "create", messages.OpDelete: "delete", messages.OpSetData: "setData", messages.OpSetACL: "setAcl",
}

// line writes one line: what there is of session, user, ip, operation, znode, znode_type, acl and result, with tabs between.
func (a *audit) line(i *actors.Item, name string, c *actors.Change, failed bool) {
	b := &a.buffer
	if a.file != nil {
		b.WriteString(time.UnixMilli(a.env.Clock.WallMs()).UTC().Format("2006-01-02 15:04:05,000"))
		b.WriteString(" INFO audit: ")
	}
	fmt.Fprintf(b, "session=%v\tuser=%s\tip=%s\toperation=%s\tznode=%s",
		i.Session(), users(i.Identities()), ip(i.Client()), name, oneLine(c.Path))
	if c.Op == messages.OpCreate {
		b.WriteString("\tznode_type=" + nodeType(c))
	}
	if c.Op == messages.OpSetACL {
		b.WriteString("\tacl=" + aclText(c.ACL))
	}
	if failed {
		b.WriteString("\tresult=failure\n")
	} else {
		b.WriteString("\tresult=success\n")
	}
	a.lines.Inc()
}

func nodeType(c *actors.Change) string {
	switch {
	case c.Container:
		return "container"
	case c.Ephemeral && c.Sequential:
		return "ephemeral_sequential"
	case c.Ephemeral:
		return "ephemeral"
	case c.Sequential:
		return "persistent_sequential"
	}
	return "persistent"
}

// users names who the client has proved to be, without what is secret.
func users(ids []messages.Identity) string {
	var names []string
	for _, id := range ids {
		name := id.ID
		if id.Scheme == "digest" {
			name, _, _ = strings.Cut(name, ":")
		}
		if name == "" {
			name = id.Scheme
		}
		names = append(names, oneLine(name))
	}
	return strings.Join(names, ",")
}

func ip(client string) string {
	if n := strings.LastIndexByte(client, ':'); n >= 0 {
		client = client[:n]
	}
	return strings.Trim(client, "[]")
}

func aclText(list []messages.ACL) string {
	entries := make([]string, len(list))
	for k, e := range list {
		id := e.ID.ID
		if e.ID.Scheme == "digest" {
			id, _, _ = strings.Cut(id, ":")
		}
		entries[k] = oneLine(e.ID.Scheme + ":" + id + ":" + e.Perms.String())
	}
	return strings.Join(entries, ",")
}

// oneLine keeps what a client has chosen from looking like another line or field.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
}
