package server

import (
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// LimitedLogger keeps lines that one client can provoke at will (a nonsense frame, a refused connection) from filling the
// log. Each reason has a bucket of tokens; a line costs one, and one comes back each interval. What was left out is counted
// and told in the next line that passes, as the field "suppressed". It is safe for concurrent use.
type LimitedLogger struct {
	logger   zerolog.Logger
	burst    int
	interval time.Duration
	now      func() time.Time

	mu      sync.Mutex
	buckets map[string]*logBucket
	total   uint64
}

type logBucket struct {
	tokens     int
	filled     time.Time // when the last token came
	suppressed uint64    // lines left out since the last one that passed
}

// limitedReasonsMax bounds the reasons that have a bucket of their own; the rest shares one. Reasons are meant to be fixed
// words of the program, so this only bounds the damage of a caller that puts an address in.
const limitedReasonsMax = 256

// NewLimitedLogger lets burst lines of each reason pass at once, then one each interval. now is the clock.
func NewLimitedLogger(logger zerolog.Logger, burst int, interval time.Duration, now func() time.Time) *LimitedLogger {
	return &LimitedLogger{
		logger: logger, burst: max(burst, 1), interval: max(interval, 1), now: now, buckets: map[string]*logBucket{},
	}
}

// Info starts a line at info, nil (which swallows all fields) when the reason has no token.
func (l *LimitedLogger) Info(reason string) *zerolog.Event { return l.Event(zerolog.InfoLevel, reason) }

// Warn starts a line at warn, nil (which swallows all fields) when the reason has no token.
func (l *LimitedLogger) Warn(reason string) *zerolog.Event { return l.Event(zerolog.WarnLevel, reason) }

// Event starts a line of any level. A line below the logger's level costs no token.
func (l *LimitedLogger) Event(level zerolog.Level, reason string) *zerolog.Event {
	if level < l.logger.GetLevel() {
		return nil
	}
	pass, suppressed := l.take(reason)
	if !pass {
		return nil
	}
	event := l.logger.WithLevel(level)
	event.Str("reason", reason)
	if suppressed > 0 {
		event.Uint64("suppressed", suppressed)
	}
	return event
}

// Suppressed counts the lines left out so far, of all reasons.
func (l *LimitedLogger) Suppressed() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

func (l *LimitedLogger) take(reason string) (pass bool, suppressed uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	b := l.buckets[reason]
	if b == nil {
		if len(l.buckets) >= limitedReasonsMax {
			reason = ""
			b = l.buckets[reason]
		}
		if b == nil {
			b = &logBucket{tokens: l.burst, filled: now}
			l.buckets[reason] = b
		}
	}
	b.fill(now, l.interval, l.burst)
	if b.tokens == 0 {
		b.suppressed++
		l.total++
		return false, 0
	}
	b.tokens--
	suppressed, b.suppressed = b.suppressed, 0
	return true, suppressed
}

// fill adds the tokens of the whole intervals that passed; the rest of an interval keeps counting. A clock that went back
// starts the interval anew.
func (b *logBucket) fill(now time.Time, interval time.Duration, burst int) {
	passed := now.Sub(b.filled)
	if passed < 0 {
		b.filled = now
		return
	}
	intervals := passed / interval
	if intervals >= time.Duration(burst-b.tokens) {
		b.tokens, b.filled = burst, now
		return
	}
	b.tokens += int(intervals)
	b.filled = b.filled.Add(intervals * interval)
}
