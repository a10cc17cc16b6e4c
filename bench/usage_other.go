//go:build unix && !linux

package bench

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ReadUsage needs /proc, which only Linux has in the form known here.
func ReadUsage(int) (Usage, error) {
	return Usage{}, errors.New("the CPU and memory of a server can be read on Linux only")
}

func readMachine() (Machine, bool) { return Machine{}, false }

// threadCPU cannot tell threads apart here, so it tells the whole process.
func threadCPU() func() time.Duration { return processCPU }

// processCPU tells the CPU used by this process.
func processCPU() time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// systemInfo knows only the kernel's release here.
func systemInfo() (model, kernel string, memoryMiB int64) {
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		kernel = unix.ByteSliceToString(uts.Release[:])
	}
	return "", kernel, 0
}

// syncData makes the file durable; fdatasync is not to be had everywhere.
func syncData(f *os.File) error { return f.Sync() }
