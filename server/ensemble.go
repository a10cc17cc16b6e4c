package server

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/actors/auth"
	"github.com/troupekeeper/troupe/cluster"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

// quorumDoors are this member's ports for the other servers.
type quorumDoors struct {
	network          cluster.Network
	quorum, election actors.Acceptor
}

// openQuorumDoors binds the ports of this member's own line.
func (s *Server) openQuorumDoors() error {
	s.doors.network = s.o.Network
	if s.doors.network == nil {
		network, err := s.quorumNetwork()
		if err != nil {
			return err
		}
		s.doors.network = network
	}
	self, ok := s.config.Ensemble.Self()
	if !ok && s.config.Ensemble.ReconfigEnabled {
		return nil // the peer opens them when this server is made a member
	}
	if !ok {
		return fmt.Errorf("this server's id is %d, but there is no server.%d line: it must be added to the configuration",
			s.config.Ensemble.MyID, s.config.Ensemble.MyID)
	}
	a := self.Addresses[0]
	host := a.Host
	if s.config.Ensemble.ListenOnAllIPs {
		host = ""
	}
	key := fmt.Sprintf("server.%d", self.ID)
	open := func(port int) (actors.Acceptor, error) {
		address := net.JoinHostPort(host, strconv.Itoa(port))
		acceptor, err := s.doors.network.Listen(address)
		var unknown *net.DNSError
		switch {
		case errors.As(err, &unknown):
			s.log.Warn().Str("component", "peer").Err(err).Msg(key + ": this server's own host can't be resolved, so that no other server " +
				"reaches it; trying again each second (quorumListenOnAllIPs=true would do without)")
			return nil, nil
		case err != nil:
			return nil, portError(key, address, err)
		}
		return acceptor, nil
	}
	var err error
	if s.doors.quorum, err = open(a.QuorumPort); err != nil {
		return err
	}
	s.doors.election, err = open(a.ElectionPort)
	return err
}

func (d *quorumDoors) close() {
	if d.quorum != nil {
		d.quorum.Close()
	}
	if d.election != nil {
		d.election.Close()
	}
}

// startPeer spawns the quorum peer, which looks for its place in the ensemble. It doesn't wait for that: there may be no
// quorum for a long time.
func (s *Server) startPeer(reg *auth.Registry) (err error) {
	var incarnation [4]byte
	if _, err := io.ReadFull(s.o.Random, incarnation[:]); err != nil {
		return fmt.Errorf("draw an incarnation: %w", err)
	}
	c, e := s.config, &s.config.Ensemble
	o := cluster.Options{
		Self: cluster.Identity{
			ID:          messages.ServerID(e.MyID),
			Incarnation: uint64(s.o.Clock.WallMs())<<20 | uint64(binary.BigEndian.Uint32(incarnation[:])>>12),
		},
		Membership: e.Membership, Reconfig: e.ReconfigEnabled, ListenOnAllIPs: e.ListenOnAllIPs,
		Network: s.doors.network, QuorumDoor: s.doors.quorum, ElectionDoor: s.doors.election,
		Tick: c.Session.Tick, InitLimit: e.InitLimit, SyncLimit: e.SyncLimit, EpochWait: max(0, e.EpochWaitMax),
		CommitLogCount: c.Data.CommitLogCount, SnapshotFactor: c.Data.SnapshotSizeFactor,
		MaxSnapSyncs: e.MaxSnapSyncs, MaxDiffSyncs: e.MaxDiffSyncs, ObserverLog: e.SyncEnabled,
		ReadOnlyMode: c.Session.ReadOnlyMode, LeaderRefuses: !e.LeaderServes,
		ObserverReconnectDelay: e.ObserverReconnectDelay, ObserverElectionDelay: e.ObserverElectionDelay,
		NotifyMin: e.NotificationMin, NotifyMax: e.NotificationMax,
		Actors: &s.options, Auth: reg, Store: s.store, Listeners: []*actor.PID{s.listener}, Commands: s.commands, Board: s.board,
		Progress: s.o.Progress, Failed: s.fatal,
	}
	if o.Files, err = s.membershipFiles(); err != nil {
		return err
	}
	if s.o.Tune != nil {
		s.o.Tune(&o)
	}
	var once sync.Once
	o.Ready = func() { once.Do(func() { close(s.ready) }) }
	s.role, err = s.runtime.System.Root.SpawnNamed(cluster.NewPeer(s.runtime, o, &s.view), cluster.PeerName())
	return err
}

// membershipFiles takes charge of the configuration files; nil if the members don't stand in files that this server may
// change.
func (s *Server) membershipFiles() (cluster.MembershipFiles, error) {
	if _, real := s.o.FS.(persistence.OSFS); !real || !s.config.Ensemble.ReconfigEnabled {
		return nil, nil
	}
	files, err := NewMembershipFiles(s.config, s.o.FS)
	if errors.Is(err, ErrNoMembershipFile) {
		s.log.Warn().Err(err).Msg("changes of members are kept in the data folder alone")
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return files, nil
}

// Ready is closed when the server serves clients for the first time. A member of an ensemble waits for a quorum.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Serving tells whether clients are served at the moment, and in which role.
func (s *Server) Serving() (role actors.Role, ok bool) {
	v := s.view.Load()
	if v == nil {
		return 0, false
	}
	return v.Role, true
}

// movePoll is how often a handover's outcome is looked for.
const movePoll = 2 * time.Millisecond

// MoveLeader hands leadership over, while this server has it, to another voter; 0: to the one that is furthest. It returns
// when this server follows that one. Clients stay connected and no request fails.
func (s *Server) MoveLeader(ctx context.Context, to messages.ServerID) error {
	begun := make(chan error, 1)
	s.runtime.System.Root.Send(s.role, cluster.MoveLeader{To: to, Done: func(err error) { begun <- err }})
	select {
	case err := <-begun:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	poll := time.NewTicker(movePoll)
	defer poll.Stop()
	for {
		st := s.board.Status()
		if st.Phase == cluster.PhaseBroadcast && st.State != messages.Looking && st.State != messages.Leading && (to == 0 || st.Leader == to) {
			return nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("it was not taken up in time: %w", ctx.Err())
		}
	}
}

// resignPatience is how long a server that stops may take to hand leadership over.
const resignPatience = time.Second

// resign hands leadership over before this server stops, so that the others needn't find out that it is gone. When that
// fails they do.
func (s *Server) resign() {
	if s.board == nil || s.role == nil {
		return
	}
	if role, ok := s.Serving(); !ok || role != actors.RoleLeader {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), resignPatience)
	defer cancel()
	if err := s.MoveLeader(ctx, 0); err != nil {
		s.log.Info().Str("component", "peer").Msg("leadership is not handed over before the stop: " + err.Error())
	}
}
