package server

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// connBrief is one connection as stat shows it.
type connBrief struct {
	Remote      string `json:"remote_socket_address"` // ip:port
	InterestOps int    `json:"interest_ops"`          // 1: the server reads from it; 0: it waits for work to be done
	Outstanding int64  `json:"outstanding_requests"`
	Received    int64  `json:"packets_received"`
	Sent        int64  `json:"packets_sent"`
}

// connDetail is one connection as cons shows it. Times are milliseconds; Established and LastResponse since 1970.
type connDetail struct {
	connBrief
	Session      messages.SessionID `json:"session_id"`
	LastOp       string             `json:"last_operation"`
	Established  int64              `json:"established"`
	Timeout      int32              `json:"session_timeout"`
	LastCxid     int32              `json:"last_cxid"` // -1 before the first numbered request
	LastZxid     messages.Zxid      `json:"last_zxid"`
	LastResponse int64              `json:"last_response_time"`
	LastLatency  int64              `json:"last_latency"`
	MinLatency   int64              `json:"min_latency"`
	AvgLatency   int64              `json:"avg_latency"`
	MaxLatency   int64              `json:"max_latency"`
}

func briefOf(s *actors.ConnStats) connBrief {
	b := connBrief{
		Remote: s.Remote, InterestOps: 1,
		Outstanding: max(s.Outstanding.Load(), 0), Received: s.Received.Load(), Sent: s.Sent.Load(),
	}
	if s.Paused.Load() {
		b.InterestOps = 0
	}
	return b
}

func detailOf(s *actors.ConnStats) connDetail {
	d := connDetail{
		connBrief: briefOf(s), Session: messages.SessionID(s.Session.Load()), LastOp: lastOp(s),
		Established: s.Established, Timeout: s.Timeout.Load(), LastCxid: s.LastXid.Load(),
		LastZxid: messages.Zxid(s.LastZxid.Load()), LastResponse: s.LastReply.Load(),
		LastLatency: s.LastLatency.Load() / 1000, MinLatency: s.MinLatency.Load() / 1000,
		MaxLatency: s.MaxLatency.Load() / 1000,
	}
	if n := s.Replies.Load(); n > 0 {
		d.AvgLatency = s.SumLatency.Load() / n / 1000
	}
	// The special xids of pings and the like aren't numbers that a client counts its requests with.
	if d.LastResponse == 0 || d.LastCxid < 0 {
		d.LastCxid = -1
	}
	return d
}

func lastOp(s *actors.ConnStats) string {
	op := messages.OpCode(s.LastOp.Load())
	if s.LastReply.Load() == 0 && s.Session.Load() != 0 {
		op = messages.OpCreateSession
	}
	return op.Short()
}

// text begins the line that stat and cons have for a connection.
func (b connBrief) text(w *bytes.Buffer) {
	// Java prints IPv6 addresses without brackets, and tools look for the first bracket to find the end.
	remote := strings.NewReplacer("[", "", "]", "").Replace(b.Remote)
	fmt.Fprintf(w, " /%s[%d](queued=%d,recved=%d,sent=%d", remote, b.InterestOps, b.Outstanding, b.Received, b.Sent)
}

func (d connDetail) text(w *bytes.Buffer) {
	d.connBrief.text(w)
	if d.Session != 0 {
		fmt.Fprintf(w, ",sid=%v,lop=%s,est=%d,to=%d", d.Session, d.LastOp, d.Established, d.Timeout)
		if d.LastCxid >= 0 {
			fmt.Fprintf(w, ",lcxid=0x%x", d.LastCxid)
		}
		fmt.Fprintf(w, ",lzxid=%v,lresp=%d,llat=%d,minlat=%d,avglat=%d,maxlat=%d",
			d.LastZxid, d.LastResponse, d.LastLatency, d.MinLatency, d.AvgLatency, d.MaxLatency)
	}
	w.WriteString(")\n")
}
