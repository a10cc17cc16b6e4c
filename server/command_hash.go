package server

import (
	"bytes"
	"fmt"
	"net/url"

	"github.com/troupekeeper/troupe/messages"
)

// hashCommand gives a digest of the tree: servers that stand at the same zxid must have the same.
type hashCommand struct{}

// digestVersion tells how the digest is made. It is none of ZooKeeper's numbers, because the digest is made in another
// way: it must not be compared with one of a ZooKeeper server.
const digestVersion = 1001

func (hashCommand) about() commandInfo {
	return commandInfo{
		word: "hash", names: []string{"hash"},
		help: "A digest of the tree as it is now; servers at the same zxid must have the same.",
	}
}

type hashResult struct {
	Digests []treeDigest `json:"digests"`
}

type treeDigest struct {
	Zxid    messages.Zxid `json:"zxid"`
	Digest  uint64        `json:"digest"`
	Version int           `json:"digestVersion"`
}

func (hashCommand) run(c *console, _ url.Values) (commandResult, error) {
	f := c.tree()
	return hashResult{[]treeDigest{{Zxid: f.zxid, Digest: f.digest, Version: digestVersion}}}, nil
}

func (r hashResult) text(w *bytes.Buffer) {
	for _, d := range r.Digests {
		fmt.Fprintf(w, "%v %016x\n", d.Zxid, d.Digest)
	}
}
