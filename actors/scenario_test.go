package actors_test

import (
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// TestPipelineScenarios plays testdata/pipeline through a whole server. The commands:
//
//	server                          a new server
//	connect c [session=d]           client c opens a session, or takes up that of d
//	hangup c                        c's connection breaks
//	pass d                          time passes: 10s, 500ms …
//	ask                             one request a line, all under way at once, "c op path …" with the words
//	                                data=x version=n flags=n watch
//
// Each prints what the clients have seen since, in the order in which they saw it.
func TestPipelineScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/pipeline", func(t *testing.T, path string) {
		var s *scene
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "server" {
				s = &scene{pipeline: newPipeline(t, pipelineOptions{}), clients: map[string]*client{}, gone: map[string]bool{}}
				return ""
			}
			s.play(t, d)
			return s.seen()
		})
	})
}

type scene struct {
	*pipeline
	clients map[string]*client
	gone    map[string]bool // those whose end has been told
}

func (s *scene) play(t *testing.T, d *datadriven.TestData) {
	switch d.Cmd {
	case "connect":
		var old *client
		for _, arg := range d.CmdArgs[1:] {
			old = s.clients[arg.Vals[0]]
		}
		s.clients[d.CmdArgs[0].Key] = s.dial(old)
		delete(s.gone, d.CmdArgs[0].Key)
	case "hangup":
		s.clients[d.CmdArgs[0].Key].peer.Hangup()
	case "pass":
		length, err := time.ParseDuration(d.CmdArgs[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		s.pass(length)
	case "ask":
		for line := range strings.SplitSeq(d.Input, "\n") {
			words := strings.Fields(line)
			s.ask(t, s.clients[words[0]], words[1:])
		}
	default:
		t.Fatalf("unknown command %s", d.Cmd)
	}
	s.settle()
}

func (s *scene) ask(t *testing.T, c *client, words []string) {
	op, path := words[0], ""
	if len(words) > 1 {
		path = words[1]
	}
	create := jute.CreateRequest{Path: path, ACL: messages.WorldACL(messages.PermAll)}
	version, watch := int32(-1), false
	for _, word := range words[min(2, len(words)):] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "data":
			create.Data = []byte(value)
		case "version":
			fmt.Sscan(value, &version)
		case "flags":
			fmt.Sscan(value, &create.Flags)
		case "watch":
			watch = true
		default:
			t.Fatalf("unknown word %s", word)
		}
	}
	set := jute.SetDataRequest{Path: path, Data: create.Data, Version: version}
	pathVersion := jute.PathVersion{Path: path, Version: version}
	mode := jute.PathMode{Path: path, Mode: create.Flags}
	switch op {
	case "create":
		c.ask(messages.OpCreate, create.Append(nil, messages.OpCreate))
	case "set":
		c.ask(messages.OpSetData, set.Append(nil))
	case "delete":
		c.ask(messages.OpDelete, pathVersion.Append(nil))
	case "get":
		c.ask(messages.OpGetData, getRequest(path, watch))
	case "exists":
		c.ask(messages.OpExists, getRequest(path, watch))
	case "children":
		c.ask(messages.OpGetChildren, getRequest(path, watch))
	case "addwatch":
		c.ask(messages.OpAddWatch, mode.Append(nil))
	case "move": // a multi: delete this path, create another one
		create.Path = string(create.Data)
		c.ask(messages.OpMulti, jute.AppendMulti(nil, []jute.MultiOp{
			{Op: messages.OpDelete, Record: pathVersion}, {Op: messages.OpCreate, Record: create},
		}))
	case "ping":
		c.ask(messages.OpPing, nil)
	case "close":
		c.ask(messages.OpCloseSession, nil)
	default:
		t.Fatalf("unknown operation %s", op)
	}
}

// seen tells what has come to each client.
func (s *scene) seen() string {
	var names []string
	for name := range s.clients {
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	for _, name := range names {
		c := s.clients[name]
		was := c.ready || c.refused
		got := c.take()
		if !was && c.ready {
			fmt.Fprintf(&b, "%s: has session %v\n", name, c.session)
		}
		if !was && c.refused {
			fmt.Fprintf(&b, "%s: is refused\n", name)
		}
		for _, f := range got {
			fmt.Fprintf(&b, "%s: %s\n", name, describeFrame(f))
		}
		if c.peer.Closed() && !s.gone[name] {
			s.gone[name] = true
			fmt.Fprintf(&b, "%s: is closed\n", name)
		}
	}
	if b.Len() == 0 {
		return "(nothing)\n"
	}
	return b.String()
}

func describeFrame(f frameIn) string {
	if f.op == messages.OpNotification {
		return fmt.Sprintf("event %v %s at %v", eventNames[f.event.Type], f.event.Path, f.zxid)
	}
	text := fmt.Sprintf("%v at %v", f.op, f.zxid)
	if f.err != messages.ErrOK {
		return fmt.Sprintf("%s: %v (%d)", text, f.err, int32(f.err))
	}
	d := jute.NewDecoder(f.body)
	switch f.op {
	case messages.OpCreate:
		return text + ": " + d.String()
	case messages.OpGetData:
		return fmt.Sprintf("%s: %q version %d", text, d.Buffer(), jute.DecodeStat(&d).Version)
	case messages.OpGetChildren:
		list := d.Strings()
		sort.Strings(list)
		return fmt.Sprintf("%s: %v", text, list)
	case messages.OpMulti:
		for _, r := range jute.DecodeMultiResults(&d) {
			text += fmt.Sprintf(" [%v %d]", r.Op, int32(r.Err))
		}
	}
	return text
}

var eventNames = map[messages.EventType]string{
	messages.EventNodeCreated: "created", messages.EventNodeDeleted: "deleted",
	messages.EventNodeDataChanged: "data", messages.EventNodeChildrenChanged: "children",
}
