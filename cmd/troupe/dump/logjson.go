package dump

import (
	"encoding/json"
	"io"

	"github.com/troupekeeper/troupe/messages"
)

// LogFields documents the objects of a log's dump.
const LogFields = `One object a line. Numbers of 64 bits that a script's floating point would spoil are text: zxids and sessions, as 0x…

  zxid, epoch, counter    number of the transaction, and its two halves
  time, time_ms           the leader's clock: UTC as text, and in milliseconds since 1970
  session, xid            who asked for it, and that client's number for the request
  op                      the operation that was asked for: create, create2, createTTL, delete, multi …
  kind                    what came of it: create, delete, setData, setACL, createSession, closeSession, multi, check
  path                    the node (create, delete, setData, setACL)
  data, data_bytes        base64, null for none; and its length (create, setData)
  version                 of the data (setData) or of the ACL (setACL) after the change
  acl                     list of {scheme, id, perms} (create, setACL); perms are of the letters cdrwa
  ephemeral_session, container, ttl_ms   what kind of node is created; absent for a plain one
  parent_creates          the parent's count of creates afterwards (create)
  timeout_ms, password    of a new session; the password, in base64, only with --secrets
  paths                   the ephemerals that go with a session (closeSession)
  ops                     the operations of a multi, with op, kind and the fields above
  file, offset, bytes     where the record is, and how long the transaction is`

// SnapshotFields documents the objects of a snapshot's dump.
const SnapshotFields = `One object a line; "kind" tells which. Zxids and sessions are text, as 0x…

  snapshot  file, zxid, epoch, counter, database, compressed, nodes, sessions, acls
  session   session, timeout_ms; password, in base64, only with --secrets
  acl       acl_id, acl: a list of {scheme, id, perms}
  node      path, data (base64, null for none), data_bytes, version, cversion, aversion, czxid, mzxid, pzxid, ctime,
            ctime_ms, mtime, mtime_ms, children, creates (children ever created), acl_id, acl, and one of
            ephemeral_session, container, ttl_ms if it is no plain node
  top       with --summary: list (children, subtree, data), path, children or bytes
  summary   nodes, data_bytes, sessions, ephemerals, containers, ttls, whole (false if the file is damaged)`

type aclJSON struct {
	Scheme string `json:"scheme"`
	ID     string `json:"id"`
	Perms  string `json:"perms"`
}

func newACLJSON(list []messages.ACL) []aclJSON {
	out := make([]aclJSON, len(list))
	for i, a := range list {
		out[i] = aclJSON{a.ID.Scheme, a.ID.ID, a.Perms.String()}
	}
	return out
}

// ownerJSON is the part of an object that says what kind of node it is.
type ownerJSON struct {
	Session   string `json:"ephemeral_session,omitempty"`
	Container bool   `json:"container,omitempty"`
	TTL       int64  `json:"ttl_ms,omitempty"`
}

func newOwnerJSON(o messages.Owner) ownerJSON {
	j := ownerJSON{Container: o.IsContainer(), TTL: o.TTL()}
	if o.IsEphemeral() {
		j.Session = o.Session().String()
	}
	return j
}

// txnJSON is a transaction.
type txnJSON struct {
	Zxid    string `json:"zxid"`
	Epoch   uint32 `json:"epoch"`
	Counter uint32 `json:"counter"`
	Time    string `json:"time"`
	TimeMs  int64  `json:"time_ms"`
	Session string `json:"session"`
	Xid     int32  `json:"xid"`
	bodyJSON
	File   string `json:"file"`
	Offset int64  `json:"offset"`
	Bytes  int    `json:"bytes"`
}

// bodyJSON is what a transaction does, or one operation of a multi. A field that an operation doesn't have is absent.
type bodyJSON struct {
	Op            string     `json:"op"`
	Kind          string     `json:"kind"`
	Path          string     `json:"path,omitempty"`
	Data          *[]byte    `json:"data,omitempty"` // a pointer tells null from absent
	DataBytes     *int       `json:"data_bytes,omitempty"`
	Version       *int32     `json:"version,omitempty"`
	ACL           []aclJSON  `json:"acl,omitempty"`
	ParentCreates *int32     `json:"parent_creates,omitempty"`
	Timeout       *int32     `json:"timeout_ms,omitempty"`
	Password      []byte     `json:"password,omitempty"`
	Paths         *[]string  `json:"paths,omitempty"`
	Ops           []bodyJSON `json:"ops,omitempty"`
	ownerJSON
}

func newBodyJSON(op messages.OpCode, body messages.TxnBody, secrets bool) bodyJSON {
	j := bodyJSON{Op: opName(op, body), Kind: messages.OpCheck.String()}
	if body != nil {
		j.Kind = body.Kind().String()
	}
	switch b := body.(type) {
	case *messages.CreateTxn:
		j.Path, j.ACL, j.ParentCreates = b.Path, newACLJSON(b.ACL), &b.ParentCreates
		j.ownerJSON = newOwnerJSON(b.Owner)
		j.setData(b.Data)
	case *messages.DeleteTxn:
		j.Path = b.Path
	case *messages.SetDataTxn:
		j.Path, j.Version = b.Path, &b.Version
		j.setData(b.Data)
	case *messages.SetACLTxn:
		j.Path, j.Version, j.ACL = b.Path, &b.Version, newACLJSON(b.ACL)
	case *messages.CreateSessionTxn:
		j.Timeout = &b.Timeout
		if secrets {
			j.Password = b.Password
		}
	case *messages.CloseSessionTxn:
		paths := append([]string{}, b.Paths...)
		j.Paths = &paths
	case *messages.MultiTxn:
		for _, inner := range b.Ops {
			j.Ops = append(j.Ops, newBodyJSON(inner.Op, inner.Body, secrets))
		}
	}
	return j
}

func (j *bodyJSON) setData(data []byte) {
	n := len(data)
	j.Data, j.DataBytes = &data, &n
}

// newEncoder writes an object a line.
func newEncoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

func txnToJSON(t *Txn, secrets bool) txnJSON {
	h := &t.Header
	return txnJSON{
		Zxid: h.Zxid.String(), Epoch: h.Zxid.Epoch(), Counter: h.Zxid.Counter(), Time: jsonTime(h.Time), TimeMs: h.Time,
		Session: h.Session.String(), Xid: h.Xid, bodyJSON: newBodyJSON(h.Op, t.Body, secrets),
		File: t.File, Offset: t.Offset, Bytes: t.Bytes,
	}
}
