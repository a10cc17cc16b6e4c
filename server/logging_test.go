package server

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

var logInstant = time.Date(2024, 2, 29, 12, 30, 15, 123456789, time.UTC)

func fixedNow() time.Time { return logInstant }

func newTestLogger(t *testing.T, out *bytes.Buffer, level, format string, terminal bool) zerolog.Logger {
	t.Helper()
	logger, err := NewLogger(out, LoggingConfig{Level: level, Format: format}, terminal, fixedNow)
	if err != nil {
		t.Fatal(err)
	}
	return logger
}

func TestJSONLines(t *testing.T) {
	var out bytes.Buffer
	logger := Component(newTestLogger(t, &out, "info", "auto", false), "conn")
	logger.Debug().Msg("hidden")
	logger.Warn().Int("port", 7).Msg("seen")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%q is not one line of JSON: %v", out.String(), err)
	}
	want := map[string]any{
		"time": "2024-02-29T12:30:15.123Z", "level": "warn", "component": "conn", "message": "seen", "port": 7.0,
	}
	for k, v := range want {
		if line[k] != v {
			t.Errorf("%s is %v, want %v", k, line[k], v)
		}
	}
}

func TestConsoleLinesAreAligned(t *testing.T) {
	var out bytes.Buffer
	logger := newTestLogger(t, &out, "trace", "console", false)
	first, second := Component(logger, "conn"), Component(logger, "snapshot")
	first.Info().Str("session", "0x1").Msg("one")
	second.Error().Msg("two\nforged \x1b[31mline")
	logger.Info().Msg("three")
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines, want 3: %q", len(lines), out.String())
	}
	column := strings.Index(lines[0], "one")
	for i, word := range []string{"one", "two", "three"} {
		if strings.Index(lines[i], word) != column {
			t.Errorf("message of %q begins elsewhere than in %q", lines[i], lines[0])
		}
	}
	if !strings.Contains(lines[0], "session=0x1") || strings.Contains(lines[0], "component=") {
		t.Errorf("fields of %q", lines[0])
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Errorf("escape sequences without a terminal: %q", out.String())
	}
}

func TestLoggerRefusesUnknownWords(t *testing.T) {
	for _, c := range []LoggingConfig{{Level: "loud", Format: "json"}, {Format: "json"}, {Level: "info", Format: "xml"}} {
		if _, err := NewLogger(&bytes.Buffer{}, c, false, fixedNow); err == nil || !strings.Contains(err.Error(), "allowed:") {
			t.Errorf("%+v: error %v", c, err)
		}
	}
}

func TestOpenLoggerAppends(t *testing.T) {
	path := filepath.Join(t.TempDir(), "troupe.log")
	for range 2 {
		logger, done, err := OpenLogger(LoggingConfig{Level: "info", Format: "auto", File: path}, fixedNow)
		if err != nil {
			t.Fatal(err)
		}
		logger.Info().Msg("started")
		if err := done(); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), `"message":"started"`) != 2 {
		t.Errorf("file holds %q, %v; want two lines of JSON", text, err)
	}
	if _, _, err := OpenLogger(LoggingConfig{Level: "info", Format: "json", File: filepath.Dir(path)}, fixedNow); err == nil {
		t.Error("a folder was opened as log file")
	}
}

func TestSlogBridge(t *testing.T) {
	var out bytes.Buffer
	bridge := NewSlogBridge(newTestLogger(t, &out, "info", "json", false)).With("system", "s").WithGroup("g")
	bridge.Info("life cycle")
	bridge.Warn("odd", "pid", "p1")
	text := out.String()
	if strings.Contains(text, "life cycle") {
		t.Error("notices of the library reach the operator")
	}
	if strings.Count(text, `"time":`) != 1 || !strings.Contains(text, `"time":"2024-02-29T12:30:15.123Z"`) {
		t.Errorf("the time must be the injected one, once: %s", text)
	}
	for _, part := range []string{`"component":"actors"`, `"level":"warn"`, `"g.pid":"p1"`, `system":"s"`, `"message":"odd"`} {
		if !strings.Contains(text, part) {
			t.Errorf("%s lacks %s", text, part)
		}
	}
	out.Reset()
	debug := NewSlogBridge(newTestLogger(t, &out, "debug", "json", false))
	debug.Info("life cycle")
	if !strings.Contains(out.String(), "life cycle") {
		t.Error("with debug the notices must pass")
	}
	out.Reset()
	quiet := NewSlogBridge(newTestLogger(t, &out, "error", "json", false))
	quiet.Warn("odd")
	if quiet.Enabled(t.Context(), slog.LevelWarn) || out.Len() > 0 {
		t.Error("the bridge must not lower the level of the log")
	}
}

func TestLimitedLogger(t *testing.T) {
	var out bytes.Buffer
	now := logInstant
	limited := NewLimitedLogger(newTestLogger(t, &out, "info", "json", false), 2, time.Second, func() time.Time { return now })
	lines := func(n int, reason string) int {
		out.Reset()
		for range n {
			limited.Warn(reason).Str("from", "x").Msg("refused")
		}
		return strings.Count(out.String(), "\n")
	}
	if got := lines(5, "frame"); got != 2 {
		t.Errorf("%d lines of a burst of 5, want 2", got)
	}
	if got := lines(1, "other"); got != 1 {
		t.Error("another reason must have its own bucket")
	}
	now = now.Add(999 * time.Millisecond)
	if got := lines(1, "frame"); got != 0 {
		t.Error("a token came before its interval")
	}
	now = now.Add(time.Millisecond)
	if got := lines(3, "frame"); got != 1 || !strings.Contains(out.String(), `"suppressed":4`) {
		t.Errorf("want one line that tells of 4 suppressed ones, got %s", out.String())
	}
	now = now.Add(-time.Hour)
	if got := lines(1, "frame"); got != 0 {
		t.Error("a clock that goes back must not make tokens")
	}
	now = now.Add(time.Hour * 24)
	if got := lines(5, "frame"); got != 2 {
		t.Errorf("%d lines after a long pause, want the burst of 2", got)
	}
	if got := limited.Suppressed(); got != 3+1+2+1+3 {
		t.Errorf("%d suppressed in all, want 10", got)
	}
}

func TestLimitedLoggerIsBounded(t *testing.T) {
	var out bytes.Buffer
	shared := newTestLogger(t, &out, "info", "json", false).Output(zerolog.SyncWriter(&out))
	limited := NewLimitedLogger(shared, 1, time.Hour, fixedNow)
	var group sync.WaitGroup
	for i := range 4 {
		group.Add(1)
		go func() {
			defer group.Done()
			for j := range 1000 {
				limited.Event(zerolog.DebugLevel, "below").Msg("hidden")
				limited.Info(strings.Repeat("r", i+1) + string(rune('a'+j%26)) + string(rune('a'+j/26))).Msg("m")
			}
		}()
	}
	group.Wait()
	if len(limited.buckets) > limitedReasonsMax+1 {
		t.Errorf("%d buckets, want at most %d", len(limited.buckets), limitedReasonsMax+1)
	}
	if got := strings.Count(out.String(), "\n"); got > limitedReasonsMax+1 {
		t.Errorf("%d lines passed, want at most one a bucket", got)
	}
	if strings.Contains(out.String(), "hidden") {
		t.Error("a line below the level was logged")
	}
}
