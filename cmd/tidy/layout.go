package main

import (
	"go/ast"
	"path"
	"slices"
	"sort"
	"strings"
)

// checkTopLevel allows only the folders and files that the layout names at the top.
func checkTopLevel(t *Tree, p *Policy) (found []Finding) {
	seen := map[string]bool{}
	for _, f := range t.Files {
		top, _, deep := strings.Cut(f.Path, "/")
		switch {
		case deep && !slices.Contains(p.TopFolders, top) && !seen[top]:
			seen[top] = true
			found = append(found, Finding{f.Path, 1, "top-level", "lies in the top folder " + top + ", which the layout does not have; " +
				"notes live in DESIGN.md, deployment files in cmd/troupe/deploy, the client in server/client."})
		case !deep && !slices.Contains(p.TopFiles, top):
			found = append(found, Finding{f.Path, 1, "top-level", "is no file of the top; move it beside the code it belongs to."})
		}
	}
	return found
}

// checkDesign asks for a DESIGN.md in every designed folder that exists.
func checkDesign(t *Tree, p *Policy) (found []Finding) {
	for _, folder := range p.Designed {
		if t.dirs[folder] && !t.Has(folder+"/DESIGN.md") {
			found = append(found, Finding{folder + "/DESIGN.md", 1, "design",
				"is missing: write purpose, path of a request, subtle points, and dated decisions with their cost."})
		}
	}
	return found
}

// checkPackageDoc asks every package for a doc.go whose comment describes it.
func checkPackageDoc(t *Tree, _ *Policy) (found []Finding) {
	packages := map[string]bool{}
	t.Go(func(f *File) {
		if !f.IsTest() {
			packages[path.Dir(f.Path)] = true
		}
	})
	for _, dir := range sortedKeys(packages) {
		name := path.Join(dir, "doc.go")
		doc := t.byPath[name]
		switch {
		case doc == nil:
			found = append(found, Finding{name, 1, "package-doc", "is missing: say what enters, what leaves and what always holds."})
		case doc.Syntax != nil && (doc.Syntax.Doc == nil || strings.TrimSpace(doc.Syntax.Doc.Text()) == ""):
			found = append(found, Finding{name, 1, "package-doc", "has no package comment right above its package line."})
		}
	}
	return found
}

// plainMethods need no comment: the interface that they fulfil says everything.
var plainMethods = []string{"String", "Error", "Unwrap", "Is", "Len", "Less", "Swap", "Receive", "EncodeMsgpack", "DecodeMsgpack",
	"MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText", "Collect", "Describe", "ServeHTTP"}

// checkExportedDoc asks for a comment on every exported type, function, method, variable and constant. A method that an
// interface of the same package names is explained there.
func checkExportedDoc(t *Tree, _ *Policy) (found []Finding) {
	explained := interfaceMethods(t)
	t.Go(func(f *File) {
		if f.IsTest() {
			return
		}
		report := func(id *ast.Ident, doc ...*ast.CommentGroup) {
			for _, d := range doc {
				if d != nil {
					return
				}
			}
			if id.IsExported() {
				found = append(found, Finding{f.Path, f.Line(id.Pos()), "exported-doc",
					id.Name + " is exported without a comment: say its meaning, units and errors, or unexport it."})
			}
		}
		for _, decl := range f.Syntax.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv != nil && explained[path.Dir(f.Path)+"."+d.Name.Name] {
					continue
				}
				if needsDoc(d) {
					report(d.Name, d.Doc)
				}
			case *ast.GenDecl:
				eachName(d, report)
			}
		}
	})
	return found
}

// interfaceMethods returns the set of "folder.Method" for all interfaces that the packages declare.
func interfaceMethods(t *Tree) map[string]bool {
	set := map[string]bool{}
	t.Go(func(f *File) {
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			if i, ok := n.(*ast.InterfaceType); ok {
				for _, m := range i.Methods.List {
					for _, name := range m.Names {
						set[path.Dir(f.Path)+"."+name.Name] = true
					}
				}
			}
			return true
		})
	})
	return set
}

// needsDoc is false for the methods of unexported types and for those whose interface explains them.
func needsDoc(fn *ast.FuncDecl) bool {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return true
	}
	return ast.IsExported(receiverName(fn.Recv.List[0].Type)) && !slices.Contains(plainMethods, fn.Name.Name)
}

// eachName reports the names of a type, const or var declaration. One comment above a group of constants or variables
// covers the group.
func eachName(d *ast.GenDecl, report func(*ast.Ident, ...*ast.CommentGroup)) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			group := d.Doc
			if d.Lparen.IsValid() {
				group = nil
			}
			report(s.Name, group, s.Doc, s.Comment)
		case *ast.ValueSpec:
			for _, name := range s.Names {
				report(name, d.Doc, s.Doc, s.Comment)
			}
		}
	}
}

func sortedKeys(set map[string]bool) []string {
	keys := make([]string, 0, len(set))
	for key := range set {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
