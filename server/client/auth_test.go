package client_test

import (
	"errors"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/server/client"
)

func expectAuth(t *testing.T, conn *fakeConn, want string) {
	t.Helper()
	h, body := conn.expect(messages.OpAuth)
	d := jute.NewDecoder(body)
	p := jute.DecodeAuthPacket(&d)
	if got := p.Scheme + " " + string(p.Auth); got != want || h.Xid != messages.XidAuth {
		t.Fatalf("credential %q with xid %d, want %q", got, h.Xid, want)
	}
}

func addAuth(t *testing.T, c *client.Client, conn *fakeConn, scheme, auth string, code messages.ErrCode) {
	t.Helper()
	done := inBackground(func() error { return c.AddAuth(testContext(t), scheme, []byte(auth)) })
	expectAuth(t, conn, scheme+" "+auth)
	conn.reply(messages.XidAuth, 0, code, nil)
	if code == messages.ErrOK {
		waitFor(t, done, nil)
	} else {
		waitFor(t, done, code)
	}
}

func TestCredentialsAreRepeated(t *testing.T) {
	s := newFakeServer(t)
	c, conn := open(t, s, client.Options{})
	addAuth(t, c, conn, "digest", "a:b", messages.ErrOK)
	addAuth(t, c, conn, "nix", "?", messages.ErrAuthFailed) // costs the connection, not the session
	call := c.Send(messages.OpSync, jute.Path("/"))
	conn = s.accept()
	conn.welcome(7, patience)
	expectAuth(t, conn, "digest a:b")
	h, _ := conn.expect(messages.OpSync)
	conn.reply(h.Xid, 1, messages.ErrOK, jute.AppendString(nil, "/")) // a credential's reply may come later
	conn.reply(messages.XidAuth, 0, messages.ErrOK, nil)
	if err := call.Wait(testContext(t)); err != nil {
		t.Fatal(err)
	}
}

func TestCredentialRefusedLaterEndsTheClient(t *testing.T) {
	s := newFakeServer(t)
	c, conn := open(t, s, client.Options{})
	addAuth(t, c, conn, "digest", "a:b", messages.ErrOK)
	conn = reconnect(s, conn)
	expectAuth(t, conn, "digest a:b")
	conn.reply(messages.XidAuth, 0, messages.ErrAuthFailed, nil)
	<-c.Done()
	if err := c.Sync(testContext(t), "/"); !errors.Is(err, client.ErrAuthFailed) || c.State() != client.StateAuthFailed {
		t.Fatalf("error %v, state %v", err, c.State())
	}
}

func TestConnectPresentsCredentials(t *testing.T) {
	s := newFakeServer(t)
	done := inBackground(func() error {
		_, err := client.Connect(testContext(t), client.Options{
			Servers: []string{s.addr()}, Auth: []client.Auth{{Scheme: "nix", Auth: []byte("?")}},
		})
		return err
	})
	conn := s.accept()
	conn.welcome(7, patience)
	expectAuth(t, conn, "nix ?")
	conn.reply(messages.XidAuth, 0, messages.ErrAuthFailed, nil)
	conn.Close()
	waitFor(t, done, client.ErrAuthFailed)
}
