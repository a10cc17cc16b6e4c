//go:build !linux

package cluster

import (
	"net"
	"time"
)

// setUnackedLimit does nothing: the system can't be told. A link with a silence limit notices by itself.
func setUnackedLimit(*net.TCPConn, time.Duration) {}
