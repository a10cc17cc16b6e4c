package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/troupekeeper/troupe/server/client"
)

// probePatience is how long a server may take to answer. It is shorter than the time between two looks, so that one that
// hangs doesn't hold up the view of the others.
const probePatience = 400 * time.Millisecond

// serverSample is one look at a server: its answers, and the process's use of the machine.
type serverSample struct {
	pid      int // of the process that was looked at; 0: none
	at       time.Time
	answered bool   // the word srvr was answered
	mode     string // leader, follower …; "" while it serves nobody
	zxid     string
	conns    int
	received int64 // requests since its start
	synced   int   // of a leader
	learners int
	cpu      time.Duration // since its start; 0 if the system doesn't tell
	memory   int64
}

// sampleServer looks at one server. pid is that of its process.
func sampleServer(address string, pid int) serverSample {
	ctx, cancel := context.WithTimeout(context.Background(), probePatience)
	defer cancel()
	s := serverSample{pid: pid, at: time.Now()}
	s.cpu, s.memory = processUse(pid)
	text, err := client.FourLetterWord(ctx, address, "srvr")
	if err != nil || text == "" { // nothing is what a server says that has maxClientCnxns connections from here
		return s
	}
	s.answered = true
	s.parseServer(text)
	if s.mode == "leader" {
		if text, err := client.FourLetterWord(ctx, address, "mntr"); err == nil {
			s.parseMonitor(text)
		}
	}
	return s
}

// sampleAll looks at several servers at once. Where pid is 0 nothing runs, and nothing is asked.
func sampleAll(addresses []string, pids []int) []serverSample {
	samples := make([]serverSample, len(addresses))
	var wait sync.WaitGroup
	for i := range addresses {
		if pids[i] == 0 {
			continue
		}
		wait.Go(func() { samples[i] = sampleServer(addresses[i], pids[i]) })
	}
	wait.Wait()
	return samples
}

// parseServer reads the answer to srvr.
func (s *serverSample) parseServer(text string) {
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			continue
		}
		switch key {
		case "Mode":
			s.mode = value
		case "Zxid":
			s.zxid = value
		case "Connections":
			s.conns, _ = strconv.Atoi(value)
			s.conns = max(s.conns-1, 0) // the question itself is one
		case "Received":
			s.received, _ = strconv.ParseInt(value, 10, 64)
		}
	}
}

// parseMonitor reads the answer of a leader to mntr.
func (s *serverSample) parseMonitor(text string) {
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "\t")
		n, err := strconv.Atoi(value)
		if err != nil {
			continue
		}
		switch key {
		case "zk_learners":
			s.learners = n
		case "zk_synced_followers", "zk_synced_observers":
			s.synced += n
		}
	}
}

// view puts two looks in a row at one process together to rates.
func (s serverSample) view(before serverSample, v serverView) serverView {
	v.Zxid, v.Conns, v.Memory, v.Synced, v.Learners = s.zxid, s.conns, s.memory, s.synced, s.learners
	if seconds := s.at.Sub(before.at).Seconds(); before.pid == s.pid && seconds > 0 {
		v.Rate = max(float64(s.received-before.received), 0) / seconds
		v.CPU = max((s.cpu-before.cpu).Seconds(), 0) / seconds
	}
	return v
}

// processUse reads what a process takes of the machine where the system tells it in files, as Linux does; else zeros.
func processUse(pid int) (cpu time.Duration, memory int64) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0
	}
	cpu, pages := parseProcessStat(string(stat))
	return cpu, pages * int64(os.Getpagesize())
}

// parseProcessStat takes processor time and resident pages out of a line of /proc/<pid>/stat. Times are in hundredths of
// a second there on every Linux of today.
func parseProcessStat(line string) (cpu time.Duration, pages int64) {
	// The name stands in brackets and may hold anything; field 3 is the first behind it.
	f := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	const user, system, resident = 14 - 3, 15 - 3, 24 - 3
	if len(f) <= resident {
		return 0, 0
	}
	number := func(i int) int64 {
		n, _ := strconv.ParseInt(f[i], 10, 64)
		return n
	}
	return time.Duration(number(user)+number(system)) * (time.Second / 100), number(resident)
}
