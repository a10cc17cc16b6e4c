package jute

import "github.com/troupekeeper/troupe/messages"

// RequestHeaderSize is the size of a request header in bytes.
const RequestHeaderSize = 8

// ConnectRequest is the first frame of a client.
type ConnectRequest struct {
	ProtocolVersion int32
	LastZxidSeen    messages.Zxid
	Timeout         int32 // milliseconds
	Session         messages.SessionID
	Password        []byte
	ReadOnly        bool
	HasReadOnly     bool // false for clients from before 3.4, which don't send the field
}

// DecodeConnectRequest reads the record; what is left over is ignored.
func DecodeConnectRequest(buf []byte) (ConnectRequest, error) {
	d := NewDecoder(buf)
	r := ConnectRequest{
		ProtocolVersion: d.Int(),
		LastZxidSeen:    messages.Zxid(d.Long()),
		Timeout:         d.Int(),
		Session:         messages.SessionID(d.Long()),
		Password:        d.Buffer(),
	}
	if len(d.Rest()) > 0 {
		r.HasReadOnly = true
		r.ReadOnly = d.Bool()
	}
	return r, d.Err()
}

// Append appends the record.
func (r *ConnectRequest) Append(dst []byte) []byte {
	dst = AppendInt(dst, r.ProtocolVersion)
	dst = AppendLong(dst, int64(r.LastZxidSeen))
	dst = AppendInt(dst, r.Timeout)
	dst = AppendLong(dst, int64(r.Session))
	dst = AppendBuffer(dst, r.Password)
	if r.HasReadOnly {
		dst = AppendBool(dst, r.ReadOnly)
	}
	return dst
}

// ConnectResponse answers it. Timeout 0 means that the session is refused.
type ConnectResponse struct {
	ProtocolVersion int32
	Timeout         int32
	Session         messages.SessionID
	Password        []byte
	ReadOnly        bool
	HasReadOnly     bool
}

// Append appends the record.
func (r *ConnectResponse) Append(dst []byte) []byte {
	dst = AppendInt(dst, r.ProtocolVersion)
	dst = AppendInt(dst, r.Timeout)
	dst = AppendLong(dst, int64(r.Session))
	dst = AppendBuffer(dst, r.Password)
	if r.HasReadOnly {
		dst = AppendBool(dst, r.ReadOnly)
	}
	return dst
}

// DecodeConnectResponse reads the record.
func DecodeConnectResponse(buf []byte) (ConnectResponse, error) {
	d := NewDecoder(buf)
	r := ConnectResponse{
		ProtocolVersion: d.Int(),
		Timeout:         d.Int(),
		Session:         messages.SessionID(d.Long()),
		Password:        d.Buffer(),
	}
	if len(d.Rest()) > 0 {
		r.HasReadOnly = true
		r.ReadOnly = d.Bool()
	}
	return r, d.Err()
}

// RequestHeader leads each request.
type RequestHeader struct {
	Xid int32
	Op  messages.OpCode
}

// AppendRequestHeader appends the header.
func AppendRequestHeader(dst []byte, h RequestHeader) []byte {
	return AppendInt(AppendInt(dst, h.Xid), int32(h.Op))
}

// DecodeRequestHeader reads the header; the record follows in Rest.
func DecodeRequestHeader(d *Decoder) RequestHeader {
	return RequestHeader{Xid: d.Int(), Op: messages.OpCode(d.Int())}
}

// ReplyHeader leads each reply and each event.
type ReplyHeader struct {
	Xid  int32
	Zxid messages.Zxid
	Err  messages.ErrCode
}

// AppendReplyHeader appends the header.
func AppendReplyHeader(dst []byte, h ReplyHeader) []byte {
	return AppendInt(AppendLong(AppendInt(dst, h.Xid), int64(h.Zxid)), int32(h.Err))
}

// DecodeReplyHeader reads the header; the record follows in Rest.
func DecodeReplyHeader(d *Decoder) ReplyHeader {
	return ReplyHeader{Xid: d.Int(), Zxid: messages.Zxid(d.Long()), Err: messages.ErrCode(d.Int())}
}

// WatcherEvent is the record of an event frame.
type WatcherEvent struct {
	Type  messages.EventType
	State int32
	Path  string
}

// Append appends the record.
func (e *WatcherEvent) Append(dst []byte) []byte {
	return AppendString(AppendInt(AppendInt(dst, int32(e.Type)), e.State), e.Path)
}

// DecodeWatcherEvent reads the record.
func DecodeWatcherEvent(d *Decoder) WatcherEvent {
	return WatcherEvent{Type: messages.EventType(d.Int()), State: d.Int(), Path: d.String()}
}
