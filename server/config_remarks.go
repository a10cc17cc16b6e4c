package server

import (
	"fmt"
	"strconv"
	"strings"
)

// remark warns about values that are allowed but do something else than their writer may believe, or that cost safety.
func (l *configLoader) remark() {
	c := l.cfg
	l.warnIf("snapshot.compression.method", func(v string) string {
		if v == "gz" || v == "snappy" {
			return v + " is not made here, snapshots are compressed with zstd"
		}
		return ""
	})
	l.warnIf("autopurge.snapRetainCount", func(v string) string {
		if n, err := strconv.Atoi(v); err == nil && n < leastSnapshots {
			return fmt.Sprintf("%d snapshots are kept, fewer would leave nothing to fall back to", leastSnapshots)
		}
		return ""
	})
	l.warnIf("metricsProvider.className", func(v string) string {
		if v != "" && !c.Metrics.Enabled && !strings.HasSuffix(v, "DefaultMetricsProvider") &&
			!strings.HasSuffix(v, "NullMetricsProvider") {
			return "not known, ignored; Prometheus is the provider that exists"
		}
		return ""
	})
	l.warnIf("forceSync", func(string) string {
		if !c.Log.ForceSync {
			return "writes are acknowledged before they are on disk: a power cut loses acknowledged data"
		}
		return ""
	})
	l.warnIf("skipACL", func(string) string {
		if c.Access.SkipACL {
			return "no ACL is checked, every client may do everything"
		}
		return ""
	})
	l.remarkEnsemble()
}

// warnIf warns about a key that was set when look has something to say about its value.
func (l *configLoader) warnIf(name string, look func(value string) string) {
	entry, ok := l.entries[name]
	if !ok {
		return
	}
	if text := look(entry.value); text != "" {
		l.warn(entry.origin, entry.key, text)
	}
}

func (l *configLoader) remarkEnsemble() {
	e := l.cfg.Ensemble
	participants := len(e.Membership.Voters())
	source := l.membershipSource()
	if self, ok := e.Self(); ok {
		l.warnIf("peerType", func(v string) string {
			if !strings.EqualFold(v, self.Role.String()) {
				return fmt.Sprintf("the server.%d line says %s, which counts", self.ID, self.Role)
			}
			return ""
		})
	}
	if !e.Distributed() {
		return
	}
	if participants == 2 {
		l.warnings = append(l.warnings, Warning{Source: source,
			Text: "two participants: neither may fail; three are the least that survive the loss of one"})
	} else if participants > 0 && participants%2 == 0 {
		l.warnings = append(l.warnings, Warning{Source: source, Text: fmt.Sprintf(
			"%d participants survive no more failures than %d", participants, participants-1)})
	}
	for _, s := range e.Membership.Members {
		if len(s.Addresses) > 1 && !e.MultiAddress {
			l.problems = append(l.problems, ConfigProblem{Source: source, Text: fmt.Sprintf(
				"server.%d has several addresses; that needs multiAddress.enabled=true", s.ID)})
		}
	}
}

// collectProviders keeps the class names of authProvider.* lines for the registry of authentication schemes.
func (l *configLoader) collectProviders() {
	for _, name := range l.sortedNames() {
		if suffix, ok := strings.CutPrefix(name, "authProvider."); ok {
			if l.cfg.Access.AuthProviders == nil {
				l.cfg.Access.AuthProviders = map[string]string{}
			}
			l.cfg.Access.AuthProviders[suffix] = l.entries[name].value
		}
	}
}
