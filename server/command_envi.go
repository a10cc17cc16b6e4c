package server

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"os/user"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
)

// enviCommand describes the process and its machine. The keys are ZooKeeper's, those about Java included, because
// inventories look for them; what Go has no counterpart for is empty.
type enviCommand struct{}

func (enviCommand) about() commandInfo {
	return commandInfo{
		word: "envi", names: []string{"environment", "env", "envi"}, always: true,
		help: "The process and the machine that it runs on.",
	}
}

func (enviCommand) run(*console, url.Values) (commandResult, error) {
	host, _ := os.Hostname()
	home, _ := os.UserHomeDir()
	dir, _ := os.Getwd()
	name := ""
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	free, limit, total := memoryBytes()
	return enviResult{fields{
		{"zookeeper.version", VersionText()},
		{"host.name", host},
		{"java.version", runtime.Version()},
		{"java.vendor", "The Go Authors"},
		{"java.home", ""},
		{"java.class.path", ""},
		{"java.library.path", ""},
		{"java.io.tmpdir", os.TempDir()},
		{"java.compiler", runtime.Compiler},
		{"os.name", osName()},
		{"os.arch", runtime.GOARCH},
		{"os.version", osVersion()},
		{"user.name", name},
		{"user.home", home},
		{"user.dir", dir},
		{"os.memory.free", megabytes(free)},
		{"os.memory.max", megabytes(limit)},
		{"os.memory.total", megabytes(total)},
	}}, nil
}

type enviResult struct{ fields }

func (r enviResult) text(w *bytes.Buffer) {
	w.WriteString("Environment:\n")
	for _, f := range r.fields {
		fmt.Fprintf(w, "%s=%v\n", f.key, f.value)
	}
}

func megabytes(n uint64) string { return fmt.Sprintf("%dMB", n>>20) }

// memoryBytes is what the process has from the system, what of it is free for its use, and how much it may take: its
// own limit (GOMEMLIMIT) or else the machine's memory.
func memoryBytes() (free, limit, total uint64) {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/released:bytes"}, {Name: "/memory/classes/heap/unused:bytes"},
	}
	metrics.Read(samples)
	total = samples[0].Value.Uint64()
	for _, s := range samples[1:] {
		free += s.Value.Uint64()
	}
	const none = 1 << 62 // the runtime's "no limit" is the largest number
	if l := debug.SetMemoryLimit(-1); l < none {
		return free, uint64(l), total
	}
	return free, max(machineMemory(), total), total
}

// machineMemory is 0 where the system doesn't tell in a file.
func machineMemory() (bytes uint64) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kib uint64
		if _, err := fmt.Sscanf(line, "MemTotal: %d kB", &kib); err == nil {
			return kib << 10
		}
	}
	return 0
}

// osName writes the system's name as Java does.
func osName() string {
	switch runtime.GOOS {
	case "linux":
		return "Linux"
	case "darwin":
		return "Mac OS X"
	}
	return runtime.GOOS
}

func osVersion() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
