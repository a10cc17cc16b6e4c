package persistence

import (
	"strings"
	"testing"
)

func TestNoticeCounts(t *testing.T) {
	for intact, want := range map[int]string{0: "no whole record,", 1: "1 whole record,", 2: "2 whole records,"} {
		if text := (Notice{File: "f", Bytes: 1, Intact: intact}).String(); !strings.Contains(text, ": 1 byte with "+want) {
			t.Errorf("%d: %q", intact, text)
		}
	}
}

// TestRemedyIsOneShellWord lets the command be pasted whatever the folder is called.
func TestRemedyIsOneShellWord(t *testing.T) {
	for file, want := range map[string]string{
		"/var/lib/troupe/log.1":  "--cut /var/lib/troupe/log.1@64",
		"/my data/log.1":         "--cut '/my data/log.1@64'",
		"/it's $HOME/log.1":      `--cut '/it'\''s $HOME/log.1@64'`,
		"/daten/größe;rm/log.1":  "--cut '/daten/größe;rm/log.1@64'",
		"~x/log.1":               "--cut '~x/log.1@64'",
		"/a-b_c+d:e%f,g=h/log.1": "--cut /a-b_c+d:e%f,g=h/log.1@64",
	} {
		if text := CutRemedy(file, 64); !strings.HasSuffix(text, " "+want) {
			t.Errorf("%s: %q", file, text)
		}
	}
}
