package pack

import (
	"bytes"
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

func benchMessages(b testing.TB) []any {
	body := &messages.SetDataTxn{Path: "/app/config/node-0000000017", Data: bytes.Repeat([]byte{7}, 100), Version: 12}
	h := messages.TxnHeader{Zxid: messages.MakeZxid(4, 17), Time: 1795314193612, Session: 0x100003dfb8900b6, Xid: 7, Op: messages.OpSetData}
	data, err := messages.EncodeTxn(&h, body)
	if err != nil {
		b.Fatal(err)
	}
	var batch messages.Proposals
	var requests messages.Requests
	for i := range 20 {
		batch.Items = append(batch.Items, messages.Proposal{Header: h, Ticket: messages.Ticket(i), Encoded: data, Body: body})
		requests.Items = append(requests.Items, messages.Request{Conn: 5, Session: h.Session, Op: messages.OpSetData, Body: data})
	}
	return []any{messages.Touch{Session: h.Session, Now: 4711}, batch, requests}
}

func BenchmarkEncode(b *testing.B) {
	for _, msg := range benchMessages(b) {
		code, _ := CodeOf(msg)
		b.Run(code.String(), func(b *testing.B) {
			b.ReportAllocs()
			var buf []byte
			var err error
			for b.Loop() {
				if buf, err = Encode(buf[:0], msg); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(buf)))
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, msg := range benchMessages(b) {
		code, _ := CodeOf(msg)
		frame, err := Encode(nil, msg)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(code.String(), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(frame)))
			for b.Loop() {
				if _, _, err := Decode(frame); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
