package main

// body returns a Go file that imports the paths on line 3 and has the statements in a function, from line 6 on.
func body(importLine string, statements ...string) string {
	lines := append([]string{"package p", "", importLine, "", "func f() {"}, statements...)
	return src(append(lines, "}")...)
}

const actorImport = `import "` + protoactorPath + `"`

var banCases = []ruleCase{
	{"clock", "calls, values, renamed imports, context", map[string]string{
		"actors/prep.go":            body(`import "time"`, "_ = time.Now()", "f := time.Since", "<-time.After(1)"),
		"cluster/vote_actor.go":     body(`import t "time"`, "t.NewTimer(1)", "t.Sleep(1)"),
		"persistence/tree/apply.go": body(`import "time"`, "go func() { _ = time.NewTicker(1) }()"),
		"persistence/watch/w.go":    body(`import "context"`, "context.WithTimeout(nil, 1)"),
	}, []string{"actors/prep.go:6", "actors/prep.go:7", "actors/prep.go:8", "cluster/vote_actor.go:6", "cluster/vote_actor.go:7",
		"persistence/tree/apply.go:6", "persistence/watch/w.go:6"}},
	{"clock", "types and units, the clock itself, kits, tests, the disk, another package of the name", map[string]string{
		"actors/prep.go":            body(`import "time"`, "_ = time.Duration(1) * time.Second", "x.Now()"),
		"actors/clock.go":           body(`import "time"`, "_ = time.Now()"),
		"actors/tcp.go":             body(`import "time"`, "_ = time.Now()"),
		"actors/actortest/probe.go": body(`import "time"`, "time.NewTimer(1)"),
		"actors/prep_test.go":       body(`import "time"`, "_ = time.Now()"),
		"persistence/txnlog.go":     body(`import "time"`, "_ = time.Now()"),
		"actors/sync.go":            body(`import "example.com/my/time"`, "_ = time.Now()"),
	}, nil},

	{"global-random", "global source", map[string]string{
		"cluster/election.go": body(`import "math/rand/v2"`, "_ = rand.IntN(3)"),
		"actors/prep.go":      body(`import "math/rand"`, "rand.Seed(1)", "_ = rand.New(rand.NewSource(1))"),
	}, []string{"actors/prep.go:6", "cluster/election.go:6"}},
	{"global-random", "seeded source", map[string]string{
		"cluster/election.go": body(`import "math/rand/v2"`, "var r *rand.Rand = rand.New(rand.NewPCG(1, 2))", "r.IntN(3)"),
		"server/server.go":    body(`import "math/rand"`, "rand.Int()"),
	}, nil},

	{"future", "outside the HTTP edge", map[string]string{
		"actors/prep_actor.go":    body(actorImport, "ctx.RequestFuture(pid, m, 1)"),
		"cmd/examples/audit/a.go": body(actorImport, "f := ctx.RequestFuture"),
	}, []string{"actors/prep_actor.go:6", "cmd/examples/audit/a.go:6"}},
	{"future", "HTTP edge and tests", map[string]string{
		"server/admin.go":     body(actorImport, "root.RequestFuture(pid, m, 1)"),
		"actors/prep_test.go": body(actorImport, "root.RequestFuture(pid, m, 1)"),
	}, nil},

	{"stash", "used", map[string]string{"actors/prep_actor.go": body(actorImport, "ctx.Stash()")}, []string{"actors/prep_actor.go:6"}},
	{"stash", "own queue", map[string]string{"actors/prep_actor.go": body(actorImport, "a.waiting.push(m)")}, nil},

	{"bounded-mailbox", "of the library", map[string]string{
		"actors/props.go": body(actorImport, "actor.WithMailbox(actor.Bounded(10))"),
	}, []string{"actors/props.go:6"}},
	{"bounded-mailbox", "a function of ours", map[string]string{
		"actors/props.go": body(actorImport, "Bounded(10)", "limits.Bounded(1)"),
	}, nil},

	{"mutex", "in a stage", map[string]string{
		"actors/final_actor.go": body(`import "sync"`, "var mu sync.RWMutex", "var once sync.Once"),
	}, []string{"actors/final_actor.go:6"}},
	{"mutex", "in plumbing and below", map[string]string{
		"actors/registry.go":    body(`import "sync"`, "var mu sync.Mutex"),
		"persistence/txnlog.go": body(`import "sync"`, "var mu sync.Mutex"),
	}, nil},

	{"go-statement", "in a core and an actor", map[string]string{
		"actors/prep.go":       body("", "go f()"),
		"actors/sync_actor.go": body("", "if true {", "go func() {}()", "}"),
	}, []string{"actors/prep.go:6", "actors/sync_actor.go:7"}},
	{"go-statement", "where goroutines live", map[string]string{
		"actors/dispatch.go":         body("", "go f()"),
		"actors/listener_actor.go":   body("", "go f()"),
		"cluster/transport_tls.go":   body("", "go f()"),
		"actors/prep_test.go":        body("", "go f()"),
		"persistence/txnlog_sync.go": body("", "go f()"),
	}, nil},

	{"sleep-in-test", "anywhere", map[string]string{
		"server/a_test.go": body(`import "time"`, "time.Sl"+"eep(1)"),
		"cmd/x/a_test.go":  body(`import "time"`, "f := time.Sleep"),
	}, []string{"cmd/x/a_test.go:6", "server/a_test.go:6"}},
	{"sleep-in-test", "a ticker, or outside tests", map[string]string{
		"server/a_test.go": body(`import "time"`, "time.NewTicker(1)"),
		"bench/a.go":       body(`import "time"`, "time.Sl"+"eep(1)"),
	}, nil},
}
