package shell

import (
	"fmt"
	"testing"
)

func TestCompleteVerbsAndOptions(t *testing.T) {
	s := New(Options{})
	for _, c := range []struct{ before, after, want string }{
		{"getA", "", `"" [getAcl  getAllChildrenNumber ] ""`},
		{"help de", "", `"help " [delete  deleteall  delquota ] ""`},
		{"create -", " /a", `"create " [-s  -e  -c  -t ] " /a"`},
		{"reconfig -add x -f", "", `"reconfig -add x " [-file ] ""`},
		{"ls /a", "", `"ls " [] ""`}, // without a connection
		{"create x", "", `"create " [] ""`},
		{"nix -", "", `"nix " [] ""`},
	} {
		head, list, tail := s.complete(c.before+c.after, len(c.before))
		if got := fmt.Sprintf("%q %v %q", head, list, tail); got != c.want {
			t.Errorf("%q: %s, want %s", c.before, got, c.want)
		}
	}
}

func TestLastWord(t *testing.T) {
	for line, want := range map[string]string{
		"": "", "get": "get", "get ": "", "get /a": "/a", `get "/a b`: `"/a b`, `get '/a "b`: `'/a "b`,
		`get "/a b" /c`: "/c", `get "/a"`: "", `set /a {"x":1`: `{"x":1`, `get "/a" "/b c`: `"/b c`,
	} {
		if got := line[lastWord(line):]; got != want {
			t.Errorf("%q: last word %q, want %q", line, got, want)
		}
	}
}
