package transcript

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// TestDecodeEveryRecordedFrame compares what decode makes of each recorded frame with the recorder's own view of it.
func TestDecodeEveryRecordedFrame(t *testing.T) {
	scenarios, err := Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	frames := 0
	for _, s := range scenarios {
		for i := range s.Events {
			e := &s.Events[i]
			if e.Do != "recv" {
				continue
			}
			frames++
			b, err := e.frame()
			if err != nil {
				t.Fatalf("%s event %d: %v", s.Name, e.Index, err)
			}
			got, err := decode(e.As, b)
			if err != nil {
				t.Errorf("%s event %d: %v", s.Name, e.Index, err)
				continue
			}
			if text := normal(t, got); text != normal(t, e.Fields) {
				t.Errorf("%s event %d:\ndecoded  %s\nrecorded %s", s.Name, e.Index, text, normal(t, e.Fields))
			}
			if diffs := newBindings().compare(got, got, nil); len(diffs) > 0 {
				t.Errorf("%s event %d differs from itself: %v", s.Name, e.Index, diffs)
			}
		}
	}
	if len(scenarios) < 140 || frames < 1300 {
		t.Errorf("only %d scenarios with %d frames: recordings are missing", len(scenarios), frames)
	}
}

// normal is a value as JSON with its fields by name and its numbers digit by digit.
func normal(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var back any
	if err := d.Decode(&back); err != nil {
		t.Fatal(err)
	}
	if text, err = json.Marshal(back); err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDecodeRefusesBrokenFrames(t *testing.T) {
	const ping = "00000010" + "fffffffe" + "00000000000005c2" + "00000000"
	for name, c := range map[string]struct{ as, frame, want string }{
		"left over":       {"reply:ping", strings.Replace(ping, "00000010", "00000011", 1) + "00", "1 bytes are left over"},
		"too short":       {"reply:ping", "00000008" + "fffffffe" + "00000000", "are missing"},
		"wrong length":    {"reply:ping", strings.Replace(ping, "00000010", "00000012", 1), "says 18 bytes and has 16"},
		"string too long": {"reply:create", "00000014" + "0000000100000000000005c200000000" + "0000000a", "are missing"},
		"negative string": {"reply:create", "00000014" + "0000000100000000000005c200000000" + "fffffffe", "are missing"},
		"unknown result":  {"reply:multi", "00000019" + "0000000100000000000005c200000000" + "0000006300" + "00000000", "unknown type 99"},
	} {
		b, err := hex.DecodeString(c.frame)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decode(c.as, b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

// TestRules plays pairs of recorded and actual values, one after the other with the same bindings; only the last one of
// each case may differ.
func TestRules(t *testing.T) {
	now := time.Now().UnixMilli()
	password := func(digit string) string { return "x:" + strings.Repeat(digit, 32) }
	type step struct {
		recorded, actual any
		rule             string
	}
	n := func(rule string, pairs ...int64) (steps []step) {
		for i := 0; i < len(pairs); i += 2 {
			steps = append(steps, step{pairs[i], pairs[i+1], rule})
		}
		return steps
	}
	for name, c := range map[string]struct {
		steps []step
		ok    bool
	}{
		"zxid order kept":           {n("zxid", 10, 500, 12, 501, 10, 500), true},
		"zxid order broken":         {n("zxid", 10, 500, 12, 499), false},
		"equal zxids differ":        {n("zxid", 10, 500, 10, 501), false},
		"different zxids equal":     {n("zxid", 10, 500, 11, 500), false},
		"zxid 0 is exact":           {n("zxid", 0, 7), false},
		"read not older":            {append(n("zxid", 10, 500), step{int64(11), int64(777), "zxid:reply"}), true},
		"read older than seen":      {append(n("zxid", 10, 500), step{int64(10), int64(499), "zxid:reply"}), false},
		"write not after a read":    {append(n("zxid:reply", 10, 500), step{int64(11), int64(500), "zxid"}), false},
		"event with -1":             {n("zxid:event", -1, -1), true},
		"event with a zxid":         {n("zxid:event", -1, 12), true},
		"event with 0":              {n("zxid:event", -1, 0), false},
		"time near now":             {n("time", 5, now), true},
		"time long ago":             {n("time", 5, now-3_600_000), false},
		"session twice":             {n("sid", 5, 77, 6, 78, 5, 77), true},
		"session changed":           {n("sid", 5, 77, 5, 78), false},
		"two sessions are one":      {n("sid", 5, 77, 6, 77), false},
		"no owner":                  {n("sid", 0, 77), false},
		"password kept":             {[]step{{password("1"), password("2"), "passwd"}, {password("1"), password("2"), "passwd"}}, true},
		"password changed":          {[]step{{password("1"), password("2"), "passwd"}, {password("1"), password("3"), "passwd"}}, false},
		"password zero":             {[]step{{password("1"), password("0"), "passwd"}}, false},
		"null password":             {[]step{{password("1"), nil, "passwd"}}, false},
		"set in another order":      {[]step{{[]any{"a", "b"}, []any{"b", "a"}, "set"}}, true},
		"set with another":          {[]step{{[]any{"a", "b"}, []any{"b", "b"}, "set"}}, false},
		"null is not empty":         {[]step{{"x:", nil, ""}}, false},
		"list in another order":     {[]step{{[]any{"a", "b"}, []any{"b", "a"}, ""}}, false},
		"a rule that nobody knows":  {n("moon", 1, 1), false},
		"anything goes":             {n("any", 1, 2), true},
		"a number and nothing else": {[]step{{int64(1), "1", "zxid"}}, false},
	} {
		bound := newBindings()
		for i, s := range c.steps {
			diffs := bound.compare(object{"v": s.recorded}, object{"v": s.actual}, map[string]string{"v": s.rule})
			if want := c.ok || i < len(c.steps)-1; (len(diffs) == 0) != want {
				t.Errorf("%s, step %d: differences %q", name, i+1, diffs)
			}
		}
	}
}

// TestStatTimes holds what the times of a Stat must fulfil although each of them may vary.
func TestStatTimes(t *testing.T) {
	now := time.Now().UnixMilli()
	rules := map[string]string{"czxid": "zxid", "mzxid": "zxid", "ctime": "time", "mtime": "time"}
	stat := func(czxid, mzxid, ctime, mtime int64) object {
		return object{"czxid": czxid, "mzxid": mzxid, "ctime": ctime, "mtime": mtime}
	}
	bound := newBindings()
	for i, c := range []struct {
		recorded, actual object
		ok               bool
	}{
		{stat(10, 10, 1, 1), stat(50, 50, now, now), true},
		{stat(11, 11, 1, 1), stat(51, 51, now, now+1), false},
		{stat(10, 12, 1, 1), stat(50, 52, now, now+2), true},
		{stat(10, 12, 1, 1), stat(50, 52, now+1, now+2), false},
	} {
		if diffs := bound.clone().compare(c.recorded, c.actual, rules); (len(diffs) == 0) != c.ok {
			t.Errorf("step %d: differences %q", i+1, diffs)
		}
		bound.compare(c.recorded, c.actual, rules)
	}
}

func TestLinesAndKeys(t *testing.T) {
	r := &run{token: "gabcdef"}
	for name, c := range map[string]struct {
		event  Event
		answer string
		ok     bool
	}{
		"exact":           {Event{Match: "exact", Text: "imok"}, "imok", true},
		"not exact":       {Event{Match: "exact", Text: "imok"}, "imok\n", false},
		"lines":           {Event{Match: "lines", Want: []string{`a: \d+`, "*:x.*", "b"}}, "a: 5\nx1\nx2\nb\n", true},
		"no lines of any": {Event{Match: "lines", Want: []string{`a: \d+`, "*:x.*", "b"}}, "a: 5\nb", true},
		"half a line":     {Event{Match: "lines", Want: []string{`a`}}, "ab\n", false},
		"a line too much": {Event{Match: "lines", Want: []string{`a`}}, "a\nb\n", false},
		"a line missing":  {Event{Match: "lines", Want: []string{`a`, "b"}}, "a\n", false},
		"an empty line":   {Event{Match: "lines", Want: []string{`a`, ""}}, "a\n\n", true},
		"keys":            {Event{Match: "keys", Want: []string{"k\t", "/gx00000_a"}}, "x\nk\t1\n/gabcdef_a\n", true},
		"a key missing":   {Event{Match: "keys", Want: []string{"k\t"}}, "x k\t1\n", false},
		"another match":   {Event{Match: "moon"}, "", false},
	} {
		if err := r.judge(&c.event, c.answer); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
