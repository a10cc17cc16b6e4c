package main

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

const (
	protoactorModule = "github.com/asynkron/protoactor-go"
	protoactorPath   = protoactorModule + "/actor"
)

// eachImport calls visit with every import of a file, its path and line.
func eachImport(f *File, visit func(target string, line int)) {
	for _, spec := range f.Syntax.Imports {
		visit(strings.Trim(spec.Path.Value, `"`), f.Line(spec.Pos()))
	}
}

// checkImportDirection enforces that imports go down only, by the table Policy.MayImport.
func checkImportDirection(t *Tree, p *Policy) (found []Finding) {
	t.Go(func(f *File) {
		allowed, known := p.mayImport(path.Dir(f.Path), f.IsTest())
		eachImport(f, func(target string, line int) {
			ours, isOurs := strings.CutPrefix(target, t.Module+"/")
			if !isOurs || !known || t.Module == "" || within(ours, allowed) {
				return
			}
			found = append(found, Finding{f.Path, line, "import-direction", fmt.Sprintf(
				"must not import %s, only %s: imports go down. Upward traffic is a message to a PID handed in at spawn.",
				ours, strings.Join(allowed, ", "))})
		})
	})
	return found
}

// mayImport finds the row of the longest folder that holds dir.
func (p *Policy) mayImport(dir string, isTest bool) ([]string, bool) {
	for at := dir; at != "."; at = path.Dir(at) {
		row, ok := p.MayImport[at]
		if !ok {
			continue
		}
		if isTest {
			row = append(slices.Clone(row), p.TestsMayImport[at]...)
		}
		return row, true
	}
	return nil, false
}

// checkProtoactor enforces the split of core and shell: only shells and plumbing know the actor library, the other way
// round a file that is called a shell holds an actor, and of the library only the package actor is used.
func checkProtoactor(t *Tree, p *Policy) (found []Finding) {
	t.Go(func(f *File) {
		uses := false
		eachImport(f, func(target string, line int) {
			if target != protoactorModule && !strings.HasPrefix(target, protoactorModule+"/") {
				return
			}
			uses = true
			if text := p.protoactorFault(f, target); text != "" {
				found = append(found, Finding{f.Path, line, "protoactor", text})
			}
		})
		if !uses && !f.IsTest() && within(f.Path, p.Shells) {
			found = append(found, Finding{f.Path, 1, "protoactor",
				"is named _actor.go but holds no mailbox; name the file after its core or its job."})
		}
	})
	return found
}

func (p *Policy) protoactorFault(f *File, target string) string {
	switch {
	case target != protoactorPath:
		return "uses " + target + "; of the library only the package actor is ours to use (persistence, links and election are our own)."
	case within(f.Path, []string{"messages", "persistence", "bench"}):
		return "knows actors; messages and persistence are plain values and files. Move the actor to actors/ or cluster/."
	case f.IsTest() || !within(f.Path, []string{"actors", "cluster"}):
		return ""
	case within(f.Path, slices.Concat(p.Shells, p.Plumbing, p.Kits)):
		return ""
	}
	return "is a core and must not import the actor library; put the mailbox into " +
		strings.TrimSuffix(path.Base(f.Path), ".go") + "_actor.go and return an Outbox."
}

// checkCorePurity keeps I/O, logging, locks and real randomness out of the cores.
func checkCorePurity(t *Tree, p *Policy) (found []Finding) {
	t.Go(func(f *File) {
		if f.IsTest() || !within(f.Path, p.Cores) || within(f.Path, slices.Concat(p.Shells, p.Plumbing, p.Edges, p.Kits)) {
			return
		}
		eachImport(f, func(target string, line int) {
			if slices.Contains(p.Impure, target) {
				found = append(found, Finding{f.Path, line, "core-purity", fmt.Sprintf(
					"is a core and must not import %q: decide here, act in the _actor.go file or behind an injected interface.", target)})
			}
		})
	})
	return found
}
