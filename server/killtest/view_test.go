package killtest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/server/client"
)

// viewNode is a node as a client sees it.
type viewNode struct {
	data     []byte
	stat     messages.Stat
	children []string
}

// view is what a server shows after a crash, while nobody writes.
type view struct {
	nodes map[string]viewNode
	// ghosts are the names in the folder of the ghosts, read at one moment: they may go at any time.
	ghosts []string
	zxid   messages.Zxid // of the first reply
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

// look reads all that the clients of a campaign have written, many reads at a time.
func look(ctx context.Context, c *client.Client) (*view, error) {
	v := &view{nodes: map[string]viewNode{}}
	ghosts := c.Send(messages.OpGetChildren2, &jute.PathWatch{Path: []byte(ghostFolder)})
	if err := ghosts.Wait(ctx); err != nil {
		return nil, fmt.Errorf("read %s: %w", ghostFolder, err)
	}
	d := ghosts.Decoder()
	v.ghosts, v.zxid = jute.DecodeChildrenReply(&d, messages.OpGetChildren2).Children, ghosts.Header.Zxid
	layer := []string{keeperFolder, clerkFolder, bankFolder}
	for len(layer) > 0 {
		next, err := v.read(ctx, c, layer)
		if err != nil {
			return nil, err
		}
		layer = next
	}
	return v, nil
}

// read takes in a layer of nodes and gives the next one.
func (v *view) read(ctx context.Context, c *client.Client, layer []string) (next []string, err error) {
	data := make([]*client.Call, len(layer))
	list := make([]*client.Call, len(layer))
	for i, path := range layer {
		data[i] = c.Send(messages.OpGetData, &jute.PathWatch{Path: []byte(path)})
		list[i] = c.Send(messages.OpGetChildren2, &jute.PathWatch{Path: []byte(path)})
	}
	for i, path := range layer {
		if err := data[i].Wait(ctx); err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		if err := list[i].Wait(ctx); err != nil {
			return nil, fmt.Errorf("list %s: %w", path, err)
		}
		d := data[i].Decoder()
		r := jute.DecodeDataReply(&d)
		d = list[i].Decoder()
		children := jute.DecodeChildrenReply(&d, messages.OpGetChildren2)
		if children.Stat != r.Stat {
			return nil, fmt.Errorf("%s changes although nobody writes: %+v, then %+v", path, r.Stat, children.Stat)
		}
		if int(r.Stat.NumChildren) != len(children.Children) || int(r.Stat.DataLength) != len(r.Data) {
			return nil, fmt.Errorf("%s: its Stat %+v doesn't fit %d children and %d bytes", path, r.Stat, len(children.Children), len(r.Data))
		}
		v.nodes[path] = viewNode{r.Data, r.Stat, children.Children}
		for _, name := range children.Children {
			next = append(next, messages.JoinPath(path, name))
		}
	}
	return next, nil
}

// digits reads the number behind a sequential name's prefix.
func digits(name, prefix string) (n int, ok bool) {
	rest, found := strings.CutPrefix(name, prefix)
	if !found || len(rest) != 10 {
		return 0, false
	}
	for _, c := range rest {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}
