package stages

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/troupekeeper/troupe/actors"
)

// auditLog is where the stages of the audit log write their lines: a file, or the server's log. Two of them may append to one
// file, as each batch of lines is a single write.
type auditLog struct {
	env    *actors.CustomEnv
	path   string
	file   *os.File
	buffer bytes.Buffer
	lines  *actors.Counter
}

func newAuditLog(env *actors.CustomEnv) auditLog {
	return auditLog{env: env, path: env.Settings.Text(AuditFileKey), lines: env.Counter("lines")}
}

// AuditFileKey is the key that names the file of the audit log.
const AuditFileKey = "file"

func auditFile(help string) actors.StageKey {
	return actors.StageKey{Name: AuditFileKey, Kind: actors.KeyText, Default: "", Help: help}
}

// auditLook is how often the audit log looks whether its file is still there.
const auditLook = time.Second

func (a *auditLog) open() error {
	if a.path == "" {
		return nil
	}
	f, err := os.OpenFile(a.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("stage.%s.%s: %w", a.env.ID, AuditFileKey, err)
	}
	a.file = f
	a.env.After(auditLook, a.look)
	return nil
}

// look opens the file anew when a program that rotates logs has taken it away.
func (a *auditLog) look() []actors.Item {
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
func (a *auditLog) Close() {
	if a.file != nil {
		_ = a.file.Close()
	}
}

// begin starts a line.
func (a *auditLog) begin() *bytes.Buffer {
	if a.file != nil {
		a.buffer.WriteString(time.UnixMilli(a.env.Clock.WallMs()).UTC().Format("2006-01-02 15:04:05,000"))
		a.buffer.WriteString(" INFO audit: ")
	}
	return &a.buffer
}

// end ends it.
func (a *auditLog) end(failed bool) {
	if failed {
		a.buffer.WriteString("\tresult=failure\n")
	} else {
		a.buffer.WriteString("\tresult=success\n")
	}
	a.lines.Inc()
}

// flush writes out the lines that there are. An instance that can't write fails, and its policy applies.
func (a *auditLog) flush() {
	if a.buffer.Len() == 0 {
		return
	}
	if a.file == nil {
		for _, line := range strings.Split(strings.TrimSuffix(a.buffer.String(), "\n"), "\n") {
			a.env.Log.Info().Msg(line)
		}
		a.buffer.Reset()
		return
	}
	if _, err := a.buffer.WriteTo(a.file); err != nil && err != io.ErrShortWrite {
		panic(fmt.Errorf("write the audit log: %w", err))
	}
}
