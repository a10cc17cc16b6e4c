package messages

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestZxidHalves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		epoch, counter := rapid.Uint32().Draw(t, "epoch"), rapid.Uint32().Draw(t, "counter")
		if z := MakeZxid(epoch, counter); z.Epoch() != epoch || z.Counter() != counter {
			t.Fatalf("%v has the halves %d and %d", z, z.Epoch(), z.Counter())
		}
	})
}

func TestZxidFollows(t *testing.T) {
	small := rapid.OneOf(rapid.Uint32Range(0, 3), rapid.Uint32Range(math.MaxUint32-2, math.MaxUint32))
	gen := rapid.Custom(func(t *rapid.T) Zxid { return MakeZxid(small.Draw(t, "epoch"), small.Draw(t, "counter")) })
	rapid.Check(t, func(t *rapid.T) {
		a, b := gen.Draw(t, "a"), gen.Draw(t, "b")
		next := b.Epoch() == a.Epoch() && uint64(b.Counter()) == uint64(a.Counter())+1
		first := b.Epoch() > a.Epoch() && b.Counter() == 1
		if got := b.Follows(a); got != (next || first) {
			t.Fatalf("%v follows %v: %v", b, a, got)
		}
		if b.Follows(a) && b <= a {
			t.Fatalf("%v follows %v but isn't greater", b, a)
		}
	})
	// A full counter has no successor in its epoch: the next epoch must begin.
	if full := MakeZxid(1, math.MaxUint32); (full + 1).Follows(full) || !MakeZxid(2, 1).Follows(full) {
		t.Error("a counter ran over into the next epoch")
	}
}

func TestOwnerIsOneThing(t *testing.T) {
	gen := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, uint64(ContainerOwner), uint64(ContainerOwner) + 1,
		uint64(ttlMarker), uint64(ttlMarker) | 1, uint64(ttlMarker) | uint64(MaxTTL), 0x100003dfb8900b6, 0xfe00000000000001}))
	rapid.Check(t, func(t *rapid.T) {
		o := Owner(gen.Draw(t, "owner"))
		kinds := 0
		for _, is := range []bool{o.IsContainer(), o.TTL() > 0, o.IsEphemeral()} {
			if is {
				kinds++
			}
		}
		if kinds > 1 || o == 0 && kinds != 0 {
			t.Fatalf("%#x is %d things at once", uint64(o), kinds)
		}
		if (o.Session() != 0) != o.IsEphemeral() {
			t.Fatalf("%#x: ephemeral %v, session %v", uint64(o), o.IsEphemeral(), o.Session())
		}
		if o.IsEphemeral() && SessionOwner(o.Session()) != o {
			t.Fatalf("%#x does not survive as a session", uint64(o))
		}
	})
}

func TestOwnerOfTTL(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ttl := rapid.Int64Range(1, MaxTTL).Draw(t, "ttl")
		if o := TTLOwner(ttl); o.TTL() != ttl || o.IsEphemeral() || o.IsContainer() || o.Session() != 0 {
			t.Fatalf("TTL %d gives %#x with TTL %d", ttl, uint64(o), o.TTL())
		}
	})
}

func TestOwnerOfSession(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// The top byte is the server's id, 1 to 254 with extended types.
		id := SessionID(rapid.Uint64Range(1, 254).Draw(t, "server")<<56 | rapid.Uint64Range(1, 1<<56-1).Draw(t, "rest"))
		if o := SessionOwner(id); !o.IsEphemeral() || o.Session() != id || o.TTL() != 0 || o.IsContainer() {
			t.Fatalf("session %v gives %#x", id, uint64(o))
		}
	})
}

func TestOpCodeWritesAndNames(t *testing.T) {
	for op := range opInfos {
		if op.IsWrite() != opInfos[op].write {
			t.Errorf("%v: the short cut and the table disagree on whether it is a write", op)
		}
		if op.String() == "" || op.Short() == "" {
			t.Errorf("%d has no name", int32(op))
		}
	}
	for op, want := range map[OpCode]bool{OpGetData: true, OpCloseSession: true, OpCreateSession: false, OpError: false,
		OpNotification: false, 10: false, 1000000: false} {
		if op.Known() != want {
			t.Errorf("Known(%v) is %v", op, !want)
		}
	}
}

func TestPermLetters(t *testing.T) {
	for perm, want := range map[Perm]string{PermAll: "cdrwa", PermRead | PermWrite: "rw", 0: "", PermAdmin: "a"} {
		if got := perm.String(); got != want {
			t.Errorf("%d prints as %q", perm, got)
		}
	}
}

func TestIDsPrintAsZooKeeperDoes(t *testing.T) {
	if s := SessionID(-1).String(); s != "0xffffffffffffffff" {
		t.Error(s)
	}
	if s := MakeZxid(1, 0x2a).String(); s != "0x10000002a" {
		t.Error(s)
	}
}
