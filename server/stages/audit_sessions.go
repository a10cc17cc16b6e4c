package stages

import (
	"fmt"
	"os"
	"os/user"
	"strconv"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// AuditSessionsID is the ID of the stage that writes what goes with sessions into the audit log.
const AuditSessionsID = "audit-sessions"

// AuditSessions is the stage that writes a line for each ephemeral node that goes with its session, whether a client has closed
// it or it has expired. It belongs to Audit and stands at another place: the end of a session is an act of the server, which
// often nobody is answered for. So, as in ZooKeeper, each server of an ensemble has these lines, once a node, when its own
// tree has lost the node; user is who runs the server, and there is no ip.
//
// A pipeline that is built anew goes on where the one before has been. What a server gets as a snapshot, or finds in its log when it
// starts, has no lines.
func AuditSessions() actors.CustomStage {
	return actors.CustomStage{
		ID: AuditSessionsID, Place: actors.AfterCommit, Policy: actors.PassOn,
		Help: "Writes the audit log's lines for ephemeral nodes that go with a closed or expired session, on each server; runs where audit does.",
		Keys: []actors.StageKey{auditFile("File to append to; empty: that of stage.audit.file, and without one the server's log.")},
		New: func(env *actors.CustomEnv) (actors.Stage, error) {
			a := &auditSessions{auditLog: newAuditLog(env), user: oneLine(serverUser())}
			return a, a.open()
		},
	}
}

type auditSessions struct {
	auditLog
	user string
}

// Handle implements actors.Stage.
func (a *auditSessions) Handle(batch []actors.Item) []actors.Item {
	for i := range batch {
		if _, end := batch[i].Txn().Body.(*messages.CloseSessionTxn); !end {
			continue
		}
		for _, c := range batch[i].Changes() {
			fmt.Fprintf(a.begin(), "session=%v\tuser=%s\toperation=ephemeralZNodeDeletionOnSessionCloseOrExpire\tznode=%s",
				batch[i].Session(), a.user, oneLine(c.Path))
			a.end(false)
		}
	}
	a.flush()
	return batch
}

// serverUser is who this process runs as; where the system has no name for that, its number.
func serverUser() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return strconv.Itoa(os.Getuid())
}
