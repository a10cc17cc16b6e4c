package server

import (
	"runtime/debug"
	"strings"
	"sync"
)

const (
	// Version is Troupe's own version.
	Version = "0.1.0"
	// CompatVersion is the version of ZooKeeper whose client protocol and commands this server speaks. It leads every
	// version text, because clients and monitoring decide by it what a server can do.
	CompatVersion = "3.9.4"
)

// buildFacts is what the Go tool has noted about the sources that this program was built from.
type buildFacts struct {
	commit string // the first twelve digits, with "-dirty" behind them when files were changed; "" if unknown
	time   string // of the commit, as RFC 3339; "" if unknown
}

var readBuild = sync.OnceValue(func() (b buildFacts) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	dirty := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.commit = s.Value[:min(len(s.Value), 12)]
		case "vcs.time":
			b.time = s.Value
		case "vcs.modified":
			dirty = s.Value == "true"
		}
	}
	if dirty && b.commit != "" {
		b.commit += "-dirty"
	}
	return b
})

// Commit is the commit that this program was built from, "" if the build doesn't know it.
func Commit() string { return readBuild().commit }

// VersionText is what the server says about its version: ZooKeeper's version first, as tools expect it, then ours.
func VersionText() string { return versionText(readBuild()) }

func versionText(b buildFacts) string {
	var t strings.Builder
	t.WriteString(CompatVersion + "-troupe-" + Version)
	if b.commit != "" {
		t.WriteString("-" + b.commit)
	}
	if b.time != "" {
		t.WriteString(", built on " + b.time)
	}
	return t.String()
}
