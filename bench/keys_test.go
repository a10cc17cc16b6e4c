package bench

import (
	"math"
	"testing"
)

// The popular keys must be as popular as the exponent says.
func TestZipf(t *testing.T) {
	const keys, draws = 1000, 200_000
	random := NewRandom(7)
	z := newZipf(keys, 0)
	counts := make([]int, keys)
	for range draws {
		counts[z.key(random.fraction())]++
	}
	zeta := 0.0
	for i := 1.0; i <= keys; i++ {
		zeta += math.Pow(i, -zipfExponent)
	}
	for rank, slack := range map[uint64]float64{0: 0.05, 1: 0.05, 9: 0.3} {
		want := draws * math.Pow(float64(rank+1), -zipfExponent) / zeta
		if got := float64(counts[rank*2_654_435_761%keys]); math.Abs(got-want) > slack*want {
			t.Errorf("rank %d was drawn %v times, want %v", rank, got, want)
		}
	}
	used := 0
	for _, n := range counts {
		if n > 0 {
			used++
		}
	}
	if used < keys*9/10 {
		t.Errorf("only %d of %d keys were ever drawn", used, keys)
	}
}

func TestZipfOfFewKeys(t *testing.T) {
	random := NewRandom(1)
	for keys := 1; keys <= 4; keys++ {
		z := newZipf(keys, 0.5)
		for range 1000 {
			if key := z.key(random.fraction()); int(key) >= keys {
				t.Fatalf("key %d of %d", key, keys)
			}
		}
	}
}

func TestDistributionErrorsNameTheValues(t *testing.T) {
	for _, d := range []Distribution{{Name: "normal"}, {Name: "zipf", Exponent: 1}, {Name: "zipf", Exponent: -1}} {
		if d.Validate() == nil {
			t.Errorf("%+v was accepted", d)
		}
	}
}
