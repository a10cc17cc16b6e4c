package chart

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Scale is how an axis spreads its values.
type Scale int

const (
	// Linear gives equal differences equal space; the axis begins at 0.
	Linear Scale = iota
	// Log gives equal ratios equal space. Values must be above 0.
	Log
	// Nines is for percentiles: 90, 99 and 99.9 are equally far apart.
	Nines
)

// Axis is one of the two of a chart.
type Axis struct {
	// Label says what is measured and in which unit.
	Label string
	Scale Scale
	// Whole says that only whole numbers mean something.
	Whole bool
	// Format writes a value; nil is for [Short].
	Format func(float64) string
}

func (a Axis) format(v float64) string {
	if a.Format == nil {
		return Short(v)
	}
	return a.Format(v)
}

// Short writes 1234567 as 1.23M and 12000 as 12k.
func Short(v float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= unit.size {
			return digits(v/unit.size) + unit.name
		}
	}
	return digits(v)
}

// Duration writes microseconds in the unit that suits them.
func Duration(us float64) string {
	switch {
	case us >= 1e6:
		return digits(us/1e6) + " s"
	case us >= 1e3:
		return digits(us/1e3) + " ms"
	}
	return digits(us) + " µs"
}

// digits writes up to three significant ones.
func digits(v float64) string {
	decimals := 0
	switch a := math.Abs(v); {
	case a < 0.095:
		decimals = 3
	case a < 9.995:
		decimals = 2
	case a < 99.95:
		decimals = 1
	}
	s := fmt.Sprintf("%.*f", decimals, v)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// Percent writes a percentile.
func Percent(v float64) string { return digitsOf(v) + "%" }

// digitsOf writes all digits that count, as percentiles need them.
func digitsOf(v float64) string {
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.4f", v), "0"), ".")
}

// ruler places values along an axis.
type ruler struct {
	axis      Axis
	low, high float64 // transformed
	from, to  float64 // on the canvas
	ticks     []float64
}

// transform spreads a value by the axis's scale.
func (a Axis) transform(v float64) float64 {
	switch a.Scale {
	case Log:
		return math.Log10(max(v, 1e-12))
	case Nines:
		return -math.Log10(1 - min(v, 99.99999)/100)
	}
	return v
}

// newRuler covers the values, with ticks at round ones.
func newRuler(axis Axis, values []float64, from, to float64, wanted int) *ruler {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	if len(values) == 0 {
		low, high = 0, 1
	}
	r := &ruler{axis: axis, from: from, to: to}
	switch axis.Scale {
	case Log:
		r.logTicks(max(low, 1e-12), max(high, 1e-12))
	case Nines:
		r.ticks = []float64{0, 50}
		for p := 90.0; p < 99.99995; p = 100 - (100-p)/10 {
			if r.ticks = append(r.ticks, p); p >= high {
				break
			}
		}
		r.low, r.high = 0, axis.transform(max(high, 50))
	default:
		r.linearTicks(min(0, low), high, wanted)
	}
	return r
}

// linearTicks takes steps of 1, 2 or 5 times a power of ten.
func (r *ruler) linearTicks(low, high float64, wanted int) {
	if high <= low {
		high = low + 1
	}
	rough := (high - low) / float64(wanted)
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	step := power
	for _, factor := range []float64{1, 2, 5, 10} {
		if step = factor * power; step >= rough*0.999 {
			break
		}
	}
	if r.axis.Whole {
		step = max(step, 1)
	}
	low, high = math.Floor(low/step+1e-9)*step, math.Ceil(high/step-1e-9)*step
	for i := 0; low+float64(i)*step <= high+step/2; i++ {
		r.ticks = append(r.ticks, low+float64(i)*step)
	}
	r.low, r.high = low, high
}

// logTicks takes powers of ten, with 2 and 5 between them if there are few.
func (r *ruler) logTicks(low, high float64) {
	first, last := math.Floor(math.Log10(low)+1e-9), math.Ceil(math.Log10(high)-1e-9)
	between := []float64{1}
	if last-first <= 3 {
		between = []float64{1, 2, 5}
	}
	for power := first; power <= last; power++ {
		for _, factor := range between {
			r.ticks = append(r.ticks, factor*math.Pow(10, power))
		}
	}
	// From the last tick at or below the values to the first one above them.
	start, end := 0, len(r.ticks)-1
	for start+1 < len(r.ticks) && r.ticks[start+1] <= low*1.0001 {
		start++
	}
	for end-1 > start && r.ticks[end-1] >= high*0.9999 {
		end--
	}
	r.ticks = r.ticks[start : end+1]
	r.low, r.high = math.Log10(r.ticks[0]), math.Log10(r.ticks[len(r.ticks)-1])
	if r.high == r.low {
		r.high = r.low + 1
	}
}

// tighten ends a linear axis with its values instead of at the next tick.
func (r *ruler) tighten(values []float64) {
	if r.axis.Scale != Linear || len(values) == 0 {
		return
	}
	high := slices.Max(values)
	if high <= r.low {
		return
	}
	r.high = high
	for n := len(r.ticks); n > 1 && r.ticks[n-1] > high*1.0001; n-- {
		r.ticks = r.ticks[:n-1]
	}
}

// place returns where a value is on the canvas.
func (r *ruler) place(v float64) float64 {
	share := (r.axis.transform(v) - r.low) / (r.high - r.low)
	return r.from + min(max(share, 0), 1)*(r.to-r.from)
}
