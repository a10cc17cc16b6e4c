package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"
)

// componentField names the part of the server that a line comes from; the console shows it as a column.
const componentField = "component"

// logTimeFormat has milliseconds and the zone, so that lines of several servers can be merged by sorting.
const logTimeFormat = "2006-01-02T15:04:05.000Z07:00"

// OpenLogger makes the logger that the configuration asks for: on standard error or appended to a file, for people or for
// machines. now is the clock of the lines. done closes the file; it does nothing for standard error.
func OpenLogger(c LoggingConfig, now func() time.Time) (logger zerolog.Logger, done func() error, err error) {
	out, done := os.Stderr, func() error { return nil }
	if c.File != "" {
		// 0640: the log names clients and paths, which is nothing for other users of the machine.
		out, err = os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
		if err != nil {
			return zerolog.Nop(), done, fmt.Errorf("log.file: can't open %s for appending: %w", c.File, err)
		}
		done = out.Close
	}
	logger, err = NewLogger(out, c, isatty.IsTerminal(out.Fd()), now)
	return logger, done, err
}

// NewLogger makes a logger that writes to out. terminal tells whether a person reads along; it decides the format "auto",
// and colours. The error names level or format if it is not one of the configuration's words.
func NewLogger(out io.Writer, c LoggingConfig, terminal bool, now func() time.Time) (zerolog.Logger, error) {
	level, err := zerolog.ParseLevel(c.Level)
	if err != nil || c.Level == "" {
		return zerolog.Nop(), fmt.Errorf("log.level %q is not known; allowed: trace, debug, info, warn, error", c.Level)
	}
	switch c.Format {
	case "json":
	case "console":
		out = consoleWriter(out, terminal)
	case "auto":
		if terminal {
			out = consoleWriter(out, terminal)
		}
	default:
		return zerolog.Nop(), fmt.Errorf("log.format %q is not known; allowed: auto, console, json", c.Format)
	}
	stamp := zerolog.HookFunc(func(e *zerolog.Event, _ zerolog.Level, _ string) {
		// The library's own stamp reads a global clock in a global format.
		e.Str(zerolog.TimestampFieldName, now().UTC().Format(logTimeFormat))
	})
	return zerolog.New(out).Level(level).Hook(stamp), nil
}

// Component is the logger for one part of the server.
func Component(logger zerolog.Logger, name string) zerolog.Logger {
	return logger.With().Str(componentField, name).Logger()
}

// componentWidth is the width of the component's column; names of parts are shorter.
const componentWidth = 10

// consoleWriter aligns time, level, component and message; the other fields follow as key=value.
func consoleWriter(out io.Writer, colors bool) io.Writer {
	w := zerolog.ConsoleWriter{
		Out:           out,
		NoColor:       !colors,
		PartsOrder:    []string{zerolog.TimestampFieldName, zerolog.LevelFieldName, componentField, zerolog.MessageFieldName},
		FieldsExclude: []string{componentField},
	}
	w.FormatTimestamp = func(v any) string {
		text, _ := v.(string)
		t, err := time.Parse(logTimeFormat, text)
		if err != nil {
			return text
		}
		return t.Local().Format("2006-01-02 15:04:05.000")
	}
	w.FormatPartValueByName = func(v any, _ string) string {
		text, _ := v.(string)
		return fmt.Sprintf("%-*s", componentWidth, text)
	}
	w.FormatMessage = func(v any) string {
		text, _ := v.(string)
		return onOneLine(text)
	}
	return w
}

// onOneLine keeps a message with a line feed or an escape sequence in it from forging a second line or colouring the terminal.
func onOneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// NewSlogBridge lets the actor library, which logs to slog, write to our log under the component "actors". Its notices
// about its own life are of no use to an operator, so below a log level of debug only its warnings and errors pass.
func NewSlogBridge(logger zerolog.Logger) *slog.Logger {
	if level := logger.GetLevel(); level > zerolog.DebugLevel && level < zerolog.WarnLevel {
		logger = logger.Level(zerolog.WarnLevel)
	}
	return slog.New(untimedHandler{zerolog.NewSlogHandler(Component(logger, "actors"))})
}

// untimedHandler removes the time that slog read from the system's clock; the logger adds the one of ours.
type untimedHandler struct{ slog.Handler }

// Handle passes the record on without its time.
func (h untimedHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Time = time.Time{}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the wrapping.
func (h untimedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return untimedHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the wrapping.
func (h untimedHandler) WithGroup(name string) slog.Handler {
	return untimedHandler{h.Handler.WithGroup(name)}
}
