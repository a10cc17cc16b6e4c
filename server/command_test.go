package server

import (
	"bytes"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/cockroachdb/datadriven"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// stoppedClock stands still: 2026-01-02 03:04:05 UTC, an hour after the monotonic zero.
type stoppedClock struct{}

const stoppedWallMs = 1767323045000

func (stoppedClock) WallMs() int64                            { return stoppedWallMs }
func (stoppedClock) MonoUs() int64                            { return 3600e6 }
func (stoppedClock) After(time.Duration, func()) actors.Timer { return stoppedTimer{} }

type stoppedTimer struct{}

func (stoppedTimer) Stop() {}

const (
	aliceSession messages.SessionID = 0x100003dfb8900f1
	bobSession   messages.SessionID = 0x100003dfb8900f2
)

// testConsole is a console of a server with known contents: two sessions with ephemerals, watches, connections,
// latencies. Actors that answer with fixed reports stand for the tracker and final.
func testConsole(t *testing.T) *console {
	t.Helper()
	loops, stop := actors.NewLoops(1)
	rt := actors.NewRuntime(actors.World{Clock: stoppedClock{}, Dispatchers: loops, Log: zerolog.Nop()})
	t.Cleanup(func() { rt.System.Shutdown(); stop() })

	cfg := DefaultConfig()
	cfg.Data.Dir, cfg.Data.LogDir = "data", "log"
	cfg.Admin.FourLetterWhitelist = []string{"*"}
	view := &actors.View{Tree: tree.NewShared(testTree(t)), Links: actors.Links{
		Final:   answering(rt, func(q *messages.WatchQuery) any { return testWatches(q.List) }),
		Tracker: answering(rt, func(*messages.SessionQuery) any { return testSessions() }),
	}}
	c := &console{
		config: cfg, runtime: rt, view: func() *actors.View { return view },
		sizes:      func() (int64, int64) { return 1000, 2000 },
		diskFree:   func() (int64, error) { return 3000, nil },
		clientAddr: func() string { return "127.0.0.1:2181" },
		uptime:     func() time.Duration { return 90 * time.Second },
		zone:       time.UTC,
	}
	c.traceMask.Store(traceMaskDefault)
	testTraffic(rt)
	return c
}

func answering[Q any](rt *actors.Runtime, answer func(Q) any) *actor.PID {
	return rt.System.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if q, ok := ctx.Message().(Q); ok {
			ctx.Respond(answer(q))
		}
	}))
}

func testTree(t *testing.T) *tree.Tree {
	t.Helper()
	tr := tree.New()
	var out tree.Result
	apply := func(session messages.SessionID, op messages.OpCode, body messages.TxnBody) {
		h := messages.TxnHeader{Zxid: tr.LastZxid() + 1, Time: stoppedWallMs, Session: session, Op: op}
		if err := tr.Apply(&h, body, &out); err != nil {
			t.Fatal(err)
		}
	}
	node := func(session messages.SessionID, path, data string, owner messages.Owner) {
		apply(session, messages.OpCreate, &messages.CreateTxn{
			Path: path, Data: []byte(data), Owner: owner, ParentCreates: 1,
			ACL: []messages.ACL{{Perms: messages.PermAll, ID: messages.Identity{Scheme: "world", ID: "anyone"}}},
		})
	}
	for _, s := range []messages.SessionID{aliceSession, bobSession} {
		apply(s, messages.OpCreateSession, &messages.CreateSessionTxn{Timeout: 6000, Password: make([]byte, 16)})
	}
	node(aliceSession, "/app", "hello", 0)
	node(aliceSession, "/app/e1", "", messages.SessionOwner(aliceSession))
	node(bobSession, "/app/e2", "", messages.SessionOwner(bobSession))
	node(bobSession, "/zookeeper/quota/app", "", 0)
	node(bobSession, "/zookeeper/quota/app/zookeeper_limits", "count=10,bytes=-1=;byteHardLimit=500;countHardLimit=-1", 0)
	node(bobSession, "/zookeeper/quota/app/zookeeper_stats", "count=0,bytes=0", 0)
	return tr
}

func testWatches(list bool) *messages.WatchReport {
	r := &messages.WatchReport{Connections: 2, Paths: 2, Total: 3, All: 5}
	if list {
		r.Watches = []messages.WatchEntry{
			{Path: "/app", Session: aliceSession}, {Path: "/app", Session: bobSession}, {Path: "/app/e1", Session: bobSession},
		}
	}
	return r
}

func testSessions() *messages.SessionReport {
	return &messages.SessionReport{Buckets: []messages.BucketReport{
		{Deadline: 3604000, Sessions: []messages.SessionID{bobSession}},
		{Deadline: 3606000, Sessions: []messages.SessionID{aliceSession}},
	}}
}

// testTraffic enters three connections: one that has asked something, one that has only opened its session and pinged
// over IPv6, one without a session that isn't read at the moment.
func testTraffic(rt *actors.Runtime) {
	add := func(id messages.ConnID, remote string) *actors.ConnStats {
		s := &actors.ConnStats{Remote: remote, Established: stoppedWallMs - 5000}
		rt.Conns.Add(actors.ConnEntry{ID: id, Stats: s})
		return s
	}
	a := add(1, "127.0.0.1:40001")
	a.Session.Store(int64(aliceSession))
	a.Timeout.Store(6000)
	a.Received.Store(3)
	a.Sent.Store(2)
	a.Outstanding.Store(1)
	a.LastOp.Store(int32(messages.OpGetData))
	a.LastXid.Store(17)
	a.LastZxid.Store(8)
	a.LastReply.Store(stoppedWallMs - 100)
	a.LastLatency.Store(2500)
	a.MinLatency.Store(900)
	a.MaxLatency.Store(12_345)
	a.SumLatency.Store(9000)
	a.Replies.Store(2)
	b := add(2, "[::1]:40002")
	b.Session.Store(int64(bobSession))
	b.Timeout.Store(4000)
	c := add(3, "127.0.0.1:40003")
	c.Paused.Store(true)

	m := rt.Metrics
	m.PacketsReceived.Store(30)
	m.PacketsSent.Store(20)
	m.Latency.ObserveAll([]int64{400, 900, 12_345})
	m.FsyncTime.Observe(1500, 4)
	m.ReadLatency.Observe(3000, 2)
	m.LastResponseSize.Store(64)
	m.MinResponseSize.Store(16)
	m.MaxResponseSize.Store(256)
	m.LastSnapshotZxid.Store(0xabc)
	m.LastSnapshotWallMs.Store(stoppedWallMs)
}

// machineFacts matches what differs between machines.
var machineFacts = regexp.MustCompile(`((?:open|max)_file_descriptor_count"?(?:\t|: ))-?\d+`)

// TestCommandFormats holds every answer of both front ends against the recorded form.
func TestCommandFormats(t *testing.T) {
	datadriven.RunTest(t, "testdata/commands/formats", func(t *testing.T, d *datadriven.TestData) string {
		c := testConsole(t)
		var text string
		switch d.Cmd {
		case "word":
			text = string(answerWord(c, d.CmdArgs[0].Key, []byte("\x00\x00\x00\x00\x00\x00\x02\x00")))
		case "http":
			text = httpAnswer(t, c, strings.TrimPrefix(d.CmdArgs[0].String(), "http "))
		case "schema":
			return jsonSchemas(t, c)
		default:
			d.Fatalf(t, "unknown command %s", d.Cmd)
		}
		text = strings.ReplaceAll(text, VersionText(), "<version>")
		text = machineFacts.ReplaceAllString(text, "${1}<n>")
		return strings.ReplaceAll(text, "\t", "<tab>")
	})
}

func httpAnswer(t *testing.T, c *console, target string) string {
	t.Helper()
	name, query, _ := strings.Cut(target, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	cmd := commandsByName[name]
	result, err := runCommand(c, cmd, values)
	problem := ""
	if err != nil {
		result, problem = nil, err.Error()
	}
	body, err := commandJSON(cmd.about().names[0], result, problem)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestRegistry: each word of ZooKeeper has a command, and what has a word has a text.
func TestRegistry(t *testing.T) {
	want := strings.Fields("conf cons crst dirs dump envi gtmk hash isro mntr ruok srst srvr stat stmk wchc wchp wchs")
	if got := fourLetterWords(); !slices.Equal(got, want) {
		t.Errorf("words are %v, want %v", got, want)
	}
	c := testConsole(t)
	for _, cmd := range commands {
		about := cmd.about()
		if len(about.names) == 0 || !strings.HasSuffix(about.help, ".") {
			t.Errorf("%T has no name, or no sentence of help", cmd)
		}
		if about.word == "" {
			continue
		}
		result, err := runCommand(c, cmd, wordArguments(about.word, make([]byte, 8)))
		if err != nil {
			t.Errorf("%s: %v", about.word, err)
			continue
		}
		if _, ok := result.(texter); !ok {
			t.Errorf("the result of %s has no text", about.word)
		}
	}
}

// TestWhiteList: a word that isn't listed is named in the refusal, and nothing of it is done.
func TestWhiteList(t *testing.T) {
	c := testConsole(t)
	c.config.Admin.FourLetterWhitelist = []string{"srvr"}
	if got := string(answerWord(c, "srst", nil)); got != "srst is not executed because it is not in the whitelist.\n" {
		t.Errorf("srst answered %q", got)
	}
	if c.runtime.Metrics.PacketsReceived.Load() == 0 {
		t.Error("srst was refused and yet done")
	}
	if got := answerWord(c, "srvr", nil); !bytes.HasPrefix(got, []byte("Zookeeper version: 3.9.4-")) {
		t.Errorf("srvr answered %q", got)
	}
}

// TestNotServing: most commands have one sentence while nothing is served; a few answer all the same.
func TestNotServing(t *testing.T) {
	c := testConsole(t)
	c.view = func() *actors.View { return nil }
	always := map[string]string{"ruok": "imok", "isro": "null", "gtmk": "306", "stmk": "5", "envi": "Environment:\n"}
	for _, word := range fourLetterWords() {
		got := string(answerWord(c, word, []byte{0, 0, 0, 0, 0, 0, 0, 5}))
		want, ok := always[word]
		if !ok {
			want = "This ZooKeeper instance is not currently serving requests\n"
		}
		if !strings.HasPrefix(got, want) || (!ok && got != want) {
			t.Errorf("%s answered %q, want %q", word, got, want)
		}
		if word == "gtmk" {
			c.traceMask.Store(5)
		}
	}
}

// TestResets: what crst and srst forget, and what they leave alone.
func TestResets(t *testing.T) {
	c := testConsole(t)
	answerWord(c, "crst", nil)
	if s := c.runtime.Conns.All()[0].Stats; s.Received.Load() != 0 || s.MaxLatency.Load() != 0 || s.Session.Load() == 0 {
		t.Error("crst must forget the counters of connections, not their sessions")
	}
	if c.runtime.Metrics.PacketsReceived.Load() == 0 {
		t.Error("crst must leave the server's counters alone")
	}
	answerWord(c, "srst", nil)
	if c.runtime.Metrics.PacketsReceived.Load() != 0 || c.latencies().max != 0 {
		t.Error("srst must forget the server's counters")
	}
}

// TestSilentActor: an actor that is gone costs its command an error, which names it, and no other command anything.
func TestSilentActor(t *testing.T) {
	c := testConsole(t)
	view := *c.view()
	view.Final = c.runtime.System.NewLocalPID("final-7")
	c.view = func() *actors.View { return &view }
	if got := string(answerWord(c, "wchs", nil)); !strings.HasPrefix(got, "final-7 did not answer") {
		t.Errorf("wchs answered %q", got)
	}
	if got := string(answerWord(c, "srvr", nil)); !strings.Contains(got, "Mode: standalone\n") {
		t.Errorf("srvr answered %q", got)
	}
}

// TestDecimal: means always show a decimal point, and four places at most.
func TestDecimal(t *testing.T) {
	for v, want := range map[decimal]string{0: "0.0", 12: "12.0", 0.25: "0.25", 4.5483333: "4.5483", 1e7: "10000000.0"} {
		if got := fmt.Sprint(v); got != want {
			t.Errorf("%v is printed %s, want %s", float64(v), got, want)
		}
	}
}

// TestVersionText: what clients parse comes first.
func TestVersionText(t *testing.T) {
	got := versionText(buildFacts{commit: "0123456789ab", time: "2026-01-02T03:04:05Z"})
	if want := CompatVersion + "-troupe-" + Version + "-0123456789ab, built on 2026-01-02T03:04:05Z"; got != want {
		t.Errorf("version is %q, want %q", got, want)
	}
	if !regexp.MustCompile(`^3\.9\.\d+-`).MatchString(versionText(buildFacts{})) {
		t.Errorf("%q doesn't begin with ZooKeeper's version", versionText(buildFacts{}))
	}
}
