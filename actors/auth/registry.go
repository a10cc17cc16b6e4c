package auth

import (
	"errors"
	"fmt"
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// ErrRefused tells that credentials are not accepted; the client hears AuthFailed and is cut off.
var ErrRefused = errors.New("credentials refused")

// Peer is what a provider may know about the connection that authenticates.
type Peer struct {
	Remote string // ip:port
}

// Provider is one authentication scheme.
type Provider interface {
	// Scheme is its name in ACLs and auth packets.
	Scheme() string
	// Authenticate checks credentials and returns the identities that they prove. An error wraps ErrRefused.
	Authenticate(peer Peer, credentials []byte) ([]messages.Identity, error)
	// Matches tells whether a client's id is meant by the id of an ACL entry.
	Matches(id, aclID string) bool
	// ValidID tells whether an ACL entry may have that id.
	ValidID(aclID string) bool
	// Proves tells whether the scheme proves who somebody is, so that the scheme "auth" stands for its ids. An
	// address, for example, doesn't.
	Proves() bool
}

// Registry holds the providers of a server.
type Registry struct {
	providers map[string]Provider
	skipACL   bool
}

// NewRegistry makes one with these providers. A scheme given twice, or a built-in one, is an error.
func NewRegistry(providers ...Provider) (*Registry, error) {
	r := &Registry{providers: map[string]Provider{}}
	for _, p := range providers {
		switch s := p.Scheme(); {
		case s == messages.SchemeWorld || s == messages.SchemeAuth || s == messages.SchemeSuper || s == "":
			return nil, fmt.Errorf("authentication scheme %q is built in and can't be registered", s)
		case r.providers[s] != nil:
			return nil, fmt.Errorf("authentication scheme %q is registered twice", s)
		default:
			r.providers[s] = p
		}
	}
	return r, nil
}

// SkipACL turns all checks off (the key skipACL). Call it before the server starts.
func (r *Registry) SkipACL(skip bool) { r.skipACL = skip }

// Has tells whether the scheme has a provider.
func (r *Registry) Has(scheme string) bool { return r.providers[scheme] != nil }

// Authenticate checks an auth packet and returns the identities with the new ones added. The slice that came in is
// not changed.
func (r *Registry) Authenticate(peer Peer, have []messages.Identity, scheme string, credentials []byte,
) ([]messages.Identity, error) {
	p := r.providers[scheme]
	if p == nil {
		return have, fmt.Errorf("%w: no provider for scheme %q", ErrRefused, scheme)
	}
	proven, err := p.Authenticate(peer, credentials)
	if err != nil {
		return have, err
	}
	out := slices.Clone(have)
	for _, id := range proven {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out, nil
}

// Allowed tells whether somebody with these identities may do what perms stands for (any one of its bits is
// enough). An empty list allows everything, as a node without an ACL does.
func (r *Registry) Allowed(acl []messages.ACL, perms messages.Perm, ids []messages.Identity) bool {
	if r.skipACL || len(acl) == 0 {
		return true
	}
	if isWorldAll(acl) || IsSuper(ids) {
		return true
	}
	for i := range acl {
		if acl[i].Perms&perms != 0 && r.meant(&acl[i].ID, ids) {
			return true
		}
	}
	return false
}

// isWorldAll is the usual case, answered without a loop.
func isWorldAll(acl []messages.ACL) bool {
	return len(acl) == 1 && acl[0].Perms&messages.PermAll == messages.PermAll &&
		acl[0].ID.Scheme == messages.SchemeWorld && acl[0].ID.ID == messages.WorldAnyone
}

// IsSuper tells whether the super user is among the identities.
func IsSuper(ids []messages.Identity) bool {
	for i := range ids {
		if ids[i].Scheme == messages.SchemeSuper {
			return true
		}
	}
	return false
}

func (r *Registry) meant(entry *messages.Identity, ids []messages.Identity) bool {
	if entry.Scheme == messages.SchemeWorld && entry.ID == messages.WorldAnyone {
		return true
	}
	p := r.providers[entry.Scheme]
	if p == nil {
		return false
	}
	for i := range ids {
		if ids[i].Scheme == entry.Scheme && p.Matches(ids[i].ID, entry.ID) {
			return true
		}
	}
	return false
}

// FixACL turns the list of a request into the one that is stored: exact duplicates are dropped, "auth" becomes the
// ids that the client has proved, and every entry is checked. The error is ErrInvalidACL.
func (r *Registry) FixACL(list []messages.ACL, ids []messages.Identity) ([]messages.ACL, error) {
	if len(list) == 0 {
		return nil, messages.ErrInvalidACL
	}
	if isWorldAll(list) && list[0].Perms == messages.PermAll {
		return worldAll, nil
	}
	out := make([]messages.ACL, 0, len(list))
	for i, entry := range list {
		if slices.Contains(list[:i], entry) {
			continue
		}
		fixed, err := r.fixEntry(entry, ids)
		if err != nil {
			return nil, err
		}
		out = append(out, fixed...)
	}
	return out, nil
}

var worldAll = messages.WorldACL(messages.PermAll)

func (r *Registry) fixEntry(entry messages.ACL, ids []messages.Identity) ([]messages.ACL, error) {
	switch entry.ID.Scheme {
	case messages.SchemeWorld:
		if entry.ID.ID == messages.WorldAnyone {
			return []messages.ACL{entry}, nil
		}
	case messages.SchemeAuth:
		var out []messages.ACL
		for _, id := range ids {
			if p := r.providers[id.Scheme]; p != nil && p.Proves() {
				out = append(out, messages.ACL{Perms: entry.Perms, ID: id})
			}
		}
		if len(out) > 0 {
			return out, nil
		}
	default:
		if p := r.providers[entry.ID.Scheme]; p != nil && p.ValidID(entry.ID.ID) {
			return []messages.ACL{entry}, nil
		}
	}
	return nil, messages.ErrInvalidACL
}
