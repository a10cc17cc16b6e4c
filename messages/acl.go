package messages

import "strings"

// Perm is a set of permission bits.
type Perm int32

// The permission bits of an ACL entry.
const (
	PermRead   Perm = 1
	PermWrite  Perm = 2
	PermCreate Perm = 4
	PermDelete Perm = 8
	PermAdmin  Perm = 16
	PermAll    Perm = 31
)

// String prints the letters that zkCli uses, in its order: c d r w a.
func (p Perm) String() string {
	var b strings.Builder
	for _, l := range permLetters {
		if p&l.perm != 0 {
			b.WriteByte(l.letter)
		}
	}
	return b.String()
}

var permLetters = []struct {
	perm   Perm
	letter byte
}{{PermCreate, 'c'}, {PermDelete, 'd'}, {PermRead, 'r'}, {PermWrite, 'w'}, {PermAdmin, 'a'}}

// Schemes that the server knows without any provider.
const (
	SchemeWorld  = "world"
	SchemeAuth   = "auth"
	SchemeDigest = "digest"
	SchemeIP     = "ip"
	SchemeSuper  = "super"
	WorldAnyone  = "anyone"
)

// Identity is who a client is (or whom an ACL entry means) under one scheme.
type Identity struct {
	_msgpack struct{} `msgpack:",as_array"`
	Scheme   string
	ID       string
}

// ACL grants permissions to one identity.
type ACL struct {
	_msgpack struct{} `msgpack:",as_array"`
	Perms    Perm
	ID       Identity
}

// String prints the entry as zkCli writes it: scheme:id:perms.
func (a ACL) String() string { return a.ID.Scheme + ":" + a.ID.ID + ":" + a.Perms.String() }

// WorldACL is the list with one entry that gives perms to everybody.
func WorldACL(perms Perm) []ACL {
	return []ACL{{Perms: perms, ID: Identity{Scheme: SchemeWorld, ID: WorldAnyone}}}
}
