package shell

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/server/client"
)

var errNotConnected = errors.New("Not connected")

// pathMessages are zkCli's words for what a server answers about a path, which follows them.
var pathMessages = map[messages.ErrCode]string{
	messages.ErrNoNode:                  "Node does not exist: ",
	messages.ErrNoChildrenForEphemerals: "Ephemerals cannot have children: ",
	messages.ErrNodeExists:              "Node already exists: ",
	messages.ErrNotEmpty:                "Node not empty: ",
	messages.ErrNotReadOnly:             "Not a read-only call: ",
	messages.ErrInvalidACL:              "Acl is not valid : ",
	messages.ErrNoAuth:                  "Insufficient permission : ",
	messages.ErrBadArguments:            "Arguments are not valid : ",
	messages.ErrBadVersion:              "version No is not valid : ",
	messages.ErrQuotaExceeded:           "Quota has exceeded : ",
}

// codeNames are zkCli's names of the codes, which it prints where it has no words of its own.
var codeNames = map[messages.ErrCode]string{
	messages.ErrSystemError:             "SystemError",
	messages.ErrRuntimeInconsistency:    "RuntimeInconsistency",
	messages.ErrMarshalling:             "MarshallingError",
	messages.ErrUnimplemented:           "Unimplemented",
	messages.ErrBadArguments:            "BadArguments",
	messages.ErrUnknownSession:          "Unknown session",
	messages.ErrNewConfigNoQuorum:       "NewConfigNoQuorum",
	messages.ErrReconfigInProgress:      "ReconfigInProgress",
	messages.ErrNoNode:                  "NoNode",
	messages.ErrNoAuth:                  "NoAuth",
	messages.ErrBadVersion:              "BadVersion",
	messages.ErrNoChildrenForEphemerals: "NoChildrenForEphemerals",
	messages.ErrNodeExists:              "NodeExists",
	messages.ErrNotEmpty:                "Directory not empty",
	messages.ErrSessionExpired:          "Session expired",
	messages.ErrInvalidACL:              "InvalidACL",
	messages.ErrAuthFailed:              "AuthFailed",
	messages.ErrSessionMoved:            "Session moved to another server, so operation is ignored",
	messages.ErrNotReadOnly:             "Not a read-only call",
	messages.ErrEphemeralOnLocalSession: "Attempt to create ephemeral node on a local session",
	messages.ErrNoWatcher:               "No such watcher",
	messages.ErrReconfigDisabled:        "Reconfig is disabled",
	messages.ErrSessionClosedNeedsAuth:  "Session closed because client failed to authenticate",
	messages.ErrQuotaExceeded:           "Quota has exceeded",
	messages.ErrThrottledOp:             "Op throttled due to high load",
}

// explain is the text of an error: zkCli's where it has one.
func explain(err error) string {
	var code messages.ErrCode
	var failed *client.Error
	var whole *explained
	switch {
	case errors.As(err, &whole):
		return err.Error()
	case errors.Is(err, errNotConnected) && errors.Is(err, client.ErrSessionExpired):
		return "Not connected: the session has expired; connect opens a new one"
	case errors.Is(err, errNotConnected):
		return "Not connected"
	case errors.Is(err, context.Canceled):
		return "Interrupted"
	case errors.Is(err, client.ErrConnectionLoss) && errors.As(err, &failed):
		return fmt.Sprintf("%s (%v %s)", capital(failed.Err.Error()), failed.Op, failed.Path)
	case errors.Is(err, client.ErrNoServer) && errors.Is(err, client.ErrClosedByServer):
		return capital(err.Error()) + "; it may be looking for a leader (-w waits until it serves), " +
			"or have all the connections from this address that it takes (maxClientCnxns)"
	case errors.Is(err, client.ErrNoServer):
		return capital(err.Error()) + `; is one running there? ("troupe serve" starts one, --server names another)`
	case !errors.As(err, &code):
		return err.Error()
	}
	path := ""
	if errors.As(err, &failed) {
		path = failed.Path
	}
	reconfig := failed != nil && failed.Op == messages.OpReconfig // it has no path, and zkCli writes the rest all the same
	if text, ok := pathMessages[code]; ok && (path != "" || reconfig) {
		return text + path
	}
	name, ok := codeNames[code]
	if !ok {
		name = code.Error()
	}
	if path != "" {
		return "KeeperErrorCode = " + name + " for " + path
	}
	return "KeeperErrorCode = " + name
}

// capital starts the client's own errors like all other messages.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// explained shows an error in the words of explain, for a longer message around it.
type explained struct{ err error }

func (e *explained) Error() string { return explain(e.err) }
func (e *explained) Unwrap() error { return e.err }

// hints tell what to do, where it isn't plain.
var hints = map[messages.ErrCode]string{
	messages.ErrNotEmpty:                "deleteall deletes a node with all below it",
	messages.ErrNoAuth:                  "present a credential with addauth, for example: addauth digest user:password",
	messages.ErrBadVersion:              "stat shows the version that the node has; -v -1 fits all",
	messages.ErrInvalidACL:              "an ACL is scheme:id:perms[,…], for example world:anyone:r,auth::cdrwa",
	messages.ErrNoChildrenForEphemerals: "an ephemeral node has no children; create its parent without -e",
	messages.ErrAuthFailed:              "the server doesn't know the scheme, or refuses the credential",
	messages.ErrUnimplemented:           "this server doesn't have the operation, or it is switched off",
	messages.ErrNewConfigNoQuorum:       "start the new servers and let them catch up, then try again",
	messages.ErrReconfigInProgress:      "one change at a time: try again when the other one is done",
	messages.ErrReconfigDisabled:        "a standalone server has no ensemble to change; others need reconfigEnabled=true",
	messages.ErrNotReadOnly:             "this server has lost its ensemble and answers only reads",
	messages.ErrQuotaExceeded:           "listquota shows the limits, setquota changes them",
}

// reconfigHints are those for a change of the ensemble, where they differ.
var reconfigHints = map[messages.ErrCode]string{
	messages.ErrNoAuth:     "only the super user may change the ensemble, unless the ACL of /zookeeper/config says otherwise",
	messages.ErrBadVersion: "config shows the version that the configuration has",
	messages.ErrBadArguments: "a server is written server.4=host:2888:3888:participant;2181; at least two must vote, " +
		"one with standaloneEnabled=false",
	messages.ErrMarshalling:   "a server's id is a number",
	messages.ErrUnimplemented: "a standalone server has no ensemble to change",
}

// hint is what to do about an error, or "".
func hint(err error) string {
	var code messages.ErrCode
	var failed *client.Error
	if errors.Is(err, client.ErrConnectionLoss) && errors.As(err, &failed) && failed.Op.IsWrite() {
		return "a change that was under way may or may not have been made; look before you repeat it"
	}
	if errors.As(err, &code) {
		if text, ok := reconfigHints[code]; ok && errors.As(err, &failed) && failed.Op == messages.OpReconfig {
			return text
		}
		return hints[code]
	}
	return ""
}

// notFound is the error of an unknown verb.
func (s *Shell) notFound(name string) error {
	for _, known := range s.names() {
		if strings.EqualFold(known, name) {
			return fmt.Errorf("Command not found %s - did you mean %s?", name, known)
		}
	}
	return fmt.Errorf("Command not found %s - help lists the commands", name)
}

// blameSize adds to the loss of a connection what most likely brought it about: servers close it when a request is too
// large, without a word.
func blameSize(err error, data []byte) error {
	if !errors.Is(err, client.ErrConnectionLoss) || len(data) < jute.DefaultFrameLimit*99/100 {
		return err
	}
	return fmt.Errorf("%w\nthe data has %d bytes; servers take requests of at most jute.maxbuffer bytes, by default %d",
		&explained{err}, len(data), jute.DefaultFrameLimit)
}

// checkPath finds what ZooKeeper's clients find wrong with a path before they send it.
func checkPath(path string) error {
	switch {
	case path == "":
		return errors.New("Path length must be > 0")
	case path[0] != '/':
		return errors.New("Path must start with / character: " + path)
	case path != "/" && strings.HasSuffix(path, "/"):
		return errors.New("Path must not end with / character: " + path)
	case messages.ValidPath(path):
		return nil
	}
	at := 0
	for _, name := range strings.Split(path[1:], "/") {
		at++
		switch name {
		case "":
			return fmt.Errorf("Invalid path string %q caused by empty node name specified @%d", path, at)
		case ".", "..":
			return fmt.Errorf("Invalid path string %q caused by relative paths not allowed @%d", path, at+len(name)-1)
		}
		at += len(name)
	}
	return fmt.Errorf("Invalid path string %q caused by invalid character", path)
}
