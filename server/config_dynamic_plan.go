package server

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/troupekeeper/troupe/messages"
)

// fileChange is one file as it is to be. Changes are made in order, each durable before the next, and each is whole or not
// made at all.
type fileChange struct {
	path   string
	text   string
	remove bool
}

// staticSide is what the main configuration file needs to know of this server.
type staticSide struct {
	path   string // of the file, absolute
	text   []byte // what is in it
	backup bool   // there is a copy of what its owner once wrote
	self   messages.ServerID
	client ClientConfig // where this server listens for clients
}

// nextName is the file of a membership that is proposed and not in effect.
func nextName(config string) string { return config + dynamicMark + "next" }

// backupName is the file that keeps what the owner of the configuration once wrote.
func backupName(config string) string { return config + ".bak" }

// planProposal is how a proposed membership is noted. Its version stands inside, as the name has none.
func planProposal(config string, m messages.Membership) []fileChange {
	return []fileChange{{path: nextName(config), text: m.String() + "\n"}}
}

// planActivation is how the files get to a membership that is in effect from now on. The dynamic file comes first, and only
// then the main file is turned to it, so that the main file always leads to a whole membership: the one before or this
// one. A second time it changes nothing.
func planActivation(s staticSide, m messages.Membership) ([]fileChange, error) {
	dynamic := DynamicName(s.path, m.Version)
	text, err := s.turnTo(dynamic, m)
	if err != nil {
		return nil, err
	}
	changes := []fileChange{{path: dynamic, text: m.Lines()}}
	if text != string(s.text) {
		if !s.backup {
			changes = append(changes, fileChange{path: backupName(s.path), text: string(s.text)})
		}
		changes = append(changes, fileChange{path: s.path, text: text})
	}
	return append(changes, fileChange{path: nextName(s.path), remove: true}), nil
}

// turnTo is the text of the main file that names a dynamic file. Everything about members goes; so does the client port, if
// the membership has it, for it may be said once only. Comments and all other lines stay where they are.
func (s staticSide) turnTo(dynamic string, m messages.Membership) (string, error) {
	entries, problems := parseProperties(s.path, s.text)
	if len(problems) > 0 {
		return "", &ConfigError{Problems: problems}
	}
	self, _ := m.Member(s.self)
	lines := splitLines(string(bytes.TrimPrefix(s.text, []byte("\xef\xbb\xbf"))))
	gone := make([]bool, len(lines))
	place, ported := -1, false
	for _, e := range entries {
		_, name := lookupKey(e.key)
		_, member := isMembershipKey(name)
		client := name == "clientPort" || name == "clientPortAddress"
		ported = ported || name == "clientPort"
		if !member && name != "dynamicConfigFile" && name != "peerType" && !(client && self.ClientPort != 0) {
			continue
		}
		for i := e.origin.line - 1; i < e.endLine; i++ {
			gone[i] = true
		}
		if place < 0 && !client && name != "peerType" {
			place = e.origin.line - 1
		}
	}
	added := []string{"dynamicConfigFile=" + escapeProperty(dynamic)}
	if self.ClientPort == 0 && !ported && s.client.Port != noPort {
		// An earlier membership had it, and so it was taken out of here.
		added = append(added, "clientPort="+strconv.Itoa(s.client.Port))
		if s.client.Address != "" {
			added = append(added, "clientPortAddress="+s.client.Address)
		}
	}
	text := joinLines(lines, gone, place, added)
	return text, checkTurned(s.path, text, dynamic)
}

// joinLines leaves out the lines that are gone and puts others in at a place, at the end if that is negative.
func joinLines(lines []string, gone []bool, place int, added []string) string {
	var out []string
	for i, line := range lines {
		if i == place {
			out = append(out, added...)
		}
		if !gone[i] {
			out = append(out, line)
		}
	}
	if place < 0 {
		if n := len(out); n > 0 && out[n-1] == "" {
			out = out[:n-1]
		}
		out = append(out, added...)
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n") + "\n"
}

// checkTurned reads the text as the next start will: it must find the dynamic file, and nothing beside it.
func checkTurned(path, text, dynamic string) error {
	entries, problems := parseProperties(path, []byte(text))
	found := 0
	for _, e := range entries {
		_, name := lookupKey(e.key)
		if _, member := isMembershipKey(name); member {
			return fmt.Errorf("%s:%d: %s would stand beside dynamicConfigFile", path, e.origin.line, e.key)
		}
		if name == "dynamicConfigFile" && e.value == dynamic {
			found++
		}
	}
	if len(problems) > 0 || found != 1 {
		return fmt.Errorf("%s: the line for %s would not be read back; write it there by hand", path, dynamic)
	}
	return nil
}

// escapeProperty writes a value so that parseProperties reads it back.
func escapeProperty(value string) string {
	value = strings.ReplaceAll(value, `\`, `\\`)
	return strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`, "\f", `\f`).Replace(value)
}
