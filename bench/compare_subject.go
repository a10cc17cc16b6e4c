//go:build unix

package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Subject is a server that can be compared.
type Subject struct {
	// Name is a single word, for the table.
	Name string
	// Version is what the server says of itself.
	Version string
	// Command writes the configuration of members[at] into the folder home,
	// where that server also keeps its data, and returns the command that
	// starts it. A second call starts it on the same data.
	Command func(home string, members []Member, at int) ([]string, error)
}

// What Debian calls them. Without the jars for logging ZooKeeper runs as well,
// but silently.
const zooKeeperJar = "/usr/share/java/zookeeper.jar"

var (
	zooKeeperLogJars  = []string{"/usr/share/java/slf4j-log4j12.jar", "/usr/share/java/log4j-1.2.jar"}
	zooKeeperPackages = []string{"zookeeper", "default-jre-headless"}
)

// ErrNoZooKeeper says that there is no ZooKeeper to compare with.
var ErrNoZooKeeper = errors.New("no ZooKeeper on this machine")

// writeZooConfig writes the configuration that every subject gets, unchanged:
// ZooKeeper's defaults with fsync on, without the admin server and without a
// limit on connections from one address. In an ensemble the members listen for
// clients where its server.N lines say.
func writeZooConfig(home string, members []Member, at int) (string, error) {
	data := filepath.Join(home, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return "", fmt.Errorf("make the data folder: %w", err)
	}
	text := fmt.Sprintf("tickTime=2000\ndataDir=%s\nmaxClientCnxns=0\nadmin.enableServer=false\nforceSync=yes\n", data)
	if len(members) == 1 {
		text += fmt.Sprintf("clientPort=%d\nclientPortAddress=127.0.0.1\n", members[at].ClientPort)
	} else {
		text += "initLimit=10\nsyncLimit=5\n"
		for _, m := range members {
			part := ""
			if m.Observer {
				part = ":observer"
			}
			text += fmt.Sprintf("server.%d=127.0.0.1:%d:%d%s;127.0.0.1:%d\n", m.ID, m.QuorumPort, m.ElectionPort, part, m.ClientPort)
		}
		if err := os.WriteFile(filepath.Join(data, "myid"), fmt.Appendln(nil, members[at].ID), 0o644); err != nil {
			return "", fmt.Errorf("write the number of the server: %w", err)
		}
	}
	path := filepath.Join(home, "zoo.cfg")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return "", fmt.Errorf("write the configuration: %w", err)
	}
	return path, nil
}

// TroupeSubject compares a troupe program, logging warnings only as its peer
// does. The arguments are put behind `serve` and the configuration.
func TroupeSubject(program string, arguments ...string) (Subject, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return Subject{}, fmt.Errorf("find the program to compare: %w", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return Subject{}, fmt.Errorf("find the program to compare: %w", err)
	}
	return Subject{
		Name: "Troupe", Version: firstLine(path, "version"),
		Command: func(home string, members []Member, at int) ([]string, error) {
			config, err := writeZooConfig(home, members, at)
			if err != nil {
				return nil, err
			}
			return append([]string{path, "serve", config, "--log-level", "warn"}, arguments...), nil
		},
	}, nil
}

// ZooKeeperSubject compares Debian's ZooKeeper with a heap of at most 2 GiB and
// logging of warnings only. [ErrNoZooKeeper] says that it is not installed.
func ZooKeeperSubject() (Subject, error) {
	java, err := exec.LookPath("java")
	if err == nil {
		_, err = os.Stat(zooKeeperJar)
	}
	if err != nil {
		return Subject{}, fmt.Errorf("%w: %w; `apt-get install %s` brings it",
			ErrNoZooKeeper, err, strings.Join(zooKeeperPackages, " "))
	}
	return Subject{
		Name:    "ZooKeeper",
		Version: firstLine("dpkg-query", "--show", "--showformat=${Version}", "zookeeper") + ", " + firstLine(java, "-version"),
		Command: func(home string, members []Member, at int) ([]string, error) {
			config, err := writeZooConfig(home, members, at)
			if err != nil {
				return nil, err
			}
			logging := "log4j.rootLogger=WARN, CONSOLE\nlog4j.appender.CONSOLE=org.apache.log4j.ConsoleAppender\n" +
				"log4j.appender.CONSOLE.layout=org.apache.log4j.PatternLayout\n" +
				"log4j.appender.CONSOLE.layout.ConversionPattern=%d{ISO8601} %-5p %c: %m%n\n"
			if err := os.WriteFile(filepath.Join(home, "log4j.properties"), []byte(logging), 0o644); err != nil {
				return nil, fmt.Errorf("write the logging configuration: %w", err)
			}
			classes := append([]string{home, zooKeeperJar}, zooKeeperLogJars...)
			return []string{
				java, "-Xmx2g", "-Dzookeeper.jmx.log4j.disable=true", "-cp", strings.Join(classes, ":"),
				"org.apache.zookeeper.server.quorum.QuorumPeerMain", config,
			}, nil
		},
	}, nil
}

// InstallZooKeeper installs Debian's packages. It needs root and apt-get.
func InstallZooKeeper(say func(string)) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w, and only root can install it: `apt-get install %s`",
			ErrNoZooKeeper, strings.Join(zooKeeperPackages, " "))
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("%w, and no apt-get that could install it: %w", ErrNoZooKeeper, err)
	}
	say("installing " + strings.Join(zooKeeperPackages, " and ") + " with apt-get")
	cmd := exec.Command("apt-get", append([]string{"install", "-y", "--no-install-recommends"}, zooKeeperPackages...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if output, err := cmd.CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(output)), "\n")
		return fmt.Errorf("%w, and it could not be installed: %w: %s", ErrNoZooKeeper, err, lines[len(lines)-1])
	}
	return nil
}

// firstLine returns the first line that a command prints, or "unknown".
func firstLine(argv ...string) string {
	output, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	line, _, _ := bytes.Cut(bytes.TrimSpace(output), []byte("\n"))
	if err != nil || len(line) == 0 {
		return "unknown"
	}
	return string(bytes.TrimSpace(line))
}
