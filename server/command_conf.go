package server

import (
	"bytes"
	"fmt"
	"net/url"

	"github.com/troupekeeper/troupe/cluster"
	"github.com/troupekeeper/troupe/messages"
)

// confCommand shows the settings that matter for clients and for the disk.
type confCommand struct{}

func (confCommand) about() commandInfo {
	return commandInfo{
		word: "conf", names: []string{"configuration", "conf", "config"},
		help: "The settings that matter for clients and disk; system_properties has all of them.",
	}
}

// confResult: times are milliseconds, sizes bytes. Those without a JSON name are shown by the four-letter word only.
type confResult struct {
	ClientPort        int    `json:"client_port"`
	SecurePort        int    `json:"-"`
	DataDir           string `json:"data_dir"`
	DataDirSize       int64  `json:"-"`
	DataLogDir        string `json:"data_log_dir"`
	DataLogSize       int64  `json:"-"`
	TickTime          int64  `json:"tick_time"`
	MaxClientCnxns    int    `json:"max_client_cnxns"`
	MinSessionTimeout int64  `json:"min_session_timeout"`
	MaxSessionTimeout int64  `json:"max_session_timeout"`
	ServerID          int    `json:"server_id"`
	ListenBacklog     int    `json:"client_port_listen_backlog"`

	member *confMember // nil on a server that runs alone
}

// confMember is what conf adds on a member of an ensemble. Limits are ticks, Type is 0 for a participant and 1 for an
// observer; Members is "" while there is no leader, for nobody knows then which membership is in effect.
type confMember struct {
	InitLimit, SyncLimit, ElectionAlg int
	ElectionPort, QuorumPort          int
	Type                              int
	Members                           string
}

func (confCommand) run(c *console, _ url.Values) (commandResult, error) {
	cfg := c.config
	snapshots, logs := c.sizes()
	r := confResult{
		ClientPort: c.clientPort(), SecurePort: cfg.Client.SecurePort,
		DataDir: cfg.Data.Dir, DataDirSize: snapshots, DataLogDir: cfg.Data.LogDir, DataLogSize: logs,
		TickTime: cfg.Session.Tick.Milliseconds(), MaxClientCnxns: cfg.Client.MaxPerIP,
		MinSessionTimeout: cfg.Session.MinTimeout.Milliseconds(),
		MaxSessionTimeout: cfg.Session.MaxTimeout.Milliseconds(),
		ServerID:          cfg.Ensemble.MyID, ListenBacklog: cfg.Client.ListenBacklog,
	}
	if s, ok := c.ensemble(); ok {
		r.member = c.confMember(s)
	}
	return r, nil
}

func (c *console) confMember(s cluster.Status) *confMember {
	e, m := c.config.Ensemble, c.self(s)
	r := &confMember{InitLimit: e.InitLimit, SyncLimit: e.SyncLimit, ElectionAlg: e.ElectionAlg, Type: int(m.Role)}
	if len(m.Addresses) > 0 {
		r.ElectionPort, r.QuorumPort = m.Addresses[0].ElectionPort, m.Addresses[0].QuorumPort
	}
	if s.State != messages.Looking {
		r.Members = s.Members.String()
	}
	return r
}

func (r confResult) text(w *bytes.Buffer) {
	fmt.Fprintf(w, "clientPort=%d\nsecureClientPort=%d\n", r.ClientPort, r.SecurePort)
	fmt.Fprintf(w, "dataDir=%s\ndataDirSize=%d\n", r.DataDir, r.DataDirSize)
	fmt.Fprintf(w, "dataLogDir=%s\ndataLogSize=%d\n", r.DataLogDir, r.DataLogSize)
	fmt.Fprintf(w, "tickTime=%d\nmaxClientCnxns=%d\n", r.TickTime, r.MaxClientCnxns)
	fmt.Fprintf(w, "minSessionTimeout=%d\nmaxSessionTimeout=%d\n", r.MinSessionTimeout, r.MaxSessionTimeout)
	fmt.Fprintf(w, "clientPortListenBacklog=%d\nserverId=%d\n", r.ListenBacklog, r.ServerID)
	m := r.member
	if m == nil {
		return
	}
	fmt.Fprintf(w, "initLimit=%d\nsyncLimit=%d\nelectionAlg=%d\n", m.InitLimit, m.SyncLimit, m.ElectionAlg)
	fmt.Fprintf(w, "electionPort=%d\nquorumPort=%d\npeerType=%d\n", m.ElectionPort, m.QuorumPort, m.Type)
	if m.Members != "" {
		w.WriteString("membership: \n" + m.Members) // ends as the membership does, without a line feed
	}
}
