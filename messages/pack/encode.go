package pack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"reflect"

	"github.com/troupekeeper/troupe/messages"
)

const (
	// Version is the layout of the frames that this package writes and the only one that it reads.
	Version = 1
	// HeaderSize is the size of a frame in front of its body, in bytes.
	HeaderSize = 12
	// MaxBody is the longest body in bytes that is written or read. Batches stay far below it (messages.BatchBytes); a single
	// transaction may be long, such as the end of a session with very many ephemerals (ZOOKEEPER-4306).
	MaxBody = 256 << 20
)

// ErrNotMessage is Encode's word on a value that has no code or can't be encoded.
var ErrNotMessage = errors.New("not a message between servers")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Encode appends the frame of a message, which may be a value or a pointer. Errors wrap ErrNotMessage or ErrTooLong;
// dst is then returned as it was. A Proposal needs its Encoded.
func Encode(dst []byte, msg any) ([]byte, error) {
	m := lookUp(msg)
	if m == nil {
		return dst, fmt.Errorf("%w: %T", ErrNotMessage, msg)
	}
	start := len(dst)
	out, err := m.appendBody(append(dst, make([]byte, HeaderSize)...), msg)
	if err != nil {
		return dst, err
	}
	length := len(out) - start - HeaderSize
	if length > MaxBody {
		return dst, fmt.Errorf("%w: %v of %d bytes, the limit is %d bytes", ErrTooLong, m.code, length, MaxBody)
	}
	header := out[start : start+HeaderSize]
	binary.BigEndian.PutUint16(header, Version)
	binary.BigEndian.PutUint16(header[2:], uint16(m.code))
	binary.BigEndian.PutUint32(header[4:], uint32(length))
	binary.BigEndian.PutUint32(header[8:], checksum(header, out[start+HeaderSize:]))
	return out, nil
}

// checksum covers all of a frame but itself.
func checksum(header, body []byte) uint32 {
	return crc32.Update(crc32.Checksum(header[:8], castagnoli), castagnoli, body)
}

func (m *message) appendBody(dst []byte, msg any) ([]byte, error) {
	v := reflect.ValueOf(msg)
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return dst, fmt.Errorf("%w: a nil %T", ErrNotMessage, msg)
	}
	if m.shape == nil {
		return appendTxn(dst, v)
	}
	if err := checkProposals(msg); err != nil {
		return dst, err
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return appendValue(dst, v, m.shape), nil
}

// appendTxn encodes a transaction body that travels alone, under an empty header.
func appendTxn(dst []byte, v reflect.Value) ([]byte, error) {
	if v.Kind() != reflect.Pointer { // the bodies are TxnBody as pointers only
		p := reflect.New(v.Type())
		p.Elem().Set(v)
		v = p
	}
	data, err := messages.EncodeTxn(&messages.TxnHeader{}, v.Interface().(messages.TxnBody))
	if err != nil {
		return dst, fmt.Errorf("%w: %w", ErrNotMessage, err)
	}
	return append(dst, data...), nil
}

// checkProposals refuses proposals without encoding here rather than at the receiver.
func checkProposals(msg any) error {
	var list []messages.Proposal
	switch m := msg.(type) {
	case messages.Proposals:
		list = m.Items
	case *messages.Proposals:
		list = m.Items
	case messages.Committed:
		list = m.Items
	case *messages.Committed:
		list = m.Items
	case messages.Deliveries:
		return checkDeliveries(m.Items)
	case *messages.Deliveries:
		return checkDeliveries(m.Items)
	case messages.Delivery:
		return checkDeliveries([]messages.Delivery{m})
	case *messages.Delivery:
		return checkDeliveries([]messages.Delivery{*m})
	case messages.Proposal:
		return checkProposal(&m)
	case *messages.Proposal:
		return checkProposal(m)
	}
	for i := range list {
		if err := checkProposal(&list[i]); err != nil {
			return err
		}
	}
	return nil
}

func checkDeliveries(list []messages.Delivery) error {
	for i := range list {
		if p := list[i].Proposal; p != nil {
			if err := checkProposal(p); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkProposal(p *messages.Proposal) error {
	if len(p.Encoded) == 0 {
		return fmt.Errorf("%w: proposal %v has no encoding", ErrNotMessage, p.Header.Zxid)
	}
	return nil
}
