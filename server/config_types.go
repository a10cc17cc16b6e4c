package server

import (
	"time"

	"github.com/troupekeeper/troupe/messages"
)

// DataConfig says where the state lives on disk and when snapshots are taken.
type DataConfig struct {
	Dir                string  // snapshots, myid and, unless LogDir differs, the transaction log
	LogDir             string  // transaction log; equals Dir unless set
	SnapCount          int     // transactions between snapshots
	SnapSizeLimit      int64   // bytes of log between snapshots; 0 or less: no limit by size
	SnapCompression    string  // "" or "zstd"
	SnapTrustEmpty     bool    // start although a log but no snapshot exists
	SnapshotSizeFactor float64 // ensemble: largest log to send from disk relative to the snapshot; below 0: never
	CommitLogCount     int     // ensemble: committed proposals kept in memory for learners
	DigestEnabled      bool    // keep a digest of the tree and write it with each transaction
}

// LogFileConfig rules the files of the transaction log and their group commit.
type LogFileConfig struct {
	PreAllocSize  int64         // bytes by which a log file grows ahead of its use
	SizeLimit     int64         // bytes after which a new file is begun; -1: only at snapshots
	ForceSync     bool          // fsync before a write is acknowledged; false risks acknowledged data
	SyncWarning   time.Duration // an fsync that takes longer is logged
	FlushDelay    time.Duration // longest wait for more writes before an fsync; 0: none
	MaxQueuePoll  time.Duration // shortest idle time that ends the wait; a third of FlushDelay unless set
	MaxBatchCount int           // transactions that end the wait; 0: no such limit
}

// PurgeConfig says which old snapshots and log files are removed.
type PurgeConfig struct {
	Interval    time.Duration // time between purges; 0: off
	RetainCount int           // snapshots kept, with the log that belongs to them
}

// ClientConfig is the door for clients.
type ClientConfig struct {
	Address            string // host or address to listen on; "": all interfaces
	Port               int    // plaintext port; 0: any free one, -1: none
	SecureAddress      string // as Address, for TLS
	SecurePort         int    // TLS port; 0: any free one, -1: none
	ListenBacklog      int    // length of the accept queue; -1: the system's choice
	MaxPerIP           int    // connections from one address; 0: no limit
	MaxTotal           int    // connections of the server; 0: no limit
	TCPKeepAlive       bool
	SessionlessTimeout time.Duration // a connection that has no session by then is closed
}

// SessionConfig is the measure of time for sessions.
type SessionConfig struct {
	Tick           time.Duration // length of a tick, the grain of session expiry
	MinTimeout     time.Duration // shorter requests are raised to it; two ticks unless set
	MaxTimeout     time.Duration // longer requests are lowered to it; twenty ticks unless set
	LocalEnabled   bool          // sessions that only one server knows
	LocalUpgrading bool          // make a local session global at its first ephemeral node
	ReadOnlyMode   bool          // ensemble: serve reads without a quorum
	FreshReads     bool          // ensemble: each read sees all that was acknowledged before it
}

// LimitsConfig bounds what requests may cost.
type LimitsConfig struct {
	FrameMax             int64 // jute.maxbuffer: largest request frame in bytes
	FrameExtra           int64 // added to FrameMax when records are read from log and peers
	OutstandingRequests  int   // requests in the server beyond which busy connections are not read
	LargeRequestMaxBytes int64 // bytes of large requests in progress at once
	LargeRequestMin      int64 // a request above it counts as large; -1: off

	ThrottleMaxRequests     int           // requests in the pipeline at once; 0: throttle stage off
	ThrottleStallTime       time.Duration // wait of a request at a full pipeline before it looks again
	ThrottleDropStale       bool          // drop requests whose connection is gone
	ThrottleStaleLatency    bool          // also count requests as stale that waited beyond their session's timeout
	ThrottleStaleConnection bool          // count requests as stale whose connection is closed
	ThrottledOpWait         time.Duration // a request that waited longer is answered THROTTLEDOP; 0: off
}

// ConnectionThrottleConfig is the token bucket that slows new connections down.
type ConnectionThrottleConfig struct {
	Tokens        int           // size of the bucket; 0: off
	FillTime      time.Duration // time between fillings
	FillCount     int           // tokens a filling
	FreezeTime    time.Duration // time between changes of the drop probability; negative: never dropped at random
	DropIncrease  float64       // step up of the drop probability
	DropDecrease  float64       // step down of the drop probability
	DecreaseRatio float64       // share of the bucket that must be full to step down
	Weighted      bool          // charge by kind of session
	WeightGlobal  int           // tokens for a new global session
	WeightLocal   int           // tokens for a new local session
	WeightRenew   int           // tokens for a re-attached session
}

// NodesConfig rules kinds of nodes and quotas.
type NodesConfig struct {
	ExtendedTypes         bool          // TTL nodes
	Emulate353TTL         bool          // read the TTL encoding of ZooKeeper 3.5.3
	ContainerInterval     time.Duration // time between looks for containers and TTL nodes to remove
	ContainerMaxPerMinute int           // removals a minute at most
	ContainerNeverUsedMax time.Duration // remove containers that never had a child after it; 0: keep them
	EnforceQuota          bool          // refuse writes beyond a hard limit
}

// AccessConfig says who may do what.
type AccessConfig struct {
	SkipACL           bool              // no ACL is checked
	DigestEnabled     bool              // the scheme digest exists
	DigestAlgorithm   string            // hash of digest ids: "SHA1", "SHA-256", …
	SuperDigest       string            // "super:<base64 hash>" of the super user; "": none
	EnforceAuth       bool              // refuse requests of connections without one of EnforceAuthSchemes
	EnforceSchemes    []string          // schemes that satisfy EnforceAuth
	RequireClientSASL bool              // not used by this version
	AuthProviders     map[string]string // suffix of authProvider.* → class name
}

// AdminConfig is the HTTP admin server and the four-letter words.
type AdminConfig struct {
	Enabled             bool
	Address             string        // host or address to listen on; "0.0.0.0": all interfaces
	Port                int           // HTTP port; 0: any free one
	CommandURL          string        // path under which the commands live
	IdleTimeout         time.Duration // an idle HTTP connection is closed
	Metrics             bool          // serve /metrics at this port too
	SnapshotEnabled     bool          // the snapshot command
	RestoreEnabled      bool          // the restore command
	RateInterval        time.Duration // between two uses of snapshot or restore
	FourLetterWhitelist []string      // words that are answered; "*": all
}

// FourLetterAllowed tells whether the white list lets a four-letter word be answered.
func (a AdminConfig) FourLetterAllowed(word string) bool {
	for _, w := range a.FourLetterWhitelist {
		if w == "*" || w == word {
			return true
		}
	}
	return false
}

// MetricsConfig is the metrics provider of zoo.cfg: a port of its own for Prometheus, as ZooKeeper has it.
type MetricsConfig struct {
	Enabled   bool   // ClassName names the Prometheus provider
	ClassName string // as written
	Host      string // host or address to listen on; "0.0.0.0": all interfaces
	Port      int    // 0: any free one
}

// LoggingConfig says what is logged, how it looks and where it goes.
type LoggingConfig struct {
	Level  string // trace, debug, info, warn, error
	Format string // auto, console, json
	File   string // path; "": standard error
}

// EnsembleConfig is the part that several servers share.
type EnsembleConfig struct {
	MyID                   int                 // this server's id; 0 also when there is none
	HasID                  bool                // MyID was given by myid file or key
	Membership             messages.Membership // servers, groups and weights
	DynamicFile            string              // path of the dynamic file, "" if the servers stand in the main file
	StandaloneEnabled      bool                // one server means standalone mode
	ReconfigEnabled        bool
	InitLimit              int           // ticks to connect to the leader and catch up
	SyncLimit              int           // ticks a follower may lag
	ConnectLimit           int           // ticks to connect to the leader; InitLimit unless set
	ElectionAlg            int           // always 3
	Observer               bool          // peerType, or the role of this server's line
	LeaderServes           bool          // the leader accepts clients
	ListenOnAllIPs         bool          // quorum and election ports on all interfaces
	ObserverMasterPort     int           // followers serve observers here; 0: off
	SyncEnabled            bool          // observers keep a log on disk
	MaxSnapSyncs           int           // learners fed by snapshot at once
	MaxDiffSyncs           int           // learners fed by log at once
	NotificationMin        time.Duration // first wait of an election without news
	NotificationMax        time.Duration // longest wait of an election without news
	ConnectTimeout         time.Duration // to open an election connection
	QuorumConnTimeout      time.Duration // read timeout of election connections; SyncLimit ticks unless set
	ElectionBindRetry      int           // attempts to bind the election port; 0: for ever
	TCPKeepAlive           bool
	ObserverReconnectDelay time.Duration
	ObserverElectionDelay  time.Duration
	EpochWaitMax           time.Duration // leader: longest wait for epochs; -1: no limit of its own
	MultiAddress           bool
	ReachabilityCheck      bool
	ReachabilityTimeout    time.Duration
}

// Distributed tells whether the server is a member of an ensemble; otherwise it runs standalone.
func (e EnsembleConfig) Distributed() bool {
	participants := len(e.Membership.Voters())
	if participants == 1 && len(e.Membership.Members) == 1 {
		return !e.StandaloneEnabled
	}
	return len(e.Membership.Members) > 0
}

// Self is this server's line, false if there is none.
func (e EnsembleConfig) Self() (messages.Member, bool) {
	if !e.HasID {
		return messages.Member{}, false
	}
	return e.Membership.Member(messages.ServerID(e.MyID))
}
