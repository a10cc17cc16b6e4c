package pack

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// notMessages are the exported structs of package messages that never travel by themselves.
var notMessages = map[string]bool{
	"Send":    true, // an outbox stays within its stage
	"MultiOp": true, // a part of MultiTxn, which has its own encoding

	// A membership travels as the text that clients read too.
	"Membership": true, "Member": true, "MemberAddress": true, "MemberGroup": true, "MemberWeight": true,
	"MembershipBuilder": true, "MembershipChange": true, "ChangeRules": true,
}

// TestEveryStructIsRegistered reads the sources of package messages: a new message without a code fails here.
func TestEveryStructIsRegistered(t *testing.T) {
	files, err := filepath.Glob("../*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	found := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.IsExported() {
				if _, ok := spec.Type.(*ast.StructType); ok {
					found[spec.Name.Name] = true
				}
			}
			return true
		})
	}
	for _, r := range registered {
		name := reflect.TypeOf(r.zero).Name()
		if !found[name] {
			t.Errorf("%s has a code but is no struct of package messages", name)
		}
		delete(found, name)
	}
	for name := range found {
		if !notMessages[name] {
			t.Errorf("messages.%s has no code: add it to the registry and to the table in doc.go", name)
		}
	}
}

func TestCodesNeverCollide(t *testing.T) {
	codes, types := map[Code]string{}, map[string]Code{}
	for _, r := range registered {
		name := reflect.TypeOf(r.zero).Name()
		if other, ok := codes[r.code]; ok {
			t.Errorf("%s and %s share the code %d", name, other, r.code)
		}
		if other, ok := types[name]; ok {
			t.Errorf("%s has the codes %d and %d", name, r.code, other)
		}
		codes[r.code], types[name] = name, r.code
	}
}

var tableEntry = regexp.MustCompile(`(\d+) ([A-Z][A-Za-z]+)`)

// TestTableIsTheRegistry keeps the table that people read and the one that the code uses the same. As codes are fixed
// for ever, a change of either for an existing message is an error in itself.
func TestTableIsTheRegistry(t *testing.T) {
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(source), "The codes are fixed for ever:")
	table, _, _ = strings.Cut(table, "100 to 199")
	listed := map[string]string{}
	for _, m := range tableEntry.FindAllStringSubmatch(table, -1) {
		listed[m[2]] = m[1]
	}
	for _, r := range registered {
		name, code := reflect.TypeOf(r.zero).Name(), strconv.Itoa(int(r.code))
		if listed[name] != code {
			t.Errorf("%s has the code %s, the table says %q", name, code, listed[name])
		}
		delete(listed, name)
	}
	for name, code := range listed {
		t.Errorf("the table has %s %s, the registry doesn't", code, name)
	}
}
