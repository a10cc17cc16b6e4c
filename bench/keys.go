package bench

import (
	"fmt"
	"math"
)

// Distribution says how often each key is used.
type Distribution struct {
	// Name is "uniform", for all keys alike, or "zipf", for few that are used
	// much more often than the rest. Empty means uniform.
	Name string
	// Exponent is how steep zipf is: the n-th most popular key is used
	// 1/n^Exponent times as often as the first. 0 < Exponent < 1; 0 stands for
	// 0.99, at which 1 % of 10,000 keys gets half of the requests.
	Exponent float64
}

// zipfExponent is the usual choice of benchmarks of key-value stores.
const zipfExponent = 0.99

// Validate returns an error that names the allowed values.
func (d Distribution) Validate() error {
	switch {
	case d.Name != "" && d.Name != "uniform" && d.Name != "zipf":
		return fmt.Errorf("distribution %q: want uniform or zipf", d.Name)
	case d.Exponent < 0 || d.Exponent >= 1:
		return fmt.Errorf("exponent %v: want more than 0 and less than 1", d.Exponent)
	}
	return nil
}

// zipf draws ranks by inverting an approximation of the distribution's integral,
// which is exact for the two most popular keys.
type zipf struct {
	n                        float64
	keys                     uint64
	alpha, eta, zeta, second float64
}

// newZipf prepares to draw from so many keys. It takes a pass over them.
func newZipf(keys int, exponent float64) *zipf {
	if exponent == 0 {
		exponent = zipfExponent
	}
	zeta := 0.0
	for i := 1; i <= keys; i++ {
		zeta += math.Pow(float64(i), -exponent)
	}
	z := &zipf{n: float64(keys), keys: uint64(keys), alpha: 1 / (1 - exponent), zeta: zeta, second: 1 + math.Pow(0.5, exponent)}
	if keys > 2 {
		z.eta = (1 - math.Pow(2/z.n, 1-exponent)) / (1 - z.second/zeta)
	}
	return z
}

// key turns a random number from 0 to 1, exclusive, into a key. The popular
// ones are spread over the keyspace, by a step that has no factor in common
// with any number of keys.
func (z *zipf) key(u float64) uint32 {
	const step = 2_654_435_761 // a prime larger than KeysMax
	rank := uint64(0)
	switch uz := u * z.zeta; {
	case uz < 1 || z.keys == 1:
	case uz < z.second || z.keys == 2:
		rank = 1
	default:
		rank = min(z.keys-1, uint64(z.n*math.Pow(z.eta*u-z.eta+1, z.alpha)))
	}
	return uint32(rank * step % z.keys)
}
