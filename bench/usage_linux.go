package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tickDuration is the unit of the CPU times in /proc, the same on every Linux
// that Go runs on.
const tickDuration = 10 * time.Millisecond

// ReadUsage reads what the process pid has used so far.
func ReadUsage(pid int) (Usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Usage{}, fmt.Errorf("read the usage of process %d: %w", pid, err)
	}
	u, err := parseStat(stat, int64(os.Getpagesize()))
	if err != nil {
		return Usage{}, fmt.Errorf("read the usage of process %d: %w", pid, err)
	}
	return u, nil
}

// parseStat reads fields 14, 15 and 24 of /proc/PID/stat. The second field, the
// program's name, may hold anything, so counting starts behind its last ")".
func parseStat(stat []byte, pageBytes int64) (Usage, error) {
	const utime, stime, rss = 14 - 3, 15 - 3, 24 - 3
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) <= rss {
		return Usage{}, fmt.Errorf("%d fields, want more than %d", len(fields), rss)
	}
	var n [3]int64
	for i, f := range []int{utime, stime, rss} {
		v, err := strconv.ParseInt(fields[f], 10, 64)
		if err != nil {
			return Usage{}, fmt.Errorf("field %d: %w", f+3, err)
		}
		n[i] = v
	}
	return Usage{CPU: time.Duration(n[0]+n[1]) * tickDuration, RSSBytes: n[2] * pageBytes}, nil
}

// readMachine reads the first line of /proc/stat.
func readMachine() (Machine, bool) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Machine{}, false
	}
	return parseMachine(stat)
}

// parseMachine sums all but the idle and waiting times. The guests' times,
// which come after steal, are contained in the users'.
func parseMachine(stat []byte) (Machine, bool) {
	const user, idle, iowait, steal = 1, 4, 5, 8
	line, _, _ := bytes.Cut(stat, []byte("\n"))
	fields := strings.Fields(string(line))
	if len(fields) <= steal || fields[0] != "cpu" {
		return Machine{}, false
	}
	var ticks int64
	for i := user; i <= steal; i++ {
		if i == idle || i == iowait {
			continue
		}
		v, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return Machine{}, false
		}
		ticks += v
	}
	return Machine{Busy: time.Duration(ticks) * tickDuration}, true
}

// threadCPU returns a function that tells the CPU used by the calling thread.
func threadCPU() func() time.Duration {
	return func() time.Duration { return rusage(unix.RUSAGE_THREAD) }
}

// processCPU tells the CPU used by this process.
func processCPU() time.Duration { return rusage(unix.RUSAGE_SELF) }

func rusage(who int) time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(who, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// systemInfo returns the model of the processor, the kernel's release and the
// memory in MiB.
func systemInfo() (model, kernel string, memoryMiB int64) {
	if cpuinfo, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(cpuinfo)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		kernel = unix.ByteSliceToString(uts.Release[:])
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		memoryMiB = int64(uint64(info.Totalram) * uint64(info.Unit) >> 20)
	}
	return model, kernel, memoryMiB
}

// syncData makes the data of a file durable, and no more than that.
func syncData(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }
