package tree

import (
	"testing"
)

func (d *desk) data(path, want string) {
	d.Helper()
	if got := string(d.node(path).Data()); got != want {
		d.Errorf("%s: %q, want %q", path, got, want)
	}
}

// TestQuotaStatistics follows what a ZooKeeper showed step by step.
func TestQuotaStatistics(t *testing.T) {
	const stats = "/zookeeper/quota/q/zookeeper_stats"
	d := newDesk(t)
	d.create("/q", "")
	d.create("/q/a", "12345")
	d.create("/zookeeper/quota/q", "")
	d.create("/zookeeper/quota/q/zookeeper_limits", "count=100,bytes=1000")
	d.create(stats, "count=0,bytes=0")
	d.data(stats, "count=2,bytes=5")
	made := d.node(stats).Stat()
	d.create("/q/a/b", "xyz")
	d.data(stats, "count=3,bytes=8")
	if len(d.out.Changes) != 1 {
		t.Error("statistics must not fire watches")
	}
	d.set("/q/a", "1")
	d.create("/q/e", "")
	d.data(stats, "count=4,bytes=4")
	d.remove("/q/a/b")
	d.set("/q", "base")
	d.data(stats, "count=3,bytes=5")
	d.data("/zookeeper/quota/q/zookeeper_limits", "count=100,bytes=1000")
	if st := d.node(stats).Stat(); st != made {
		t.Errorf("the stat has changed from %+v to %+v", made, st)
	}
	d.create("/other", "not counted")
	d.data(stats, "count=3,bytes=5")
	d.remove("/zookeeper/quota/q/zookeeper_limits")
	d.create("/q/z", "1")
	d.data(stats, "count=3,bytes=5")
	if _, ok := d.Quota("/q/z"); ok {
		t.Error("a quota without limits")
	}
}

func TestQuotaLookup(t *testing.T) {
	d := newDesk(t)
	for _, p := range []string{"/a", "/a/b", "/a/b/c", "/zookeeper/quota/a", "/zookeeper/quota/a/b", "/zookeeper/quota/gone"} {
		d.create(p, "")
	}
	if _, ok := d.Quota("/a"); ok {
		t.Error("a quota where there are none")
	}
	d.create("/zookeeper/quota/a/zookeeper_limits", "count=-1,bytes=7=;byteHardLimit=10;countHardLimit=3")
	if _, ok := d.Quota("/a"); ok {
		t.Error("a quota without statistics")
	}
	d.create("/zookeeper/quota/a/zookeeper_stats", "")
	d.create("/zookeeper/quota/a/b/zookeeper_limits", "count=2")
	d.create("/zookeeper/quota/a/b/zookeeper_stats", "")
	d.create("/zookeeper/quota/zookeeper_limits", "count=1") // on the root: without effect
	d.create("/zookeeper/quota/gone/zookeeper_stats", "")
	d.data("/zookeeper/quota/gone/zookeeper_stats", "count=0,bytes=0")
	for path, want := range map[string]Quota{
		"/a":       {Root: "/a", Count: -1, Bytes: 7, CountHard: 3, BytesHard: 10, UsedCount: 3},
		"/a/x/y":   {Root: "/a", Count: -1, Bytes: 7, CountHard: 3, BytesHard: 10, UsedCount: 3},
		"/a/b":     {Root: "/a/b", Count: 2, Bytes: -1, CountHard: -1, BytesHard: -1, UsedCount: 2},
		"/a/b/c/d": {Root: "/a/b", Count: 2, Bytes: -1, CountHard: -1, BytesHard: -1, UsedCount: 2},
	} {
		if q, ok := d.Quota(path); !ok || q != want {
			t.Errorf("%s: %+v %v, want %+v", path, q, ok, want)
		}
	}
	for _, path := range []string{"/", "/ab", "/zookeeper/quota/a"} {
		if q, ok := d.Quota(path); ok {
			t.Errorf("%s: %+v", path, q)
		}
	}
	d.create("/a/b/n", "1234") // counts for the deepest quota alone
	d.data("/zookeeper/quota/a/b/zookeeper_stats", "count=3,bytes=4")
	d.data("/zookeeper/quota/a/zookeeper_stats", "count=3,bytes=0")
}

func TestQuotaFormat(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "count=-1,bytes=-1",
		"bytes=5,count=3":          "count=3,bytes=5",
		"count=3,bytes=":           "count=3,bytes=-1",
		"count=x;;bytes=9":         "count=-1,bytes=9",
		"nonsense":                 "count=-1,bytes=-1",
		"count=1,bytes=2=;b=3;a=4": "count=1,bytes=2=;a=4;b=3",
		"count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=-1": "count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=-1",
	} {
		if got := string(parseQuota([]byte(in)).encode()); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
