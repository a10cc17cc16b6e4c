package server_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/server"
	"github.com/troupekeeper/troupe/server/client"
)

// BenchmarkStages measures what an empty stage costs at each place: eight sessions write, or read, with so many requests on
// their way that the server is never idle. Its disk is in memory, so that nothing but the pipeline counts:
//
//	go test ./server -run '^$' -bench Stages -benchtime 3s -count 6
func BenchmarkStages(b *testing.B) {
	pass := actors.StageFunc(func(batch []actors.Item) []actors.Item { return batch })
	cases := []struct {
		name   string
		stages []actors.CustomStage
	}{{name: "none"}}
	for _, place := range []actors.Place{
		actors.BeforeRequest, actors.BeforePrep, actors.BeforeProposal, actors.AfterCommit, actors.BeforeReply,
	} {
		stage := stageOf("pass", place, actors.Refuse, 0, pass)
		cases = append(cases, struct {
			name   string
			stages []actors.CustomStage
		}{place.String(), []actors.CustomStage{stage}})
	}
	for _, op := range []messages.OpCode{messages.OpSetData, messages.OpGetData} {
		for _, c := range cases {
			b.Run(fmt.Sprintf("%v/%s", op, c.name), func(b *testing.B) { benchmarkStages(b, op, c.stages) })
		}
	}
}

const (
	benchSessions = 8
	benchWindow   = 64 // requests of a session on their way
)

func benchmarkStages(b *testing.B, op messages.OpCode, stages []actors.CustomStage) {
	e, err := server.Embed(b.Context(), server.EmbedOptions{Stages: stages})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Stop()
	var all sync.WaitGroup
	var clients []*client.Client
	for n := range benchSessions {
		c, err := client.Connect(b.Context(), client.Options{Servers: e.Addresses()})
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Create(b.Context(), fmt.Sprintf("/%d", n), make([]byte, 100), client.Persistent); err != nil {
			b.Fatal(err)
		}
		clients = append(clients, c)
	}
	b.ResetTimer()
	for n, c := range clients {
		all.Go(func() {
			path := fmt.Sprintf("/%d", n)
			var record client.Record = &jute.PathWatch{Path: []byte(path)}
			if op == messages.OpSetData {
				record = &jute.SetDataRequest{Path: path, Data: make([]byte, 100), Version: -1}
			}
			var calls []*client.Call
			for range b.N / benchSessions {
				if len(calls) == benchWindow {
					if calls[0].Wait(b.Context()) != nil {
						b.Error("a request has failed")
						return
					}
					calls = calls[1:]
				}
				calls = append(calls, c.Send(op, record))
			}
			for _, call := range calls {
				_ = call.Wait(b.Context())
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}
