package shell

import (
	"fmt"
	"strings"

	"github.com/troupekeeper/troupe/messages"
)

// parseACL reads scheme:id:perms, several with commas between them. An id may hold colons and, where no other
// reading makes sense, commas.
func parseACL(text string) ([]messages.ACL, error) {
	var list []messages.ACL
	entry := ""
	for part := range strings.SplitSeq(text, ",") {
		entry += part
		first, last := strings.IndexByte(entry, ':'), strings.LastIndexByte(entry, ':')
		if first == last { // no entry yet: the comma may belong to an id such as CN=a,O=b
			entry += ","
			continue
		}
		perms, err := parsePerms(entry[last+1:])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry, err)
		}
		id := messages.Identity{Scheme: strings.TrimSpace(entry[:first]), ID: entry[first+1 : last]}
		list = append(list, messages.ACL{Perms: perms, ID: id})
		entry = ""
	}
	if entry != "" {
		return nil, fmt.Errorf("%s does not have the form scheme:id:perm", strings.TrimSuffix(entry, ","))
	}
	return list, nil
}

func parsePerms(letters string) (messages.Perm, error) {
	var perms messages.Perm
	for _, l := range letters {
		switch l {
		case 'c':
			perms |= messages.PermCreate
		case 'd':
			perms |= messages.PermDelete
		case 'r':
			perms |= messages.PermRead
		case 'w':
			perms |= messages.PermWrite
		case 'a':
			perms |= messages.PermAdmin
		default:
			return 0, fmt.Errorf("Unknown perm type: %c (the letters are c, d, r, w and a)", l)
		}
	}
	return perms, nil
}
