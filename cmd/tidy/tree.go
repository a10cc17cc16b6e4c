package main

import (
	"bufio"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

// largestText is the size in bytes above which a file is data, not text that a person keeps in style.
const largestText = 1 << 20

// File is one text file of the tree.
type File struct {
	Path   string   // slash-separated, relative to the root of the repository
	Text   string   // the content as it is on disk
	Lines  []string // the content by line, without line ends
	Syntax *ast.File
	Err    error // why Syntax is nil although this is Go source
	fset   *token.FileSet
}

// Tree is the repository as the rules see it: files sorted by path.
type Tree struct {
	Module string // module path of the top go.mod, empty if there is none
	Files  []*File
	byPath map[string]*File
	dirs   map[string]bool
}

// NewTree builds a tree from path → content. Go source outside testdata is parsed; a parse error is kept in File.Err.
func NewTree(content map[string]string) *Tree {
	t := &Tree{byPath: map[string]*File{}, dirs: map[string]bool{}}
	for name, text := range content {
		f := &File{Path: name, Text: text, Lines: strings.Split(strings.TrimSuffix(text, "\n"), "\n")}
		if f.IsGo() {
			f.fset = token.NewFileSet()
			f.Syntax, f.Err = parser.ParseFile(f.fset, name, text, parser.ParseComments)
			if f.Err != nil {
				f.Syntax = nil
			}
		}
		t.Files = append(t.Files, f)
		t.byPath[name] = f
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			t.dirs[dir] = true
		}
	}
	sort.Slice(t.Files, func(i, j int) bool { return t.Files[i].Path < t.Files[j].Path })
	if mod := t.byPath["go.mod"]; mod != nil {
		for _, line := range mod.Lines {
			if rest, ok := strings.CutPrefix(line, "module "); ok {
				t.Module = strings.TrimSpace(rest)
			}
		}
	}
	return t
}

// Has tells whether a file or folder of this path exists.
func (t *Tree) Has(name string) bool {
	name = path.Clean(name)
	return name == "." || t.byPath[name] != nil || t.dirs[name]
}

// Go calls visit for every Go file that parsed.
func (t *Tree) Go(visit func(f *File)) {
	for _, f := range t.Files {
		if f.Syntax != nil {
			visit(f)
		}
	}
}

// IsGo tells whether the file is Go source that the rules apply to; testdata holds input of tests, not our code.
func (f *File) IsGo() bool { return strings.HasSuffix(f.Path, ".go") && !f.InTestdata() }

// IsTest tells whether the file is a Go test file.
func (f *File) IsTest() bool { return strings.HasSuffix(f.Path, "_test.go") }

// InTestdata tells whether the file lies in a testdata folder.
func (f *File) InTestdata() bool { return strings.Contains("/"+f.Path, "/testdata/") }

// Line returns the line number of a syntax position.
func (f *File) Line(p token.Pos) int { return f.fset.Position(p).Line }

// Imports returns local name → import path. The local name of an unnamed import is guessed from its path.
func (f *File) Imports() map[string]string {
	names := map[string]string{}
	for _, spec := range f.Syntax.Imports {
		target := strings.Trim(spec.Path.Value, `"`)
		name := path.Base(target)
		if up := path.Base(path.Dir(target)); up != "." && name[0] == 'v' && strings.Trim(name[1:], "0123456789") == "" {
			name = up // a version suffix
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = target
	}
	return names
}

// ReadTree reads the repository under root. It walks the folders itself instead of asking git, because `go test` then
// notices a new file and does not answer from its cache. What .gitignore names is left out.
func ReadTree(root string) (*Tree, error) {
	ignored, err := readIgnore(filepath.Join(root, ".gitignore"))
	if err != nil {
		return nil, err
	}
	content := map[string]string{}
	err = filepath.WalkDir(root, func(full string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("walk %s: %w", full, err)
		}
		rel, err := filepath.Rel(root, full)
		if err != nil {
			return fmt.Errorf("walk %s: %w", full, err)
		}
		rel = filepath.ToSlash(rel)
		if rel != "." && (rel == ".git" || ignored(rel, entry.IsDir())) {
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(full)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // an editor's or a test's temporary file that is gone again
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", rel, err)
		}
		content[rel] = ""
		if len(data) <= largestText && !strings.ContainsRune(string(data), 0) {
			content[rel] = string(data)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return NewTree(content), nil
}

// readIgnore understands the part of .gitignore that this repository uses, with git's meaning: names and globs; a slash
// at the start or in the middle ties the pattern to the top folder, "**/" at the start frees it again, and one at the end
// is for folders only. Anything else is an error rather than a guess.
func readIgnore(name string) (func(rel string, isDir bool) bool, error) {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return func(string, bool) bool { return false }, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read ignore list: %w", err)
	}
	defer file.Close()
	var patterns []string
	for scan := bufio.NewScanner(file); scan.Scan(); {
		line := strings.TrimSpace(scan.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, "!") || strings.Contains(strings.TrimPrefix(line, "**/"), "**") {
			return nil, fmt.Errorf("%s: pattern %q is not understood; use a name, a glob, a path, or **/ before one", name, line)
		}
		patterns = append(patterns, line)
	}
	return func(rel string, isDir bool) bool { return ignores(patterns, rel, isDir) }, nil
}

func ignores(patterns []string, rel string, isDir bool) bool {
	for _, pattern := range patterns {
		if strings.HasSuffix(pattern, "/") && !isDir {
			continue
		}
		pattern = strings.TrimSuffix(pattern, "/")
		free, anywhere := strings.CutPrefix(pattern, "**/")
		anywhere = anywhere || !strings.Contains(pattern, "/")
		free = strings.TrimPrefix(free, "/")
		target := rel
		if anywhere {
			target = lastParts(rel, strings.Count(free, "/")+1)
		}
		if ok, _ := path.Match(free, target); ok {
			return true
		}
	}
	return false
}

// lastParts returns the last n elements of a slash-separated path.
func lastParts(name string, n int) string {
	parts := strings.Split(name, "/")
	return strings.Join(parts[max(0, len(parts)-n):], "/")
}

// findRoot goes up from dir to the folder that holds this repository's go.mod.
func findRoot(dir string) (string, error) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for {
		data, err := os.ReadFile(filepath.Join(full, "go.mod"))
		if err == nil && strings.Contains(string(data), "module github.com/troupekeeper/troupe\n") {
			return full, nil
		}
		up := filepath.Dir(full)
		if up == full {
			return "", fmt.Errorf("no go.mod of the troupe module in %s or above: run it inside the repository", dir)
		}
		full = up
	}
}
