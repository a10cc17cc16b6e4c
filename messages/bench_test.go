package messages

import (
	"bytes"
	"testing"
)

// benchTxns are the transactions that a busy server writes most.
var benchTxns = []struct {
	name string
	body TxnBody
}{
	{"setData100", &SetDataTxn{Path: "/app/config/node-0000000017", Data: bytes.Repeat([]byte{7}, 100), Version: 12}},
	{"create100", &CreateTxn{Path: "/app/locks/lock-0000000017", Data: bytes.Repeat([]byte{7}, 100), ACL: WorldACL(PermAll),
		Owner: 0x100003dfb8900b6, ParentCreates: 18}},
	{"delete", &DeleteTxn{Path: "/app/locks/lock-0000000017"}},
	{"multi10", benchMulti()},
}

func benchMulti() *MultiTxn {
	m := &MultiTxn{}
	for range 10 {
		m.Ops = append(m.Ops, MultiOp{Op: OpSetData, Body: &SetDataTxn{Path: "/app/config/a", Data: make([]byte, 32), Version: 3}})
	}
	return m
}

var benchHeader = TxnHeader{Zxid: MakeZxid(4, 1000017), Time: 1795314193612, Session: 0x100003dfb8900b6, Xid: 4711, Op: OpSetData}

func BenchmarkEncodeTxn(b *testing.B) {
	for _, c := range benchTxns {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := EncodeTxn(&benchHeader, c.body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecodeTxn(b *testing.B) {
	for _, c := range benchTxns {
		data, err := EncodeTxn(&benchHeader, c.body)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, _, err := DecodeTxn(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
