//go:build unix

package bench

import "time"

// Usage is what processes have used up to one moment.
type Usage struct {
	// CPU is user and system time since the processes began.
	CPU time.Duration
	// RSSBytes is the memory that is resident now.
	RSSBytes int64
}

// Machine is what all processors have done since the machine started.
type Machine struct {
	// Busy is the time spent on anything, summed over the processors; what a
	// hypervisor took away counts.
	Busy time.Duration
}

// snapshot is everything that is read at the borders of the measured time.
type snapshot struct {
	at        time.Time
	server    Usage
	serverErr error
	own       time.Duration // CPU of this process
	machine   Machine
	machineOK bool
}

// takeSnapshot reads the clocks of the machine, this process and the servers.
func takeSnapshot(pids []int) snapshot {
	s := snapshot{at: time.Now(), own: processCPU()}
	s.machine, s.machineOK = readMachine()
	for _, pid := range pids {
		u, err := ReadUsage(pid)
		if err != nil {
			s.serverErr = err
			return s
		}
		s.server.CPU += u.CPU
		s.server.RSSBytes += u.RSSBytes
	}
	return s
}
