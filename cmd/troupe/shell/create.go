package shell

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// ttlMax is the longest TTL that a server can store, in milliseconds.
const ttlMax = 1099511627775

func createCommand() *command {
	return &command{
		name: "create", usage: "[-s] [-e] [-c] [-t ttl] path [data] [acl]", least: 1, most: 3,
		about:   "makes a node; without an ACL it is open to everybody",
		example: `create -e /services/mail/host1 "10.0.0.1:25" world:anyone:r,auth::cdrwa`,
		options: []option{
			{"s", "", "append a ten-digit number to the name"}, {"e", "", "delete it with this session"},
			{"c", "", "container: deleted some time after its last child"},
			{"t", "ttl", "deleted when it has no children and was not set for so many milliseconds"},
		},
		run: runCreate,
	}
}

func runCreate(ctx context.Context, s *Shell, a arguments) error {
	path := a.rest[0]
	options, err := createOptions(a)
	if err != nil {
		return err
	}
	checked := path
	if a.has("s") && strings.HasSuffix(path, "/") {
		checked += "1" // the number will follow
	}
	if err := checkPath(checked); err != nil {
		return err
	}
	var data []byte
	if len(a.rest) > 1 {
		data = []byte(a.rest[1])
	}
	if len(a.rest) > 2 {
		if options.ACL, err = parseACL(a.rest[2]); err != nil {
			return err
		}
	}
	created, err := s.client.CreateWith(ctx, path, data, options)
	if err != nil {
		if errors.Is(err, messages.ErrUnimplemented) && a.has("t") {
			return fmt.Errorf("%w\nTTL nodes are switched off at this server: extendedTypesEnabled=false", &explained{err})
		}
		return blameSize(err, data)
	}
	s.printf("Created %s\n", created)
	return nil
}

func createOptions(a arguments) (client.CreateOptions, error) {
	var o client.CreateOptions
	switch {
	case a.has("c") && (a.has("s") || a.has("e")):
		return o, errors.New("-c cannot be combined with -s or -e. Containers cannot be ephemeral or sequential.")
	case a.has("t") && a.has("e"):
		return o, errors.New("TTLs cannot be used with Ephemeral znodes")
	case a.has("t") && a.has("c"):
		return o, errors.New("TTLs cannot be used with Container znodes")
	case a.has("t"):
		ms, err := strconv.ParseInt(a.value("t"), 10, 64)
		if err != nil {
			return o, a.cmd.misuse("-t argument must be a long value")
		}
		if ms <= 0 || ms > ttlMax {
			return o, fmt.Errorf("ttl must be positive and cannot be larger than: %d", ttlMax)
		}
		o.TTL = time.Duration(ms) * time.Millisecond
		o.Mode = client.PersistentTTL
		if a.has("s") {
			o.Mode = client.PersistentSequentialTTL
		}
	case a.has("c"):
		o.Mode = client.Container
	case a.has("e") && a.has("s"):
		o.Mode = client.EphemeralSequential
	case a.has("e"):
		o.Mode = client.Ephemeral
	case a.has("s"):
		o.Mode = client.PersistentSequential
	}
	return o, nil
}
