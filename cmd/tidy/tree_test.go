package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestRepository holds this repository to its rules.
func TestRepository(t *testing.T) {
	root, err := findRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := ReadTree(root)
	if err != nil {
		t.Fatal(err)
	}
	if !tree.Has("cmd/tidy/tree_test.go") {
		t.Fatal("the tree that was read does not hold this file: the rules looked at nothing")
	}
	for _, f := range Check(tree, DefaultPolicy()) {
		t.Error(f)
	}
}

// writeTree lays files under a temporary folder.
func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		full := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestReadTreeLeavesOutWhatGitIgnores(t *testing.T) {
	root := writeTree(t, map[string]string{
		".gitignore":  "# built\n/troupe\n/data/\n*.test\nlogs/\nbench/out\n**/testdata/rapid/\n",
		".git/config": "", "troupe": "binary", "data/log": "",
		"cmd/troupe/main.go": "package main\n", "server/data/log": "x", "a.test": "", "server/logs/x": "", "server/b.test": "",
		"bench/out/x": "", "server/bench/out": "x", "server/testdata/rapid/a": "", "server/testdata/rapid2/a": "x",
	})
	tree, err := ReadTree(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range tree.Files {
		got = append(got, f.Path)
	}
	want := []string{".gitignore", "cmd/troupe/main.go", "server/bench/out", "server/data/log", "server/testdata/rapid2/a"}
	if !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}

func TestReadTreeRefusesAnIgnorePatternItCannotFollow(t *testing.T) {
	for _, pattern := range []string{"!keep", "server/**/data"} {
		_, err := ReadTree(writeTree(t, map[string]string{".gitignore": pattern + "\n"}))
		if err == nil || !strings.Contains(err.Error(), pattern) {
			t.Errorf("pattern %q: error %v, want one that names it", pattern, err)
		}
	}
}

func TestReadTreeKeepsBinariesByNameOnly(t *testing.T) {
	root := writeTree(t, map[string]string{"server/a.bin": "TO" + "DO\x00", "server/big.txt": strings.Repeat("TO"+"DO\n", largestText)})
	tree, err := ReadTree(root)
	if err != nil {
		t.Fatal(err)
	}
	if !tree.Has("server/a.bin") || !tree.Has("server/big.txt") {
		t.Error("a binary or large file is missing from the tree")
	}
	if found := checkLeftover(tree, DefaultPolicy()); len(found) > 0 {
		t.Errorf("looked into data: %v", found)
	}
}

func TestFindRootGoesUp(t *testing.T) {
	root := writeTree(t, map[string]string{
		"go.mod": "module github.com/troupekeeper/troupe\n", "server/interop/go.mod": "module other\n", "server/interop/x/a": "",
	})
	got, err := findRoot(filepath.Join(root, "server", "interop", "x"))
	if err != nil || got != root {
		t.Errorf("root %q, %v; want %q", got, err, root)
	}
	if _, err := findRoot(filepath.Dir(root)); err == nil {
		t.Error("a folder outside the repository was accepted")
	}
}

func TestImportsGuessLocalNames(t *testing.T) {
	tree := NewTree(map[string]string{"a.go": src("package a", "import (", `"math/rand/v2"`, `x "time"`, `"net/http"`, `"v2"`, ")")})
	got := tree.Files[0].Imports()
	for name, want := range map[string]string{"rand": "math/rand/v2", "x": "time", "http": "net/http", "v2": "v2"} {
		if got[name] != want {
			t.Errorf("local name %q is %q, want %q", name, got[name], want)
		}
	}
}
