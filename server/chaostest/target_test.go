package chaostest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
)

// target is the program under test.
type target struct {
	name string
	// command starts a member. Its configuration is in home, where it may put more files.
	command func(home, config string) ([]string, error)
	// strict says that a read after a sync shows all that was acknowledged before. ZooKeeper doesn't quite keep that:
	// its leader may answer a sync before it has applied what it has announced as committed.
	strict bool
	// unequal are nodes whose Stat and order of lines aren't the same on all servers, because each writes them by itself.
	unequal []string
	// patient says that a silent leader must be given up while it is silent, whatever the kind of silence.
	patient bool
	// lacks says what the target doesn't do yet, by the name of the test.
	lacks map[string]string
	// logFolder is where the log is, below the data folder; "" if the tests don't know the format.
	logFolder string
	// alarms are words that must not stand in a log: they tell of failures that clients may not see.
	alarms []string
}

// chosen is the target of this run, or why there is none.
var chosen = sync.OnceValues(func() (*target, error) {
	switch *targetFlag {
	case "troupe":
		return troupeTarget()
	case "zookeeper":
		return zooKeeperTarget()
	}
	return nil, fmt.Errorf("flag -target is %q; allowed are troupe and zookeeper", *targetFlag)
})

// binaries is the folder of the program that was built; TestMain removes it.
var binaries string

func TestMain(m *testing.M) {
	code := m.Run()
	if binaries != "" {
		_ = os.RemoveAll(binaries)
	}
	os.Exit(code)
}

// errNoTarget says in plain words that there is nothing to test.
var errNoTarget = errors.New("no ensemble to test")

// theTarget gives the target or skips the test.
func theTarget(t *testing.T) *target {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: ensembles of real servers are left out")
	}
	chosen, err := chosen()
	if errors.Is(err, errNoTarget) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if what := chosen.lacks[t.Name()]; what != "" && !*lacksFlag {
		t.Skipf("%s; -lacks runs this nevertheless", what)
	}
	return chosen
}

func troupeTarget() (*target, error) {
	folder, err := os.MkdirTemp("", "troupe-chaos-bin-")
	if err != nil {
		return nil, err
	}
	binaries = folder
	binary := filepath.Join(folder, "troupe")
	if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/troupe").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the server: %w\n%s", err, out)
	}
	if err := ensembleSupported(binary, folder); err != nil {
		return nil, err
	}
	return &target{
		name: "troupe", strict: true, patient: true, logFolder: "troupe/log",
		alarms: []string{"panicked", "goroutine "},
		command: func(_, config string) ([]string, error) {
			return []string{binary, "serve", config, "--log-level", "info"}, nil
		},
	}, nil
}

// ensembleSupported starts one server of three and looks whether it refuses to be one of several.
func ensembleSupported(binary, folder string) error {
	data := filepath.Join(folder, "probe")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return err
	}
	config := filepath.Join(folder, "probe.cfg")
	text := fmt.Sprintf("tickTime=400\ninitLimit=10\nsyncLimit=5\ndataDir=%s\nadmin.enableServer=false\n", data)
	n := &network{ports: map[portKey]int{}}
	for id := 1; id <= 3; id++ {
		line, err := n.serverLine(id, false)
		if err != nil {
			return err
		}
		text += line + "\n"
	}
	err := errors.Join(os.WriteFile(config, []byte(text), 0o644), os.WriteFile(filepath.Join(data, "myid"), []byte("1\n"), 0o644))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, "serve", config).CombinedOutput()
	if err != nil && strings.Contains(string(out), "lists several servers") {
		return fmt.Errorf("%w: this version of the server refuses a configuration that lists several servers", errNoTarget)
	}
	return nil
}

// What Debian calls ZooKeeper's parts.
const (
	zooKeeperJar     = "/usr/share/java/zookeeper.jar"
	zooKeeperLogJars = "/usr/share/java/slf4j-log4j12.jar:/usr/share/java/log4j-1.2.jar"
)

func zooKeeperTarget() (*target, error) {
	java, err := exec.LookPath("java")
	if err == nil {
		_, err = os.Stat(zooKeeperJar)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w; `apt-get install zookeeper default-jre-headless` brings ZooKeeper", errNoTarget, err)
	}
	const logging = "log4j.rootLogger=INFO, CONSOLE\nlog4j.appender.CONSOLE=org.apache.log4j.ConsoleAppender\n" +
		"log4j.appender.CONSOLE.layout=org.apache.log4j.PatternLayout\n" +
		"log4j.appender.CONSOLE.layout.ConversionPattern=%d{ISO8601} %-5p %c: %m%n\n"
	return &target{
		name: "zookeeper", unequal: []string{messages.ConfigPath},
		command: func(home, config string) ([]string, error) {
			if err := os.WriteFile(filepath.Join(home, "log4j.properties"), []byte(logging), 0o644); err != nil {
				return nil, fmt.Errorf("write the logging configuration: %w", err)
			}
			classes := home + ":" + zooKeeperJar + ":" + zooKeeperLogJars
			return []string{
				java, "-Xmx512m", "-Dzookeeper.jmx.log4j.disable=true", "-cp", classes,
				"org.apache.zookeeper.server.quorum.QuorumPeerMain", config,
			}, nil
		},
	}, nil
}
