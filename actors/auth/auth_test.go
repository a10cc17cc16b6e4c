package auth

import (
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

func testRegistry(t *testing.T) *Registry {
	t.Helper()
	d, err := NewDigest("super:lK75jTNcA+U9vtVEw5vB51mj/w4=", "")
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRegistry(IP{}, d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDigestIDs(t *testing.T) {
	d, _ := NewDigest("", "SHA1")
	if got, want := d.ID("super:secret"), "super:lK75jTNcA+U9vtVEw5vB51mj/w4="; got != want {
		t.Errorf("ID = %q, want %q", got, want)
	}
	for id, want := range map[string]bool{"a:b": true, ":b": true, "a": false, "a:": false, "a:b:c": false, "": false, "a:b:": true} {
		if got := d.ValidID(id); got != want {
			t.Errorf("ValidID(%q) = %v", id, got)
		}
	}
	if _, err := NewDigest("", "md5"); err == nil {
		t.Error("an unknown algorithm was accepted")
	}
}

func TestIPMatches(t *testing.T) {
	cases := []struct {
		acl, id      string
		valid, match bool
	}{
		{"127.0.0.1", "127.0.0.1", true, true},
		{"127.0.0.0/8", "127.9.9.9", true, true},
		{"10.0.0.0/8", "127.0.0.1", true, false},
		{"0.0.0.0/0", "1.2.3.4", true, true},
		{"127.0.0.1/33", "127.0.0.1", false, false},
		{"127.0.0.1/-1", "127.0.0.1", false, false},
		{"127.0.0.1/x", "127.0.0.1", false, false},
		{"::1", "::1", true, true},
		{"2001:db8::/32", "2001:db8::5", true, true},
		{"host", "127.0.0.1", false, false},
	}
	for _, c := range cases {
		if got := (IP{}).ValidID(c.acl); got != c.valid {
			t.Errorf("ValidID(%q) = %v", c.acl, got)
		}
		if got := (IP{}).Matches(c.id, c.acl); got != c.match {
			t.Errorf("Matches(%q, %q) = %v", c.id, c.acl, got)
		}
	}
}

func TestFixACL(t *testing.T) {
	r := testRegistry(t)
	ids, err := r.Authenticate(Peer{Remote: "127.0.0.1:1"}, []messages.Identity{PeerIdentity(Peer{Remote: "127.0.0.1:1"})},
		"digest", []byte("bob:pw"))
	if err != nil {
		t.Fatal(err)
	}
	entry := func(scheme, id string) messages.ACL {
		return messages.ACL{Perms: messages.PermAll, ID: messages.Identity{Scheme: scheme, ID: id}}
	}
	bad := [][]messages.ACL{nil, {}, {entry("world", "foo")}, {entry("host", "x")}, {entry("", "")}, {entry("digest", "a")}}
	for _, list := range bad {
		if _, err := r.FixACL(list, ids); err != messages.ErrInvalidACL {
			t.Errorf("FixACL(%v) = %v", list, err)
		}
	}
	if _, err := r.FixACL([]messages.ACL{entry("auth", "")}, ids[:1]); err != messages.ErrInvalidACL {
		t.Errorf("auth without a proven identity: %v", err)
	}
	got, err := r.FixACL([]messages.ACL{entry("auth", ""), entry("auth", ""), entry("world", "anyone")}, ids)
	if err != nil || len(got) != 2 || got[0].ID.Scheme != "digest" {
		t.Errorf("FixACL(auth twice, world) = %v, %v", got, err)
	}
}

func TestAllowed(t *testing.T) {
	r := testRegistry(t)
	owner := []messages.Identity{{Scheme: "digest", ID: "bob:x"}}
	acl := []messages.ACL{
		{Perms: messages.PermRead, ID: messages.Identity{Scheme: "world", ID: "anyone"}},
		{Perms: messages.PermWrite, ID: owner[0]},
	}
	check := func(perm messages.Perm, ids []messages.Identity, want bool) {
		t.Helper()
		if got := r.Allowed(acl, perm, ids); got != want {
			t.Errorf("Allowed(%v, %v) = %v", perm, ids, got)
		}
	}
	check(messages.PermRead, nil, true)
	check(messages.PermWrite, nil, false)
	check(messages.PermWrite, owner, true)
	check(messages.PermAdmin, owner, false)
	check(messages.PermAdmin, []messages.Identity{{Scheme: "super"}}, true)
	if !r.Allowed(nil, messages.PermAdmin, nil) {
		t.Error("an empty list must allow everything")
	}
	r.SkipACL(true)
	check(messages.PermAdmin, nil, true)
}

func TestAuthenticateKeepsOldSlice(t *testing.T) {
	r := testRegistry(t)
	have := make([]messages.Identity, 1, 8)
	have[0] = messages.Identity{Scheme: "ip", ID: "::1"}
	one, _ := r.Authenticate(Peer{}, have, "digest", []byte("super:secret"))
	two, _ := r.Authenticate(Peer{}, have, "digest", []byte("eve:x"))
	if !IsSuper(one) || IsSuper(two) || len(one) != 3 || len(two) != 2 {
		t.Errorf("identities leak between results: %v, %v", one, two)
	}
	if _, err := r.Authenticate(Peer{}, have, "kerberos", nil); err == nil {
		t.Error("an unknown scheme was accepted")
	}
}
