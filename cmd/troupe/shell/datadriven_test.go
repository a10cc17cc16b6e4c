package shell

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// TestGolden runs the scripts of testdata/golden: what goes in, and what the shell makes of it.
func TestGolden(t *testing.T) {
	zone := time.Local
	time.Local = time.UTC // the form of times depends on it
	t.Cleanup(func() { time.Local = zone })
	datadriven.Walk(t, "testdata/golden", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			f := goldenSteps[d.Cmd]
			if f == nil {
				t.Fatalf("%s: unknown step %s", d.Pos, d.Cmd)
			}
			return f(d)
		})
	})
}

var goldenSteps = map[string]func(*datadriven.TestData) string{
	"split":  goldenSplit,
	"parse":  goldenParse,
	"acl":    goldenACL,
	"path":   goldenPath,
	"stat":   goldenStat,
	"hex":    goldenHex,
	"quota":  goldenQuota,
	"config": func(d *datadriven.TestData) string { return clientConfig(d.Input) + "\n" },
	"json":   goldenJSON,
	"help":   goldenHelp,
	"event":  goldenEvents,
	"error":  goldenErrors,
}

// eachLine gives the output of f for each line of the input.
func eachLine(d *datadriven.TestData, f func(line string) string) string {
	var b strings.Builder
	for line := range strings.Lines(d.Input) {
		line = strings.TrimSuffix(line, "\n")
		fmt.Fprintf(&b, "%s => %s\n", line, f(line))
	}
	return b.String()
}

func goldenSplit(d *datadriven.TestData) string {
	return eachLine(d, func(line string) string {
		words, err := splitLine(line)
		if err != nil {
			return "error: " + err.Error()
		}
		return fmt.Sprintf("%q", words)
	})
}

func goldenParse(d *datadriven.TestData) string {
	s := New(Options{})
	return eachLine(d, func(line string) string {
		words, _ := splitLine(line)
		a, err := s.commands[words[0]].parse(words[1:])
		if err != nil {
			return "error: " + strings.ReplaceAll(err.Error(), "\n", " | ")
		}
		var set []string
		for name, values := range a.set {
			set = append(set, fmt.Sprintf("%s=%q", name, values))
		}
		slices.Sort(set)
		return fmt.Sprintf("%v %q", set, a.rest)
	})
}

func goldenACL(d *datadriven.TestData) string {
	return eachLine(d, func(line string) string {
		list, err := parseACL(line)
		if err != nil {
			return "error: " + err.Error()
		}
		var b strings.Builder
		printACL(&b, list)
		return strings.ReplaceAll(b.String(), "\n", " | ")
	})
}

func goldenPath(d *datadriven.TestData) string {
	return eachLine(d, func(line string) string {
		if err := checkPath(strings.TrimSuffix(line, "$")); err != nil {
			return err.Error()
		}
		return "ok"
	})
}

var exampleStat = messages.Stat{
	Czxid: 0x100000002, Mzxid: 0x1f, Ctime: 1700000000123, Mtime: 1700000001000, Version: 3, Cversion: -1, Aversion: 2,
	EphemeralOwner: -0x7ffffffffffffffe, DataLength: 5, NumChildren: 7, Pzxid: 0xffffffffffffffff,
}

func goldenStat(*datadriven.TestData) string {
	var b strings.Builder
	printStat(&b, exampleStat)
	return b.String()
}

func goldenHex(d *datadriven.TestData) string {
	data, err := hex.DecodeString(strings.Join(strings.Fields(d.Input), ""))
	if err != nil {
		return err.Error()
	}
	return formatHex(data)
}

func goldenQuota(d *datadriven.TestData) string {
	return eachLine(d, func(line string) string {
		q, err := parseQuota(line)
		if err != nil {
			return "error: " + err.Error()
		}
		return q.limits() + " | " + q.used()
	})
}

func goldenJSON(*datadriven.TestData) string {
	var b strings.Builder
	for _, v := range []any{
		newDataJSON("/text", []byte(`<"é">`), exampleStat), newDataJSON("/binary", []byte{0xff, 0}, messages.Stat{}),
		newDataJSON("/null", nil, messages.Stat{}), newDataJSON("/empty", []byte{}, messages.Stat{}),
		newChildrenJSON("/", []string{}, messages.Stat{}, false), newChildrenJSON("/", []string{"a", "b"}, exampleStat, true),
		nodesJSON{"/", []string{"/", "/a"}},
	} {
		if err := printJSON(&b, v); err != nil {
			return err.Error()
		}
	}
	return b.String()
}

func goldenHelp(d *datadriven.TestData) string {
	var out strings.Builder
	s := New(Options{Out: &out, Version: "1.2.3"})
	for line := range strings.Lines(d.Input) {
		if err := s.RunLine(nil, strings.TrimSpace(line)); err != nil {
			fmt.Fprintln(&out, "error:", explain(err))
		}
	}
	return out.String()
}

func goldenEvents(*datadriven.TestData) string {
	return formatEvent(client.Event{Type: client.EventSession, State: client.StateExpired}) +
		formatEvent(client.Event{Type: messages.EventNodeCreated, State: client.StateSyncConnected, Path: "/a"}) +
		formatEvent(client.Event{Type: messages.EventNodeDeleted, State: client.StateSyncConnected, Path: "/a", Zxid: 0x100000001})
}

// goldenErrors shows what a person reads for what a server answers, with and without a path.
func goldenErrors(d *datadriven.TestData) string {
	var b strings.Builder
	for code := messages.ErrCode(0); code > -130; code-- {
		if code.Error() == fmt.Sprintf("error %d", int(code)) || code == messages.ErrOK {
			continue
		}
		fmt.Fprintf(&b, "%d: %s\n", code, explain(&client.Error{Op: messages.OpSetData, Path: "/x", Err: code}))
		fmt.Fprintf(&b, "      %s\n", explain(&client.Error{Op: messages.OpReconfig, Err: code}))
		if h := hint(code); h != "" {
			fmt.Fprintf(&b, "      hint: %s\n", h)
		}
	}
	return b.String()
}
