package server

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// disk stands for the file system: path → text.
type configDisk map[string]string

func (d configDisk) read(path string) ([]byte, error) {
	if text, ok := d[path]; ok {
		return []byte(text), nil
	}
	return nil, fmt.Errorf("open %s: %w", path, fs.ErrNotExist)
}

// load reads text as the file zoo.cfg, or starts without a file when text is "-".
func loadText(text string, files configDisk, env []string, flags map[string]string) (*Config, []Warning, error) {
	in := configInput{path: "zoo.cfg", text: []byte(text), env: env, flags: flags, readFile: files.read}
	if text == "-" {
		in.path, in.text = "", nil
	}
	return loadConfig(in)
}

// TestConfigScenarios plays the files in testdata/config. Commands:
//
//	file name=<path>      the input becomes a file on the disk of the scenario
//	load [cfg=<file>] [none] [env=(A=b,…)] [flag=(k=v,…)] [sets]
//	                      reads the input as zoo.cfg, prints the settings that a source gave, the warnings, the problems
func TestConfigScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/config/scenarios", func(t *testing.T, path string) {
		files := configDisk{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "file":
				var name string
				d.ScanArgs(t, "name", &name)
				files[name] = d.Input
				return ""
			case "load":
				return playLoad(t, d, files)
			}
			t.Fatalf("unknown command %q", d.Cmd)
			return ""
		})
	})
}

func playLoad(t *testing.T, d *datadriven.TestData, files configDisk) string {
	text := d.Input
	var env []string
	flags := map[string]string{}
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "cfg":
			data, err := os.ReadFile(filepath.Join("testdata/config", arg.Vals[0]))
			if err != nil {
				t.Fatal(err)
			}
			text = string(data)
		case "none":
			text = "-"
		case "env":
			env = append(env, arg.Vals...)
		case "flag":
			for _, pair := range arg.Vals {
				k, v, _ := strings.Cut(pair, "=")
				flags[k] = v
			}
		}
	}
	// Blanks can't stand inside the arguments of a command.
	for i := range env {
		env[i] = strings.ReplaceAll(env[i], "~", " ")
	}
	c, warnings, err := loadText(text, files, env, flags)
	var b strings.Builder
	if c != nil {
		for _, s := range c.Settings() {
			if s.Source != "default" {
				fmt.Fprintf(&b, "%s = %s (%s)\n", s.Key, s.Value, s.Source)
			}
		}
		fmt.Fprintf(&b, "clients at %s, ensemble %v, id %d\n", c.ClientListen(), c.Ensemble.Distributed(), c.Ensemble.MyID)
		if len(c.Ensemble.Membership.Members) > 0 {
			b.WriteString(c.Ensemble.Membership.String() + "\n")
		}
	}
	for _, w := range warnings {
		b.WriteString("warning: " + w.String() + "\n")
	}
	if err != nil {
		b.WriteString(err.Error() + "\n")
	}
	return b.String()
}

func TestDefaultsAreSafe(t *testing.T) {
	c := DefaultConfig()
	if got := c.ClientListen(); got != "127.0.0.1:2181" {
		t.Errorf("without a file the server listens on %q, want loopback", got)
	}
	if c.Data.Dir == "" || c.Data.LogDir != c.Data.Dir {
		t.Errorf("data in %q, log in %q; want one named folder", c.Data.Dir, c.Data.LogDir)
	}
	if c.Purge.Interval != time.Hour || c.Purge.RetainCount != 3 {
		t.Errorf("purging every %v keeps %d, want 1h and 3", c.Purge.Interval, c.Purge.RetainCount)
	}
	if !c.Admin.Enabled || c.Admin.Address != "127.0.0.1" || c.Admin.Port != 8080 {
		t.Errorf("admin server %+v, want 127.0.0.1:8080", c.Admin)
	}
	if !c.Nodes.ExtendedTypes || !c.Log.ForceSync || c.Access.SkipACL || c.Metrics.Enabled {
		t.Error("extended types and fsync must be on, skipACL and the metrics port off")
	}
	if c.Session.Tick != 2*time.Second || c.Session.MinTimeout != 4*time.Second || c.Session.MaxTimeout != 40*time.Second {
		t.Errorf("session times %+v, want 2s, 4s, 40s", c.Session)
	}
	if c.Limits.FrameMax != 1048575 || c.Log.PreAllocSize != 64<<20 || c.Data.SnapSizeLimit != 4<<30 {
		t.Error("sizes must be bytes")
	}
	if c.Ensemble.Distributed() {
		t.Error("the default server must be standalone")
	}
}

// TestFileDefaultsFollowZooKeeper pins what a file changes by its mere presence.
func TestFileDefaultsFollowZooKeeper(t *testing.T) {
	c, warnings, err := loadText("dataDir=/d\nclientPort=2181\n", nil, nil, nil)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("warnings %v, error %v", warnings, err)
	}
	if got := c.ClientListen(); got != ":2181" {
		t.Errorf("listens on %q, want all interfaces", got)
	}
	if c.Session.Tick != 3*time.Second || c.Session.MaxTimeout != time.Minute {
		t.Errorf("tick %v, longest session %v; want 3s, 1m", c.Session.Tick, c.Session.MaxTimeout)
	}
	if c.Admin.Address != "127.0.0.1" || c.Purge.Interval != time.Hour || !c.Nodes.ExtendedTypes {
		t.Error("the safe defaults must stay with a file")
	}
}

func TestTranscriptProfile(t *testing.T) {
	c, warnings, err := loadText(`tickTime=500
dataDir=/d
clientPort=0
4lw.commands.whitelist=*
extendedTypesEnabled=true
znode.container.checkIntervalMs=500
enforceQuota=true
maxClientCnxns=0
zookeeper.DigestAuthenticationProvider.superDigest=super:lK75jTNcA+U9vtVEw5vB51mj/w4=
`, nil, nil, nil)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("warnings %v, error %v", warnings, err)
	}
	if c.Session.MinTimeout != time.Second || c.Session.MaxTimeout != 10*time.Second ||
		c.Nodes.ContainerInterval != 500*time.Millisecond || !c.Nodes.EnforceQuota || c.Client.MaxPerIP != 0 ||
		!c.Admin.FourLetterAllowed("wchp") || c.Access.SuperDigest != "super:lK75jTNcA+U9vtVEw5vB51mj/w4=" ||
		c.ClientListen() != ":0" {
		t.Errorf("profile not taken over: %+v", c)
	}
	if strings.Contains(c.Text, "lK75") {
		t.Error("the text for the admin server shows the super digest")
	}
}

func TestLoadConfigReadsDisk(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("myid", "2\n")
	dynamic := write("zoo.cfg.dynamic.1a", "server.1=a:1:2;3\nserver.2=b:1:2;4\nserver.3=c:1:2;5\n")
	main := write("zoo.cfg", "initLimit=5\nsyncLimit=2\ndataDir="+dir+"\ndynamicConfigFile="+dynamic+"\n")
	c, warnings, err := LoadConfig(main, nil, nil)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("warnings %v, error %v", warnings, err)
	}
	if c.Ensemble.Membership.Version != 0x1a || c.Ensemble.MyID != 2 || c.Client.Port != 4 || !c.Ensemble.Distributed() {
		t.Errorf("got %+v at port %d", c.Ensemble, c.Client.Port)
	}
	if _, _, err := LoadConfig(filepath.Join(dir, "absent.cfg"), nil, nil); err == nil ||
		!strings.Contains(err.Error(), "absent.cfg does not exist") {
		t.Errorf("a missing file gives %v", err)
	}
	big := write("big.cfg", strings.Repeat("#\n", configFileMax))
	if _, _, err := LoadConfig(big, nil, nil); err == nil || !strings.Contains(err.Error(), "larger than allowed") {
		t.Errorf("a huge file gives %v", err)
	}
}
