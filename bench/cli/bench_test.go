//go:build unix

package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/bench"
)

// execute runs one command line and returns what it printed.
func execute(arguments ...string) (string, error) {
	c := New()
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(arguments)
	err := c.Execute()
	return out.String(), err
}

func TestEchoPrintsJSON(t *testing.T) {
	out, err := execute("echo", "-c", "2", "-w", "4", "-d", "100ms", "--warmup", "0s", "--json", "-", "-q")
	if err != nil {
		t.Fatal(err, out)
	}
	var results []bench.Result
	if err := json.Unmarshal([]byte(out), &results); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if len(results) != 1 || results[0].Scenario != "echo" || results[0].Sessions != 2 || results[0].Window != 4 {
		t.Errorf("got %+v", results)
	}
}

func TestEchoPrintsATableAndWritesJSON(t *testing.T) {
	file := filepath.Join(t.TempDir(), "echo.json")
	out, err := execute("echo", "-c", "1", "-d", "100ms", "--warmup", "0s", "--json", file, "-q")
	if err != nil || !strings.Contains(out, "ops/s") {
		t.Errorf("%v: %s", err, out)
	}
	if b, err := os.ReadFile(file); err != nil || !json.Valid(b) {
		t.Errorf("%v: %s", err, b)
	}
}

func TestWrongValuesNameTheRange(t *testing.T) {
	ensemble := []string{"compare", "--only", "troupe", "--troupe", "true", "-o", t.TempDir(), "--ensemble"}
	for want, arguments := range map[string][]string{
		"ensemble of 2: want 3 to":      append(ensemble[:len(ensemble):len(ensemble)], "2"),
		"keys to fill 5: want 0":        append(ensemble[:len(ensemble):len(ensemble)], "3", "--fill", "5"),
		"window 0: want 1 to":           {"read", "-w", "0"},
		"share of reads 101: want 0 to": {"mixed", "--reads", "101"},
		"rate -1: want 0.001":           {"read", "--rate", "-1"},
		"sessions 1: want at least 2":   {"lock", "-c", "1"},
		"kind \"odd\": want plain":      {"create", "--kind", "odd"},
		"sets 0 in a transaction":       {"multi", "--sets", "0"},
		"distribution \"odd\": want":    {"list", "--dist", "odd"},
		"servers 99: want 1 to 9":       {"grow", "--only", "troupe", "--troupe", "true", "--servers", "99"},
		"want host:port":                {"read", "-s", "nonsense"},
		"want zookeeper or troupe":      {"compare", "--only", "etcd"},
		"key 5: want 0 to 4":            {"start", "--keys", "5", "--key", "5", "--", "false"},
		"find the program to compare":   {"compare", "--only", "troupe", "--troupe", "/does/not/exist"},
		"value size -1: want 0 to":      {"clean", "--size", "-1"},
	} {
		if out, err := execute(arguments...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %q\n%s", arguments, err, want, out)
		}
	}
}

// Everything that the help promises must be there.
func TestEveryScenarioHasHelp(t *testing.T) {
	for _, c := range New().Commands() {
		if c.Short == "" || c.RunE == nil {
			t.Errorf("%s has no description or does nothing", c.Name())
		}
	}
}
