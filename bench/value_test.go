package bench

import (
	"testing"

	"pgregory.net/rapid"
)

func TestPathsAreFixedWidthAndDistinct(t *testing.T) {
	k := Keyspace{Root: "/bench", Count: KeysMax, ValueBytes: 100}
	for key, want := range map[uint32]string{
		0: "/bench/0000/00000000", 999: "/bench/0000/00000999", 1000: "/bench/0001/00001000",
		KeysMax - 1: "/bench/9999/09999999",
	} {
		if got := k.Path(key); got != want || len(got) != k.pathBytes() {
			t.Errorf("key %d: got %s, want %s", key, got, want)
		}
	}
	if got := k.Dirs(); got != 10_000 || k.Dir(got-1) != "/bench/9999" {
		t.Errorf("%d directories, the last is %s", got, k.Dir(got-1))
	}
	if got := (Keyspace{Count: 1001}).Dirs(); got != 2 {
		t.Errorf("1001 keys take %d directories, want 2", got)
	}
}

// A value is accepted for its own key and size, and for nothing else.
func TestCheckValueFindsAnyDamage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.Uint32Range(0, KeysMax-1).Draw(t, "key")
		seq := rapid.Uint64().Draw(t, "seq")
		size := rapid.IntRange(0, 3000).Draw(t, "size")
		v := appendValue(nil, key, seq, size)
		if err := checkValue(v, key, size); err != nil {
			t.Fatalf("own value refused: %v", err)
		}
		if checkValue(v, key, size+1) == nil {
			t.Fatal("another size was accepted")
		}
		if size < valueHeadBytes {
			return
		}
		if checkValue(v, key+1, size) == nil {
			t.Fatal("another key was accepted")
		}
		// The number of the write is the seed of the rest, so any of its
		// higher bytes may be anything; everything else is checked.
		at := rapid.IntRange(0, size-1).Draw(t, "at")
		if at > valueKeyBytes && at < valueHeadBytes || at == valueKeyBytes && size == valueHeadBytes {
			return
		}
		v[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
		if checkValue(v, key, size) == nil {
			t.Fatalf("byte %d of %d was changed unnoticed", at, size)
		}
	})
}

func TestLargeValuesRepeatThePattern(t *testing.T) {
	v := appendValue(nil, 7, 200, 3*patternBytes+5)
	if err := checkValue(v, 7, 3*patternBytes+5); err != nil {
		t.Error(err)
	}
}

func TestKeyspaceValidate(t *testing.T) {
	good := Keyspace{Root: "/bench", Count: 1, ValueBytes: 0}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for _, bad := range []Keyspace{
		{Root: "", Count: 1}, {Root: "/", Count: 1}, {Root: "x", Count: 1}, {Root: "/x/", Count: 1},
		{Root: "/x", Count: 0}, {Root: "/x", Count: KeysMax + 1},
		{Root: "/x", Count: 1, ValueBytes: -1}, {Root: "/x", Count: 1, ValueBytes: ValueBytesMax + 1},
	} {
		if bad.Validate() == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}
