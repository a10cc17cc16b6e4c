package jute

import "github.com/troupekeeper/troupe/messages"

// SetWatches serves setWatches and setWatches2, which has the last two lists as well.
type SetWatches struct {
	RelativeZxid        messages.Zxid
	Data                []string
	Exist               []string
	Child               []string
	Persistent          []string
	PersistentRecursive []string
}

// Append appends the record in the form that op has.
func (r *SetWatches) Append(dst []byte, op messages.OpCode) []byte {
	dst = AppendLong(dst, int64(r.RelativeZxid))
	dst = AppendStrings(dst, r.Data)
	dst = AppendStrings(dst, r.Exist)
	dst = AppendStrings(dst, r.Child)
	if op == messages.OpSetWatches2 {
		dst = AppendStrings(dst, r.Persistent)
		dst = AppendStrings(dst, r.PersistentRecursive)
	}
	return dst
}

// DecodeSetWatches reads the record in the form that op has.
func DecodeSetWatches(d *Decoder, op messages.OpCode) SetWatches {
	r := SetWatches{
		RelativeZxid: messages.Zxid(d.Long()),
		Data:         d.Strings(),
		Exist:        d.Strings(),
		Child:        d.Strings(),
	}
	if op == messages.OpSetWatches2 {
		r.Persistent = d.Strings()
		r.PersistentRecursive = d.Strings()
	}
	return r
}

// PathMode serves addWatch (a mode), checkWatches and removeWatches (a watcher type).
type PathMode struct {
	Path string
	Mode int32
}

// Append appends the record.
func (r *PathMode) Append(dst []byte) []byte { return AppendInt(AppendString(dst, r.Path), r.Mode) }

// DecodePathMode reads the record.
func DecodePathMode(d *Decoder) PathMode { return PathMode{Path: d.String(), Mode: d.Int()} }

// AuthPacket is the record of auth.
type AuthPacket struct {
	Type   int32
	Scheme string
	Auth   []byte
}

// Append appends the record.
func (r *AuthPacket) Append(dst []byte) []byte {
	return AppendBuffer(AppendString(AppendInt(dst, r.Type), r.Scheme), r.Auth)
}

// DecodeAuthPacket reads the record.
func DecodeAuthPacket(d *Decoder) AuthPacket {
	return AuthPacket{Type: d.Int(), Scheme: d.String(), Auth: d.Buffer()}
}

// ReconfigRequest is the record of reconfig. The strings may be null: clients say so that they don't use one of the three.
// For Joining and Leaving it reads as "", and that is how "" is written, since both mean nobody. NewMembers is nil then,
// because an empty one would mean an ensemble of nobody.
type ReconfigRequest struct {
	Joining, Leaving string
	NewMembers       *string
	ConfigID         int64
}

// Append appends the record.
func (r *ReconfigRequest) Append(dst []byte) []byte {
	for _, s := range []string{r.Joining, r.Leaving} {
		if s == "" {
			dst = AppendInt(dst, -1)
		} else {
			dst = AppendString(dst, s)
		}
	}
	return AppendLong(AppendNullableString(dst, r.NewMembers), r.ConfigID)
}

// DecodeReconfigRequest reads the record.
func DecodeReconfigRequest(d *Decoder) ReconfigRequest {
	var r ReconfigRequest
	r.Joining, _ = d.NullableString()
	r.Leaving, _ = d.NullableString()
	if s, ok := d.NullableString(); ok {
		r.NewMembers = &s
	}
	r.ConfigID = d.Long()
	return r
}
