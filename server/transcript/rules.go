package transcript

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// clockSkew is how far a server's times may be from this machine's: the tests run on it.
const clockSkew = time.Minute

// bindings are what the values of the recording have become in this run.
type bindings struct {
	zxids     map[int64]int64 // of transactions
	answers   []pair          // zxids of reads and failed writes
	sessions  map[int64]int64
	passwords map[string]string
	times     map[moment]int64
}

// moment is "ctime" or "mtime" and the zxid of the transaction that set it.
type moment struct {
	field string
	zxid  any
}

type pair struct{ recorded, actual int64 }

func newBindings() *bindings {
	return &bindings{
		zxids: map[int64]int64{0: 0}, sessions: map[int64]int64{0: 0}, passwords: map[string]string{}, times: map[moment]int64{},
	}
}

func (b *bindings) clone() *bindings {
	return &bindings{
		zxids: maps.Clone(b.zxids), sessions: maps.Clone(b.sessions), passwords: maps.Clone(b.passwords),
		answers: slices.Clone(b.answers), times: maps.Clone(b.times),
	}
}

// zxidHere is what a recorded zxid is in this run. One that no server will reach stands for itself.
func (b *bindings) zxidHere(recorded int64) (int64, bool) {
	if recorded >= farAhead {
		return recorded, true
	}
	if actual, ok := b.zxids[recorded]; ok {
		return actual, true
	}
	for _, p := range slices.Backward(b.answers) {
		if p.recorded == recorded {
			return p.actual, true
		}
	}
	return 0, false
}

// farAhead is the zxid of an epoch that nobody lives to see.
const farAhead = 1 << 56

// comparison is one frame against its recording.
type comparison struct {
	*bindings
	rules map[string]string
	diffs []string
}

// compare notes in b what the frame binds and lists what is different.
func (b *bindings) compare(recorded, actual object, rules map[string]string) []string {
	c := &comparison{bindings: b, rules: rules}
	c.value("", recorded, actual)
	return c.diffs
}

func (c *comparison) differ(path, format string, args ...any) {
	c.diffs = append(c.diffs, path+": "+fmt.Sprintf(format, args...))
}

func (c *comparison) value(path string, recorded, actual any) {
	if rule := c.rules[path]; rule != "" {
		c.ruled(rule, path, recorded, actual)
		return
	}
	switch r := recorded.(type) {
	case object:
		a, ok := actual.(object)
		if !ok {
			c.differ(path, "expected %s, got %s", show(recorded), show(actual))
			return
		}
		c.fields(path, r, a)
	case []any:
		a, ok := actual.([]any)
		if !ok || len(a) != len(r) {
			c.differ(path, "expected %s, got %s", show(recorded), show(actual))
			return
		}
		for i := range r {
			c.value(join(path, strconv.Itoa(i)), r[i], a[i])
		}
	default:
		if recorded != actual {
			c.differ(path, "expected %s, got %s", show(recorded), show(actual))
		}
	}
}

func (c *comparison) fields(path string, r, a object) {
	names := slices.Sorted(maps.Keys(r))
	for name := range a {
		if _, known := r[name]; !known {
			c.differ(join(path, name), "not expected, got %s", show(a[name]))
		}
	}
	for _, name := range names {
		got, ok := a[name]
		if !ok {
			c.differ(join(path, name), "expected %s, got nothing", show(r[name]))
			continue
		}
		c.value(join(path, name), r[name], got)
	}
	if _, isStat := r["mzxid"]; isStat {
		c.statTimes(path, r, a)
	}
}

// statTimes holds what is true of times that may vary: a transaction has one time, and the node that it made, or that it
// was the last to change, bears it. So a node that was never changed has one time.
func (c *comparison) statTimes(path string, r, a object) {
	timed := c.rules[join(path, "mtime")] == "time" && c.rules[join(path, "ctime")] == "time"
	if timed && r["mzxid"] == r["czxid"] && a["mtime"] != a["ctime"] {
		c.differ(join(path, "mtime"), "the node was never changed, but its times are %v and %v", a["ctime"], a["mtime"])
	}
	for field, zxid := range map[string]string{"ctime": "czxid", "mtime": "mzxid"} {
		if c.rules[join(path, field)] != "time" {
			continue
		}
		m := moment{field, a[zxid]}
		at, _ := a[field].(int64)
		if before, known := c.times[m]; known && before != at {
			c.differ(join(path, field), "zxid %v had the time %d before, and %d now", a[zxid], before, at)
		}
		c.times[m] = at
	}
}

func (c *comparison) ruled(rule, path string, recorded, actual any) {
	switch rule {
	case "any":
		return
	case "set":
		c.set(path, recorded, actual)
		return
	case "passwd":
		c.password(path, recorded, actual)
		return
	}
	r, isNumber := recorded.(int64)
	a, ok := actual.(int64)
	if !ok || !isNumber {
		c.differ(path, "expected a number as %s, got %s", show(recorded), show(actual))
		return
	}
	switch rule {
	case "zxid":
		c.zxid(path, r, a)
	case "zxid:reply":
		c.answer(path, r, a)
	case "zxid:event":
		if a != -1 && a <= 0 {
			c.differ(path, "expected -1 or a zxid, got %d", a)
		}
	case "time":
		c.time(path, r, a)
	case "sid":
		c.session(path, r, a)
	default:
		c.differ(path, "the recording has a rule %q that nobody knows", rule)
	}
}

// zxid demands the order of the recording.
func (c *comparison) zxid(path string, r, a int64) {
	if r == 0 || r == -1 {
		if a != r {
			c.differ(path, "expected exactly %d, got %d", r, a)
		}
		return
	}
	for recorded, actual := range c.zxids {
		if cmp.Compare(r, recorded) != cmp.Compare(a, actual) {
			c.differ(path, "zxid %d was recorded as %d; the recorded %d was %d here, which is another order", a, r, recorded, actual)
			return
		}
	}
	for _, p := range c.answers {
		if r > p.recorded && a <= p.actual {
			c.differ(path, "zxid %d is not after %d, which an earlier answer had seen", a, p.actual)
			return
		}
	}
	c.zxids[r] = a
}

// answer is the zxid of a read or a failed write: everything that the recording had seen by then, and nothing of what
// came later.
func (c *comparison) answer(path string, r, a int64) {
	if r == 0 || r == -1 {
		c.zxid(path, r, a)
		return
	}
	for recorded, actual := range c.zxids {
		if (recorded <= r && actual > a) || (recorded > r && actual <= a) {
			c.differ(path, "zxid %d was recorded as %d; the recorded %d was %d here, which is another order", a, r, recorded, actual)
			return
		}
	}
	c.answers = append(c.answers, pair{r, a})
}

func (c *comparison) time(path string, r, a int64) {
	if r == 0 {
		if a != 0 {
			c.differ(path, "expected exactly 0, got %d", a)
		}
		return
	}
	if now := time.Now().UnixMilli(); a < now-clockSkew.Milliseconds() || a > now+clockSkew.Milliseconds() {
		c.differ(path, "expected a time near now (%d), got %d", now, a)
	}
}

// session demands a one-to-one mapping.
func (c *comparison) session(path string, r, a int64) {
	before, known := c.sessions[r]
	if known {
		if before != a {
			c.differ(path, "expected session %#x (recorded %#x), got %#x", before, r, a)
		}
		return
	}
	for recorded, actual := range c.sessions {
		if actual == a {
			c.differ(path, "expected a session of its own, got %#x, which is the recorded %#x", a, recorded)
			return
		}
	}
	c.sessions[r] = a
}

func (c *comparison) password(path string, recorded, actual any) {
	r, _ := recorded.(string)
	a, _ := actual.(string)
	zeros := "x:" + strings.Repeat("00", 16)
	before, known := c.passwords[r]
	switch {
	case len(a) != len(zeros):
		c.differ(path, "expected 16 bytes, got %s", show(actual))
	case (r == zeros) != (a == zeros):
		c.differ(path, "expected %s, got %s", show(recorded), show(actual))
	case known && before != a:
		c.differ(path, "the session's password was %s and is %s now", before, a)
	}
	c.passwords[r] = a
}

// set compares lists whose order is free.
func (c *comparison) set(path string, recorded, actual any) {
	r, _ := recorded.([]any)
	a, ok := actual.([]any)
	sorted := func(list []any) []string {
		texts := make([]string, len(list))
		for i := range list {
			texts[i] = show(list[i])
		}
		slices.Sort(texts)
		return texts
	}
	if !ok || !slices.Equal(sorted(r), sorted(a)) {
		c.differ(path, "expected in any order %s, got %s", show(recorded), show(actual))
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// show is a value as JSON, which has its fields by name.
func show(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(text) > 2000 {
		return fmt.Sprintf("%s… (%d bytes)", text[:2000], len(text))
	}
	return string(text)
}
