package stages

import (
	"fmt"
	"strings"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// AuditID is the ID of the stage that writes the audit log.
const AuditID = "audit"

// Audit is the stage that writes a line for each change that a client asks for, in ZooKeeper's format, before the client has
// its answer, on the server that answers.
func Audit() actors.CustomStage {
	return actors.CustomStage{
		ID: AuditID, Place: actors.BeforeReply, Policy: actors.PassOn,
		Help: "Writes a line for each change that a client asks for, in the format of ZooKeeper's audit log; audit.enable=true names it too.",
		Keys: []actors.StageKey{auditFile("File to append to, opened anew when it has been moved away; empty: the server's log.")},
		New: func(env *actors.CustomEnv) (actors.Stage, error) {
			a := &audit{newAuditLog(env)}
			return a, a.open()
		},
	}
}

type audit struct{ auditLog }

// Handle implements actors.Stage.
func (a *audit) Handle(batch []actors.Item) []actors.Item {
	for i := range batch {
		a.item(&batch[i])
	}
	a.flush()
	return batch
}

// item writes the lines of one reply. What goes with a session has its lines from AuditSessions, whoever has ended it.
func (a *audit) item(i *actors.Item) {
	op := i.Op()
	if !op.IsWrite() && op != messages.OpReconfig || op == messages.OpCloseSession {
		return
	}
	failed := i.Outcome() != messages.ErrOK || op == messages.OpMulti && i.Txn() == nil
	if failed && op == messages.OpMulti {
		a.line(i, "multiOperation", &actors.Change{}, failed) // none of its operations has happened: ZooKeeper names none
		return
	}
	changes := i.Changes()
	if i.Txn() != nil { // the paths as they became; what was asked says the kind of node
		asked := actors.RequestChanges(i)
		for k := range changes {
			if len(asked) == len(changes) {
				changes[k].Container, changes[k].Sequential = asked[k].Container, asked[k].Sequential
			}
		}
	}
	for _, c := range changes {
		if name := auditNames[c.Op]; name != "" {
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
	b := a.begin()
	fmt.Fprintf(b, "session=%v\tuser=%s\tip=%s\toperation=%s", i.Session(), users(i.Identities()), ip(i.Client()), name)
	if c.Path != "" {
		b.WriteString("\tznode=" + oneLine(c.Path))
	}
	if c.Op == messages.OpCreate {
		b.WriteString("\tznode_type=" + nodeType(c))
	}
	if c.Op == messages.OpSetACL {
		b.WriteString("\tacl=" + aclText(c.ACL))
	}
	a.end(failed)
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
