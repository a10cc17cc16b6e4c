package pack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/troupekeeper/troupe/messages"
)

// What can be wrong with a frame. After ErrType and ErrBody the stream may be read on, after the others nobody knows
// where the next frame starts.
var (
	ErrTruncated = errors.New("frame is cut off")
	ErrVersion   = errors.New("unknown frame version")
	ErrTooLong   = errors.New("frame is too long")
	ErrChecksum  = errors.New("frame checksum does not match")
	ErrType      = errors.New("unknown message type")
	ErrBody      = errors.New("body is not the message that its type promises")
)

// header is a frame's header whose version and length have been checked.
type header struct {
	code   Code
	length int
	sum    uint32
}

func parseHeader(b []byte, limit int) (header, error) {
	if v := binary.BigEndian.Uint16(b); v != Version {
		return header{}, fmt.Errorf("%w: %d, this server knows %d", ErrVersion, v, Version)
	}
	h := header{code: Code(binary.BigEndian.Uint16(b[2:])), sum: binary.BigEndian.Uint32(b[8:])}
	length := binary.BigEndian.Uint32(b[4:])
	if int64(length) > int64(limit) {
		return header{}, fmt.Errorf("%w: %v of %d bytes, the limit is %d bytes", ErrTooLong, h.code, length, limit)
	}
	h.length = int(length)
	return h, nil
}

// FrameSize tells how long the frame is that data starts with, header and body, in bytes; 0 as long as its header isn't
// there. A body may have up to limit bytes; 0 means MaxBody. Errors wrap ErrVersion or ErrTooLong.
func FrameSize(data []byte, limit int) (int, error) {
	if len(data) < HeaderSize {
		return 0, nil
	}
	h, err := parseHeader(data, clampLimit(limit))
	if err != nil {
		return 0, err
	}
	return HeaderSize + h.length, nil
}

// Decode reads the frame that data starts with. The message is a value (messages.Touch), a transaction body a pointer
// (*messages.DeleteTxn); it shares nothing with data. rest is what lies behind the frame, or all of data after an
// error that leaves its end in doubt. Errors wrap one of this package's.
func Decode(data []byte) (msg any, rest []byte, err error) {
	h, body, rest, err := split(data)
	if err == nil {
		msg, err = h.decodeBody(body)
	}
	return msg, rest, err
}

// DecodePointer is Decode for who sends messages on: all of them are pointers (*messages.Touch), which costs a copy less.
func DecodePointer(data []byte) (msg any, rest []byte, err error) {
	h, body, rest, err := split(data)
	if err == nil {
		msg, err = h.decodePointer(body)
	}
	return msg, rest, err
}

// split checks the frame that data starts with.
func split(data []byte) (h header, body, rest []byte, err error) {
	if len(data) < HeaderSize {
		return h, nil, data, fmt.Errorf("%w: %d bytes of %d of its header", ErrTruncated, len(data), HeaderSize)
	}
	if h, err = parseHeader(data, MaxBody); err != nil {
		return h, nil, data, err
	}
	if have := len(data) - HeaderSize; have < h.length {
		return h, nil, data, fmt.Errorf("%w: %v has %d bytes of %d", ErrTruncated, h.code, have, h.length)
	}
	end := HeaderSize + h.length
	body = data[HeaderSize:end]
	if got := checksum(data, body); got != h.sum {
		return h, nil, data, checksumError(h, got)
	}
	return h, body, data[end:], nil
}

func checksumError(h header, got uint32) error {
	return fmt.Errorf("%w: %v of %d bytes has %08x, its header says %08x", ErrChecksum, h.code, h.length, got, h.sum)
}

// decodeBody gives transaction bodies as pointers and all other messages as values.
func (h *header) decodeBody(body []byte) (any, error) {
	msg, err := h.decodePointer(body)
	if err != nil || byCode[h.code].shape == nil {
		return msg, err
	}
	return reflect.ValueOf(msg).Elem().Interface(), nil
}

func (h *header) decodePointer(body []byte) (any, error) {
	m := byCode[h.code]
	if m == nil {
		return nil, fmt.Errorf("%w: %d", ErrType, uint16(h.code))
	}
	msg, err := m.decode(body)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("%w: %v: %w", ErrBody, m.code, err)
	}
	return msg, nil
}

func (m *message) decode(body []byte) (any, error) {
	if m.shape == nil {
		_, txn, err := messages.DecodeTxn(body)
		if err == nil && reflect.TypeOf(txn).Elem() != m.typ {
			err = fmt.Errorf("holds a %T", txn)
		}
		if err != nil {
			return nil, err
		}
		return txn, nil
	}
	p := reflect.New(m.typ)
	if err := decodeValue(p.Elem(), m.shape, body); err != nil {
		return nil, err
	}
	if err := fillIn(p.Interface()); err != nil {
		return nil, err
	}
	return p.Interface(), nil
}

// fillIn gives proposals the header and body that their encoding says.
func fillIn(msg any) error {
	switch m := msg.(type) {
	case *messages.Proposal:
		return fillInProposal(m)
	case *messages.Proposals:
		return fillInProposals(m.Items)
	case *messages.Committed:
		return fillInProposals(m.Items)
	case *messages.History:
		return fillInProposals(m.Items)
	case *messages.Propose:
		return fillInProposals(m.Items)
	case *messages.Inform:
		return fillInProposals(m.Items)
	case *messages.Delivery:
		return fillInDelivery(m)
	case *messages.Deliveries:
		for i := range m.Items {
			if err := fillInDelivery(&m.Items[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func fillInDelivery(d *messages.Delivery) error {
	if d.Proposal == nil {
		return nil
	}
	return fillInProposal(d.Proposal)
}

func fillInProposals(list []messages.Proposal) error {
	for i := range list {
		if err := fillInProposal(&list[i]); err != nil {
			return err
		}
	}
	return nil
}

func fillInProposal(p *messages.Proposal) (err error) {
	p.Header, p.Body, err = messages.ViewTxn(p.Encoded) // which is the message's own
	return err
}
