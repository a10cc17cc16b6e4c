package main

import (
	"fmt"
	"go/ast"
	"sort"
	"unicode/utf8"
)

// checkFileSize is the hard limit; it knows no exception by design of the text, only by an entry that says why.
func checkFileSize(t *Tree, p *Policy) (found []Finding) {
	t.Go(func(f *File) {
		if n := len(f.Lines); n > p.FileLines {
			found = append(found, Finding{f.Path, p.FileLines + 1, "file-size",
				fmt.Sprintf("has %d lines, the limit is %d: split it by idea, one a file.", n, p.FileLines)})
		}
	})
	return found
}

// checkFileReason asks for a written reason from the code files between the wish and the hard limit.
func checkFileReason(t *Tree, p *Policy) (found []Finding) {
	t.Go(func(f *File) {
		if n := len(f.Lines); !f.IsTest() && n > p.FileReason && n <= p.FileLines {
			found = append(found, Finding{f.Path, p.FileReason + 1, "file-reason",
				fmt.Sprintf("has %d lines; above %d split it, or give the reason as an exception in cmd/tidy/policy.go.", n, p.FileReason)})
		}
	})
	return found
}

// checkFunctionSize compares every function with its limit and keeps the ratchet of present offenders exact.
func checkFunctionSize(t *Tree, p *Policy) (found []Finding) {
	met := map[string]bool{}
	t.Go(func(f *File) {
		for _, decl := range f.Syntax.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			key := f.Path + ":" + functionName(fn)
			lines := f.Line(fn.End()) - f.Line(fn.Pos()) + 1
			met[key] = p.LongFunctions[key] > 0
			if text := p.functionFault(f, fn, key, lines); text != "" {
				found = append(found, Finding{f.Path, f.Line(fn.Pos()), "function-size", text})
			}
		}
	})
	var gone []string
	for key := range p.LongFunctions {
		if !met[key] {
			gone = append(gone, key)
		}
	}
	sort.Strings(gone)
	for _, key := range gone {
		found = append(found, Finding{"cmd/tidy/policy.go", 1, "function-size", key + " is gone; remove its entry from LongFunctions."})
	}
	return found
}

func (p *Policy) functionFault(f *File, fn *ast.FuncDecl, key string, lines int) string {
	limit, advice := p.FunctionLines, "take a step out and name it."
	switch {
	case f.IsTest():
		limit = p.TestLines
	case fn.Recv != nil && fn.Name.Name == "Receive":
		limit, advice = p.ReceiveLines, "one line a case, the work in the core; phases are behaviours."
	}
	known := p.LongFunctions[key]
	switch {
	case known == 0 && lines > limit:
		return fmt.Sprintf("%s has %d lines, the limit is %d: %s", fn.Name.Name, lines, limit, advice)
	case known > 0 && lines > known:
		return fmt.Sprintf("%s grew to %d lines from %d; the ratchet only shrinks: %s", fn.Name.Name, lines, known, advice)
	case known > 0 && lines <= limit:
		return fmt.Sprintf("%s fits now; remove its entry from LongFunctions in cmd/tidy/policy.go.", fn.Name.Name)
	case known > 0 && lines < known:
		return fmt.Sprintf("%s shrank to %d lines; lower its entry in LongFunctions in cmd/tidy/policy.go.", fn.Name.Name, lines)
	}
	return ""
}

// functionName returns "Function" or "Type.Method".
func functionName(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return fn.Name.Name
	}
	return receiverName(fn.Recv.List[0].Type) + "." + fn.Name.Name
}

// receiverName returns the type's name without pointer and type parameters.
func receiverName(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.StarExpr:
		return receiverName(x.X)
	case *ast.IndexExpr:
		return receiverName(x.X)
	case *ast.IndexListExpr:
		return receiverName(x.X)
	case *ast.Ident:
		return x.Name
	}
	return "?"
}

// checkLineLength counts runes, a tab as one.
func checkLineLength(t *Tree, p *Policy) (found []Finding) {
	t.Go(func(f *File) {
		for i, line := range f.Lines {
			if n := utf8.RuneCountInString(line); n > p.LineRunes {
				found = append(found, Finding{f.Path, i + 1, "line-length",
					fmt.Sprintf("has %d characters, the limit is %d: break it.", n, p.LineRunes)})
			}
		}
	})
	return found
}
