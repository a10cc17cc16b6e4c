package main

import "slices"

// Policy is the architecture as data: which folders there are, who may import whom, which files are plumbing, what is
// banned where. Change it together with the DESIGN.md of the folder concerned.
type Policy struct {
	TopFolders []string // the only folders at the top
	TopFiles   []string // the only files at the top
	Designed   []string // folders that must have a DESIGN.md

	// MayImport maps a folder to the folders of ours that it may import; the longest matching key rules.
	// TestsMayImport adds to it for test files, which have to start what they test.
	MayImport      map[string][]string
	TestsMayImport map[string][]string

	Cores    []string // folders whose files are cores unless named otherwise: no actor library, no I/O, no clock
	Shells   []string // within Cores: globs of the files that hold mailboxes
	Plumbing []string // within Cores: globs of the files that adapt the actor library
	Edges    []string // within Cores: globs of the files where the real world comes in: sockets and their goroutines
	Kits     []string // public test kits: they may wait with a deadline, as tests do
	Impure   []string // import paths that a core must not use

	Bans []Ban

	LineRunes     int // longest line of Go source
	FileLines     int // hard limit
	FileReason    int // above this a file needs an exception with a reason
	FunctionLines int
	TestLines     int // longest function in a test file: its tables are data
	ReceiveLines  int // longest Receive method: one line a case

	// LongFunctions holds present offenders as "file:Type.Method" or "file:Function" → lines. It is a ratchet: an
	// entry may only shrink, and goes when the function fits.
	LongFunctions map[string]int

	Exceptions []Exception
}

// Exception excuses one file from one rule, and says why.
type Exception struct {
	Rule   string
	Path   string
	Reason string
}

// Ban forbids names of a package, methods of a name, or go statements in some folders.
type Ban struct {
	Name    string   // name of the rule
	Package string   // import path; empty: methods of any type
	Names   []string // banned names; empty with a Package: all but Allowed
	Allowed []string
	Go      bool // ban the go statement instead
	Where   []string
	Except  []string
	Tests   bool   // look at test files; otherwise at all others
	Instead string // what to do instead, as a sentence
}

var (
	// deterministic is the code that must do the same from the same messages: the seeded simulation stands on it.
	deterministic = []string{"actors", "cluster", "messages", "persistence/tree", "persistence/watch"}
	testKits      = []string{"actors/actortest", "actors/stagetest", "cluster/sim"}
	plumbing      = both("stage", "registry", "pipeline", "props", "supervise", "clock", "mailbox", "dispatch",
		"conntable", "runtime", "metrics")
	edges = both("transport", "tcp", "tls", "listener", "link")
)

// both returns the globs of named files in actors and cluster: name.go and name_<part>.go.
func both(names ...string) []string {
	var globs []string
	for _, folder := range []string{"actors/", "cluster/"} {
		for _, name := range names {
			globs = append(globs, folder+name+".go", folder+name+"_*.go")
		}
	}
	return globs
}

// DefaultPolicy returns the rules of this repository.
func DefaultPolicy() *Policy {
	return &Policy{
		TopFolders: []string{".ci", "actors", "bench", "cluster", "cmd", "messages", "persistence", "server"},
		TopFiles: []string{".dockerignore", ".gitattributes", ".gitignore", ".golangci.yml", "CHANGELOG.md", "CONTRIBUTING.md",
			"Dockerfile", "LICENSE", "Makefile", "README.md", "go.mod", "go.sum"},
		Designed: []string{"actors", "bench", "cluster", "messages", "persistence", "server"},

		MayImport: map[string][]string{
			"messages":      {"messages"},
			"persistence":   {"persistence", "messages"},
			"actors":        {"actors", "persistence", "messages"},
			"cluster":       {"cluster", "actors", "persistence", "messages"},
			"server":        {"server", "cluster", "actors", "persistence", "messages"},
			"server/client": {"server/client", "messages"},
			"bench":         {"bench", "messages", "server/client"},
			"cmd":           {"cmd", "bench", "server", "cluster", "actors", "persistence", "messages"},
		},
		TestsMayImport: map[string][]string{
			"server/client": {"server"},
			"bench":         {"server"},
		},

		Cores:    deterministic,
		Shells:   []string{"actors/*_actor.go", "cluster/*_actor.go"},
		Plumbing: plumbing,
		Edges:    edges,
		Kits:     testKits,
		Impure: []string{"net", "net/http", "os", "os/exec", "os/signal", "syscall", "log", "log/slog", "crypto/rand",
			"github.com/rs/zerolog", "golang.org/x/sys/unix"},

		Bans: defaultBans(),

		LineRunes: 140, FileLines: 600, FileReason: 400,
		FunctionLines: 70, TestLines: 120, ReceiveLines: 40,

		LongFunctions: map[string]int{},
		Exceptions:    []Exception{},
	}
}

func defaultBans() []Ban {
	return []Ban{
		{
			Name: "clock", Package: "time",
			Names: []string{"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTicker", "NewTimer"},
			Where: deterministic, Except: slices.Concat([]string{"actors/clock.go"}, edges, testKits),
			Instead: "Time arrives as a message: take now or a tick from the injected clock (actors/clock.go).",
		},
		{
			Name: "clock", Package: "context", Names: []string{"WithTimeout", "WithDeadline", "WithTimeoutCause", "WithDeadlineCause"},
			Where: deterministic, Except: slices.Concat(edges, testKits),
			Instead: "A context deadline reads the wall clock: use a timer of the injected clock (actors/clock.go).",
		},
		{
			Name: "global-random", Package: "math/rand", Allowed: randTypes, Where: deterministic,
			Instead: "Draw from the seeded source in Options, so that a run can be replayed from its seed.",
		},
		{
			Name: "global-random", Package: "math/rand/v2", Allowed: randTypes, Where: deterministic,
			Instead: "Draw from the seeded source in Options, so that a run can be replayed from its seed.",
		},
		{
			Name: "future", Names: []string{"RequestFuture"},
			Where: append([]string{"bench", "cmd", "persistence"}, deterministic...), Except: testKits,
			Instead: "Send, remember by key, take the answer as a message; futures belong to the HTTP edge in server and to tests.",
		},
		{
			Name: "stash", Names: []string{"Stash", "UnstashAll"}, Where: []string{"actors", "cluster", "server", "cmd"},
			Instead: "The library's stash is a stack and is replayed only on restart: keep a FIFO of your own in the core.",
		},
		{
			Name: "bounded-mailbox", Package: protoactorPath, Names: []string{"Bounded", "BoundedDropping"},
			Where:   []string{"actors", "cluster", "server", "cmd"},
			Instead: "A full bounded mailbox blocks its sender and hangs a ring: bound the work at the door, by credit.",
		},
		{
			Name: "mutex", Package: "sync", Names: []string{"Mutex", "RWMutex", "Cond"},
			Where: []string{"actors", "cluster"}, Except: slices.Concat(plumbing, edges, testKits),
			Instead: "State belongs to one actor: send it a message, or publish an immutable view.",
		},
		{
			Name: "go-statement", Go: true, Where: deterministic,
			Except: slices.Concat(both("dispatch", "mailbox"), edges, testKits),
			Instead: "An ordinary actor needs no goroutine: send a message, or spawn an actor on the pinned dispatcher; " +
				"goroutines live in the dispatcher, the mailbox and the socket files.",
		},
		{
			Name: "sleep-in-test", Package: "time", Names: []string{"Sleep"}, Tests: true, Where: []string{"*"},
			Instead: "Wait on the event itself: a channel, a probe, a poll with a deadline, or a testing/synctest bubble.",
		},
	}
}

// randTypes are the names of math/rand that need a source or only name a type; all others draw from the global source.
var randTypes = []string{"New", "NewSource", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "Source", "Source64", "PCG", "ChaCha8", "Zipf"}
