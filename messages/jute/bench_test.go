package jute

import (
	"bytes"
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

// BenchmarkReply encodes whole reply frames as final does: into a buffer that it goes on filling.
func BenchmarkReply(b *testing.B) {
	stat := messages.Stat{Czxid: 1045, Mzxid: 1046, Ctime: 1795314193612, Mtime: 1795314193612, DataLength: 100}
	data := bytes.Repeat([]byte{7}, 100)
	children := make([]string, 20)
	for i := range children {
		children[i] = "lock-0000000017"
	}
	for _, c := range []struct {
		name   string
		append func(dst []byte) []byte
	}{
		{"getData100", func(dst []byte) []byte { return AppendStat(AppendBuffer(dst, data), &stat) }},
		{"setData", func(dst []byte) []byte { return AppendStat(dst, &stat) }},
		{"getChildren20", func(dst []byte) []byte { return AppendStrings(dst, children) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var buf []byte
			var start int
			for b.Loop() {
				buf, start = BeginFrame(buf[:0])
				buf = AppendReplyHeader(buf, ReplyHeader{Xid: 7, Zxid: 1045})
				buf = EndFrame(c.append(buf), start)
			}
		})
	}
}

// BenchmarkRequest decodes what the hot requests carry.
func BenchmarkRequest(b *testing.B) {
	get := PathWatch{Path: []byte("/app/config/node-0000000017")}
	set := SetDataRequest{Path: "/app/config/node-0000000017", Data: make([]byte, 100), Version: -1}
	getData, setData := get.Append(nil), set.Append(nil)
	b.Run("getData", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d := NewDecoder(getData)
			if DecodePathWatch(&d); d.Err() != nil {
				b.Fatal(d.Err())
			}
		}
	})
	b.Run("setData100", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d := NewDecoder(setData)
			if DecodeSetDataRequest(&d); d.Err() != nil {
				b.Fatal(d.Err())
			}
		}
	})
}
