package main

import (
	"fmt"
	"go/ast"
	"slices"
)

// checkBans looks for the names and statements that Policy.Bans forbids.
func checkBans(t *Tree, p *Policy) (found []Finding) {
	t.Go(func(f *File) {
		var active []Ban
		for _, ban := range p.Bans {
			if ban.covers(f) {
				active = append(active, ban)
			}
		}
		if len(active) == 0 {
			return
		}
		imports := f.Imports()
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			for i := range active {
				if what := active[i].hit(n, imports); what != "" {
					text := fmt.Sprintf("%s is banned here. %s", what, active[i].Instead)
					found = append(found, Finding{f.Path, f.Line(n.Pos()), active[i].Name, text})
				}
			}
			return true
		})
	})
	return found
}

// covers tells whether the ban applies to the file. A single "*" means the whole tree.
func (b *Ban) covers(f *File) bool {
	if b.Tests != f.IsTest() || within(f.Path, b.Except) {
		return false
	}
	return slices.Equal(b.Where, []string{"*"}) || within(f.Path, b.Where)
}

// hit returns what the node uses against the ban, or "".
func (b *Ban) hit(n ast.Node, imports map[string]string) string {
	if b.Go {
		if _, ok := n.(*ast.GoStmt); ok {
			return "a go statement"
		}
		return ""
	}
	sel, ok := n.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	name := sel.Sel.Name
	if b.Package == "" {
		if slices.Contains(b.Names, name) {
			return name
		}
		return ""
	}
	left, ok := sel.X.(*ast.Ident)
	if !ok || imports[left.Name] != b.Package {
		return ""
	}
	if len(b.Names) > 0 && !slices.Contains(b.Names, name) || slices.Contains(b.Allowed, name) {
		return ""
	}
	return left.Name + "." + name
}
