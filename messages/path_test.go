package messages

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// naiveValidPath states the rules one by one, on UTF-16 code units as ZooKeeper sees a path.
func naiveValidPath(path string) bool {
	if !utf8.ValidString(path) {
		return false
	}
	if path == "" || !strings.HasPrefix(path, "/") {
		return false
	}
	for _, u := range utf16.Encode([]rune(path)) {
		switch {
		case u <= 0x1f, u >= 0x7f && u <= 0x9f, u >= 0xd800 && u <= 0xf8ff, u >= 0xfff0:
			return false
		}
	}
	if path == "/" {
		return true
	}
	for _, name := range strings.Split(path, "/")[1:] { // "" also stands for a trailing slash
		if name == "" || name == "." || name == ".." {
			return false
		}
	}
	return true
}

// genPathText draws text that is often nearly a path: short names, the special ones, and characters at the borders
// of the forbidden ranges.
var genPathText = rapid.Custom(func(t *rapid.T) string {
	part := rapid.OneOf(
		rapid.SampledFrom([]string{"a", "/", "/", "/", ".", "..", "...", "a..b", "lock-0000000001", " ", "é", "水",
			"\x00", "\x01", "\x1f", "\x20", "\x7e", "\x7f", "\u0080", "\u009f", "\u00a0", "\ud7ff", "\ue000", "\uf8ff",
			"\uf900", "\uffef", "\ufff0", "\ufffd", "\uffff", "\U00010000", "\U0001f600", "\xff", "\xc3", "\xed\xa0\x80"}),
		rapid.StringN(0, 3, -1),
		rapid.Map(rapid.Rune(), func(r rune) string { return string(r) }),
	)
	text := strings.Join(rapid.SliceOfN(part, 0, 8).Draw(t, "parts"), "")
	if rapid.Bool().Draw(t, "absolute") {
		return "/" + text
	}
	return text
})

func TestValidPathAgainstTheRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		path := genPathText.Draw(t, "path")
		if got, want := ValidPath(path), naiveValidPath(path); got != want {
			t.Fatalf("ValidPath(%q) is %v", path, got)
		}
	})
}

func TestValidPathOfEachCodeUnit(t *testing.T) {
	for r := rune(0); r <= 0x10ffff; r++ {
		if r >= 0x11000 && r%257 != 0 { // beyond the basic plane all are alike
			continue
		}
		if path := "/a" + string(r) + "b"; utf8.ValidRune(r) && r != '/' && ValidPath(path) != naiveValidPath(path) {
			t.Fatalf("ValidPath disagrees about %U", r)
		}
	}
}

func TestValidPathExamples(t *testing.T) {
	for path, want := range map[string]bool{
		"/": true, "/a": true, "/a/b": true, "/...": true, "/.a": true, "/a..b": true, "/a b": true, "/é": true,
		"": false, "a": false, "//": false, "/a/": false, "/a//b": false, "/.": false, "/..": false, "/a/./b": false,
		"/a/../b": false, "/a/..": false, "/\x00": false, "/\ufffd": false, "/\xff": false, "/\U0001f600": false,
	} {
		if ValidPath(path) != want {
			t.Errorf("ValidPath(%q) is %v", path, !want)
		}
	}
}

func TestPathPartsFitTogether(t *testing.T) {
	name := rapid.StringMatching(`[a-z.]{1,8}`)
	rapid.Check(t, func(t *rapid.T) {
		parent, path := RootPath, RootPath
		for _, n := range rapid.SliceOfN(name, 1, 5).Draw(t, "names") {
			parent, path = path, JoinPath(path, n)
			if ParentPath(path) != parent || BaseName(path) != n {
				t.Fatalf("%q has the parent %q and the name %q", path, ParentPath(path), BaseName(path))
			}
			if !HasPathPrefix(path, parent) || !HasPathPrefix(path, path) || HasPathPrefix(parent, path) {
				t.Fatalf("prefixes of %q and %q", path, parent)
			}
			if HasPathPrefix(path+"x", path) {
				t.Fatalf("%q is no prefix of its sibling", path)
			}
		}
	})
	if ParentPath("/") != "/" || ParentPath("/a") != "/" {
		t.Error("the root is its own parent and that of /a")
	}
}
