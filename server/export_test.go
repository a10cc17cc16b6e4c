package server

import (
	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/cluster"
)

// What tests count by.

// Status is what a member of an ensemble tells of itself.
func (s *Server) Status() cluster.Status { return s.board.Status() }

// Metrics are the counters of the server's actors.
func (s *Server) Metrics() *actors.Metrics { return s.runtime.Metrics }
