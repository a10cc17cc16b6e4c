package server

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

func TestProperties(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a=1", "1:a=1"},
		{"a = 1  ", "1:a=1"},
		{"a:1", "1:a=1"},
		{"a 1", "1:a=1"},
		{"a\t: 1", "1:a=1"},
		{"a==1", "1:a==1"},
		{"a=b:c d", "1:a=b:c d"},
		{"a", "1:a="},
		{"\n\n  # c\n ! c\na=1", "5:a=1"},
		{"a=1\r\nb=2\rc=3", "1:a=1 2:b=2 3:c=3"},
		{"a=1\\\n   ,2\\\n,3\nb=2", "1:a=1,2,3 4:b=2"},
		{"a=1\\\n# no comment", "1:a=1# no comment"},
		{`a=1\\` + "\nb=2", `1:a=1\ 2:b=2`},
		{`a=C:\\data\ttab`, "1:a=C:\\data\ttab"},
		{`a\=b\:c\ d=1`, "1:a=b:c d=1"},
		{`a=\u0041\u00e9\ud83d\ude00`, "1:a=Aé😀"},
		{`a=\ud83dx`, "1:a=\uFFFDx"},
		{"\xef\xbb\xbfa=1", "1:a=1"},
		{"a=1\\", "1:a=1"},
		{"=1", "1:=1"},
		{`a=\`, "1:a="},
	} {
		entries, problems := parseProperties("f", []byte(c.text))
		var got []string
		for _, e := range entries {
			got = append(got, fmt.Sprintf("%d:%s=%s", e.origin.line, e.key, e.value))
		}
		if text := strings.Join(got, " "); text != c.want || len(problems) > 0 {
			t.Errorf("%q: got %q, want %q; problems %v", c.text, text, c.want, problems)
		}
	}
	for _, text := range []string{`a=\u12`, `a=\u12g4`, `\u=1`, `a=\u+123`} {
		if _, problems := parseProperties("f", []byte(text)); len(problems) != 1 || problems[0].Source != "f:1" {
			t.Errorf("%q: problems %v, want one at f:1", text, problems)
		}
	}
}

func TestRedactedText(t *testing.T) {
	text := "tickTime=1\nssl.keyStore.password=\\\n  hunter2\nzookeeper.DigestAuthenticationProvider.superDigest = super:hunter2\n" +
		"my.secret=hunter2\nend=1"
	entries, _ := parseProperties("f", []byte(text))
	got := redactText([]byte(text), entries)
	if strings.Contains(got, "hunter2") || !strings.Contains(got, "tickTime=1\n") || !strings.HasSuffix(got, "end=1") {
		t.Errorf("got %q", got)
	}
}

func TestDynamicNames(t *testing.T) {
	name := DynamicName("/etc/zoo.cfg", 0x100000003)
	if name != "/etc/zoo.cfg.dynamic.100000003" {
		t.Errorf("got %s", name)
	}
	if v, ok := DynamicVersion(name); !ok || v != 0x100000003 {
		t.Errorf("version %x, %v", v, ok)
	}
	for _, name := range []string{"zoo.cfg.dynamic", "zoo.cfg", "zoo.cfg.dynamic.next", "zoo.cfg.dynamic.-1"} {
		if v, ok := DynamicVersion(name); ok {
			t.Errorf("%s: version %x, want none", name, v)
		}
	}
}

// FuzzParseConfig feeds any bytes as the file, a variable and a dynamic file. Nothing may panic; a configuration that is
// accepted must hold what the rest of the server relies on.
func FuzzParseConfig(f *testing.F) {
	for _, seed := range []string{
		"dataDir=/d\nclientPort=2181\n", "a=\\\n", "\\u0041=1", "server.1=[::1]:1:2:observer;[::1]:3\ndataDir=/d",
		"group.1=1:2\nweight.1=3\nserver.1=a:1:2|b:1:2;3", "dynamicConfigFile=x.dynamic.1\ndataDir=/d\nclientPort=0",
		"dataDir=/d\nclientPort=1\njute.maxbuffer=0x7fffffff\ntickTime=2147483647\nminSessionTimeout=-1",
		"-Dzookeeper.snapCount=1 '", "server.1=|", "server.1=;", "ssl.password=x\\\ny",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<16 {
			return
		}
		read := func(path string) ([]byte, error) {
			if strings.HasSuffix(path, "/myid") {
				return nil, fs.ErrNotExist
			}
			return text, nil
		}
		env := []string{"JVMFLAGS=" + string(text), "ZOO_SERVERS=" + string(text), "TROUPE_" + string(text)}
		for _, env := range [][]string{nil, env} {
			c, _, err := loadConfig(configInput{path: "zoo.cfg", text: text, env: env, readFile: read})
			if (c == nil) == (err == nil) {
				t.Fatalf("configuration %v together with error %v", c, err)
			}
			if c == nil {
				continue
			}
			if c.Data.Dir == "" || c.Session.Tick <= 0 || c.Session.MinTimeout > c.Session.MaxTimeout ||
				c.Limits.FrameMax <= 0 || c.ClientListen() == "" || len(c.Ensemble.Membership.Members) > messages.MaxServerID+1 {
				t.Fatalf("accepted but unusable: %+v", c)
			}
			for _, s := range c.Settings() {
				if s.Key == "" {
					t.Fatal("a setting without a name")
				}
			}
			_ = c.Ensemble.Membership.String()
		}
	})
}
