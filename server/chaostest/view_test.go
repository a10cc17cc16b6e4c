package chaostest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/server/client"
)

// viewNode is a node as a client sees it.
type viewNode struct {
	data string
	stat messages.Stat
	acl  string
}

// view is a whole tree as one member shows it, while nobody writes.
type view struct {
	nodes map[string]viewNode
	zxid  messages.Zxid // of the last answer
}

// below lists the paths of a folder and everything in it.
func (v *view) below(folder string) []string {
	var paths []string
	for path := range v.nodes {
		if messages.HasPathPrefix(path, folder) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// look reads the whole tree, many reads at a time.
func look(ctx context.Context, c *client.Client) (*view, error) {
	if err := c.Sync(ctx, messages.RootPath); err != nil {
		return nil, err
	}
	v := &view{nodes: map[string]viewNode{}}
	layer := []string{messages.RootPath}
	for len(layer) > 0 {
		next := []string(nil)
		for part := range slices.Chunk(layer, 1000) {
			below, err := v.read(ctx, c, part)
			if err != nil {
				return nil, err
			}
			next = append(next, below...)
		}
		layer = next
	}
	v.zxid = c.LastZxid()
	return v, nil
}

// read takes in a part of a layer of nodes and gives what lies below.
func (v *view) read(ctx context.Context, c *client.Client, layer []string) (next []string, err error) {
	var calls []*client.Call
	for _, path := range layer {
		calls = append(calls, c.Send(messages.OpGetData, &jute.PathWatch{Path: []byte(path)}),
			c.Send(messages.OpGetChildren2, &jute.PathWatch{Path: []byte(path)}), c.Send(messages.OpGetACL, jute.Path(path)))
	}
	for i, path := range layer {
		for _, call := range calls[3*i : 3*i+3] {
			if err := call.Wait(ctx); err != nil {
				return nil, fmt.Errorf("%v %s: %w", call.Op, path, err)
			}
		}
		d := calls[3*i].Decoder()
		data := jute.DecodeDataReply(&d)
		d = calls[3*i+1].Decoder()
		children := jute.DecodeChildrenReply(&d, messages.OpGetChildren2)
		d = calls[3*i+2].Decoder()
		acl := jute.DecodeACLReply(&d)
		if children.Stat != data.Stat || acl.Stat != data.Stat {
			return nil, fmt.Errorf("%s changes although nobody writes: %+v, then %+v, then %+v", path, data.Stat, children.Stat, acl.Stat)
		}
		if int(data.Stat.NumChildren) != len(children.Children) || int(data.Stat.DataLength) != len(data.Data) {
			return nil, fmt.Errorf("%s: its Stat %+v doesn't fit %d children and %d bytes", path, data.Stat, len(children.Children), len(data.Data))
		}
		v.nodes[path] = viewNode{string(data.Data), data.Stat, fmt.Sprint(acl.ACL)}
		for _, name := range children.Children {
			next = append(next, messages.JoinPath(path, name))
		}
	}
	return next, nil
}

// differs tells where two members show different trees, "" if nowhere.
func (v *view) differs(other *view) string {
	var text []string
	for _, path := range v.below(messages.RootPath) {
		if other.nodes[path] != v.nodes[path] {
			text = append(text, fmt.Sprintf("%s: %+v, the other: %+v", path, v.nodes[path], other.nodes[path]))
		}
	}
	for _, path := range other.below(messages.RootPath) {
		if _, ok := v.nodes[path]; !ok {
			text = append(text, fmt.Sprintf("%s: missing, the other: %+v", path, other.nodes[path]))
		}
	}
	if len(text) > 10 {
		text = append(text[:10], fmt.Sprintf("… and %d more", len(text)-10))
	}
	return strings.Join(text, "\n    ")
}

// agree makes sure that all running members come to the same zxid and show the same tree, which it returns. Nobody
// may write any more.
func (e *ensemble) agree(ctx context.Context) (*view, error) {
	var conns []*client.Client
	for _, m := range e.present() {
		c, err := e.connect(ctx, client.Options{Servers: []string{m.addr}, Timeout: keptTimeout, Wait: true})
		if err != nil {
			return nil, fmt.Errorf("a session at %v: %w", m, err)
		}
		defer c.Abandon()
		conns = append(conns, c)
	}
	err := await(ctx, "all servers are at the same zxid", 50*time.Millisecond, func() error {
		var zxids []string
		for _, m := range e.present() {
			state, err := m.srvr(ctx)
			if err != nil {
				return err
			}
			zxids = append(zxids, state.zxid)
		}
		if slices.Min(zxids) != slices.Max(zxids) {
			return fmt.Errorf("they are at %v", zxids)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var first *view
	for i, m := range e.present() {
		v, err := look(ctx, conns[i])
		if err != nil {
			return nil, fmt.Errorf("the tree of %v: %w", m, err)
		}
		for _, path := range e.target.unequal {
			lines := strings.Fields(v.nodes[path].data)
			slices.Sort(lines)
			v.nodes[path] = viewNode{data: strings.Join(lines, "\n")}
		}
		if first == nil {
			first = v
		}
		if text := first.differs(v); text != "" {
			err = errors.Join(err, fmt.Errorf("%v and %v show different trees:\n    %s", e.present()[0], m, text))
		}
		if v.zxid != first.zxid {
			err = errors.Join(err, fmt.Errorf("%v is at %v, %v at %v", e.present()[0], first.zxid, m, v.zxid))
		}
		if err != nil {
			return nil, err
		}
	}
	return first, nil
}
