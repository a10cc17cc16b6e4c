package tree

import (
	"fmt"

	"github.com/troupekeeper/troupe/messages"
)

// applyMulti applies all operations or none. So it first walks through them with the effects that they would have on
// one another, and only then touches the tree.
func (t *Tree) applyMulti(h *messages.TxnHeader, m *messages.MultiTxn, out *Result) error {
	if err := t.check.run(t, m); err != nil {
		return err
	}
	for i := range m.Ops {
		item := &m.Ops[i]
		op := OpResult{Op: item.Op}
		if item.Body != nil {
			if err := t.applyOne(h, item.Body, out, &op); err != nil {
				// The check has passed, so this is a bug here; the caller ends the process.
				return fmt.Errorf("operation %d of %d: %w", i, len(m.Ops), err)
			}
		}
		out.Ops = append(out.Ops, op)
	}
	return nil
}

// multiCheck is what the operations seen so far would have done to paths. It is kept and reused.
type multiCheck struct {
	exists   map[string]bool
	children map[string]int // difference to the tree
}

func (c *multiCheck) run(t *Tree, m *messages.MultiTxn) error {
	if c.exists == nil {
		c.exists, c.children = map[string]bool{}, map[string]int{}
	}
	clear(c.exists)
	clear(c.children)
	for i := range m.Ops {
		if err := c.op(t, m.Ops[i].Body); err != nil {
			return fmt.Errorf("operation %d of %d: %w", i, len(m.Ops), err)
		}
	}
	return nil
}

func (c *multiCheck) op(t *Tree, body messages.TxnBody) error {
	switch b := body.(type) {
	case nil:
		return nil
	case *messages.CreateTxn:
		return c.create(t, b.Path)
	case *messages.DeleteTxn:
		return c.delete(t, b.Path)
	case *messages.SetDataTxn:
		return c.change(t, b.Path)
	case *messages.SetACLTxn:
		return c.change(t, b.Path)
	}
	return fmt.Errorf("a body of type %T", body)
}

func (c *multiCheck) has(t *Tree, path string) bool {
	if e, ok := c.exists[path]; ok {
		return e
	}
	return t.find(path) != none
}

func (c *multiCheck) create(t *Tree, path string) error {
	if !messages.ValidPath(path) || path == messages.RootPath {
		return fmt.Errorf("create %q: not a path for a new node", path)
	}
	parent := messages.ParentPath(path)
	if !c.has(t, parent) {
		return fmt.Errorf("create %q: the parent is missing", path)
	}
	if c.has(t, path) {
		return fmt.Errorf("create %q: the node exists", path)
	}
	c.exists[path] = true
	c.children[parent]++
	return nil
}

func (c *multiCheck) delete(t *Tree, path string) error {
	if !c.has(t, path) {
		return fmt.Errorf("delete %q: the node is missing", path)
	}
	if path == "" || messages.IsBuiltIn(path) {
		return fmt.Errorf("delete %q: a node that every tree has", path)
	}
	children := c.children[path]
	if n, ok := t.LookupString(path); ok {
		children += n.NumChildren()
	}
	if children > 0 {
		return fmt.Errorf("delete %q: the node has %d children", path, children)
	}
	c.exists[path] = false
	c.children[messages.ParentPath(path)]--
	return nil
}

func (c *multiCheck) change(t *Tree, path string) error {
	if !c.has(t, path) {
		return fmt.Errorf("change %q: the node is missing", path)
	}
	return nil
}
