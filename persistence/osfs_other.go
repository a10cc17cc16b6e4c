//go:build darwin || freebsd

package persistence

import (
	"os"

	"golang.org/x/sys/unix"
)

// datasync uses os.File.Sync, which on macOS asks the drive itself to flush.
func datasync(f *os.File) error { return f.Sync() }

// writeBack has no equivalent.
func writeBack(*os.File, int64, int64) error { return unix.EOPNOTSUPP }

// allocate has no equivalent that also zeroes; the caller then writes zeros.
func allocate(*os.File, int64, int64) error { return unix.EOPNOTSUPP }
