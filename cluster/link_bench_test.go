package cluster

import (
	"bytes"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/pack"
)

// benchPair links two servers in this process over the loopback; each message that has arrived is handed to the side's
// function.
func benchPair(b *testing.B, n Network, atA, atB func(ctx actor.Context, link *actor.PID, msg any)) (send func(any)) {
	b.Helper()
	up := make(chan *actor.PID, 2)
	owner := func(h *linkHost, on func(actor.Context, *actor.PID, any)) *actor.PID {
		var link *actor.PID
		return h.rt.System.Root.Spawn(h.rt.SharedProps("owner", func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				switch m := ctx.Message().(type) {
				case actor.SystemMessage, actor.AutoReceiveMessage, actors.Drained:
				case LinkAccepted:
					ctx.Send(m.Link, Adopt{Owner: ctx.Self()})
				case LinkUp:
					link = m.Link
					up <- link
				case LinkDown: // the benchmark is over
				case func(actor.Context):
					m(ctx)
				default:
					on(ctx, link, m)
				}
			})
		}))
	}
	a, _ := realHost(b, n, 1, DefaultReceptionOptions())
	c, _ := realHost(b, n, 2, DefaultReceptionOptions())
	a.tell(a.reception, SetTarget{Purpose: messages.ForLearning, Target: owner(a, atA)})
	dialler := owner(c, atB)
	c.tell(dialler, func(ctx actor.Context) {
		hello := learning
		hello.From = 2
		ctx.Spawn(NewLink(c.rt, 1, Dial{
			Network: n, Address: a.address, Timeout: time.Second, Hello: hello, Owner: dialler, Options: LearningLinks(),
		}))
	})
	links := []*actor.PID{<-up, <-up}
	for _, l := range links {
		if l.Id[:5] != "recep" {
			return func(m any) { c.tell(l, m) }
		}
	}
	b.Fatal(links)
	return nil
}

func benchNetworks(b *testing.B) map[string]Network {
	return map[string]Network{
		"tcp": NewTCP(DefaultTCPOptions()),
		"tls": mustTLS(b, newAuthority(b).issue("both", soon(), "127.0.0.1")),
	}
}

func BenchmarkLinkRoundTrip(b *testing.B) {
	for _, name := range []string{"tcp", "tls"} {
		b.Run(name, func(b *testing.B) {
			back := make(chan struct{})
			send := benchPair(b, benchNetworks(b)[name],
				func(ctx actor.Context, link *actor.PID, msg any) { ctx.Send(link, msg) },
				func(actor.Context, *actor.PID, any) { back <- struct{}{} })
			ack := &messages.Ack{Server: 2, Zxid: messages.MakeZxid(3, 4711)}
			b.ReportAllocs()
			for b.Loop() {
				send(ack)
				<-back
			}
		})
	}
}

// benchProposals is a batch of writes with 100 bytes of data each.
func benchProposals(b *testing.B, n int) *messages.Propose {
	batch := &messages.Propose{}
	for i := range n {
		h := messages.TxnHeader{Zxid: messages.MakeZxid(4, uint32(i+1)), Time: 1795314193612, Session: 0x100003dfb8900b6, Op: messages.OpSetData}
		body := &messages.SetDataTxn{Path: "/app/config/node-0000000017", Data: bytes.Repeat([]byte{7}, 100), Version: 12}
		data, err := messages.EncodeTxn(&h, body)
		if err != nil {
			b.Fatal(err)
		}
		batch.Items = append(batch.Items, messages.Proposal{Header: h, Ticket: messages.Ticket(i), Encoded: data, Body: body})
	}
	return batch
}

// throughput keeps a number of messages under way and counts what arrives.
func throughput(b *testing.B, n Network, msg any, bytes int) {
	const window = 64
	credit := make(chan struct{}, window)
	for range window {
		credit <- struct{}{}
	}
	send := benchPair(b, n,
		func(actor.Context, *actor.PID, any) { credit <- struct{}{} },
		func(actor.Context, *actor.PID, any) {})
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		<-credit
		send(msg)
	}
	for range window {
		<-credit
	}
}

func BenchmarkLinkPropose(b *testing.B) {
	for _, c := range []struct {
		network string
		batch   int
		packed  bool
	}{{"tcp", 1, false}, {"tcp", 32, false}, {"tcp", 32, true}, {"tls", 32, true}} {
		name := c.network + map[int]string{1: "/single", 32: "/32"}[c.batch] + map[bool]string{true: "/packed"}[c.packed]
		b.Run(name, func(b *testing.B) {
			var msg any = benchProposals(b, c.batch)
			frame, err := pack.Encode(nil, msg)
			if err != nil {
				b.Fatal(err)
			}
			if c.packed {
				msg = Packed{Frames: frame}
			}
			throughput(b, benchNetworks(b)[c.network], msg, len(frame))
			b.ReportMetric(float64(c.batch*b.N)/b.Elapsed().Seconds(), "proposals/s")
		})
	}
}

func BenchmarkLinkChunks(b *testing.B) {
	for _, name := range []string{"tcp", "tls"} {
		b.Run(name, func(b *testing.B) {
			throughput(b, benchNetworks(b)[name], &messages.SnapChunk{Records: make([]byte, 256<<10)}, 256<<10)
		})
	}
}
