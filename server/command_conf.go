package server

import (
	"bytes"
	"fmt"
	"net/url"
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
}

func (confCommand) run(c *console, _ url.Values) (commandResult, error) {
	cfg := c.config
	snapshots, logs := c.sizes()
	return confResult{
		ClientPort: c.clientPort(), SecurePort: cfg.Client.SecurePort,
		DataDir: cfg.Data.Dir, DataDirSize: snapshots, DataLogDir: cfg.Data.LogDir, DataLogSize: logs,
		TickTime: cfg.Session.Tick.Milliseconds(), MaxClientCnxns: cfg.Client.MaxPerIP,
		MinSessionTimeout: cfg.Session.MinTimeout.Milliseconds(),
		MaxSessionTimeout: cfg.Session.MaxTimeout.Milliseconds(),
		ServerID:          cfg.Ensemble.MyID, ListenBacklog: cfg.Client.ListenBacklog,
	}, nil
}

func (r confResult) text(w *bytes.Buffer) {
	fmt.Fprintf(w, "clientPort=%d\nsecureClientPort=%d\n", r.ClientPort, r.SecurePort)
	fmt.Fprintf(w, "dataDir=%s\ndataDirSize=%d\n", r.DataDir, r.DataDirSize)
	fmt.Fprintf(w, "dataLogDir=%s\ndataLogSize=%d\n", r.DataLogDir, r.DataLogSize)
	fmt.Fprintf(w, "tickTime=%d\nmaxClientCnxns=%d\n", r.TickTime, r.MaxClientCnxns)
	fmt.Fprintf(w, "minSessionTimeout=%d\nmaxSessionTimeout=%d\n", r.MinSessionTimeout, r.MaxSessionTimeout)
	fmt.Fprintf(w, "clientPortListenBacklog=%d\nserverId=%d\n", r.ListenBacklog, r.ServerID)
}
