package server

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// valueKind is the form of a value.
type valueKind int

const (
	kindText  valueKind = iota
	kindList            // words separated by commas
	kindBool            // true, false, yes, no
	kindWhole           // whole number in a unit
	kindFloat
	kindWord // one of a few words
)

// valueUnit is what a whole number counts. scale converts to what the Config holds: nanoseconds or bytes.
type valueUnit struct {
	name  string
	scale int64
}

var (
	unitPort   = valueUnit{"port", 1}
	unitTicks  = valueUnit{"ticks", 1}
	unitBytes  = valueUnit{"bytes", 1}
	unitKiB    = valueUnit{"KiB", 1024}
	unitMillis = valueUnit{"ms", int64(time.Millisecond)}
	unitSecond = valueUnit{"s", int64(time.Second)}
	unitHours  = valueUnit{"hours", int64(time.Hour)}
)

// noPort is the value of a port that is not configured; 0 asks the system for any free port.
const noPort = -1

// set parses value and writes it to the key's field. The error says what is allowed; the caller adds key, value and place.
func (k *configKey) set(c *Config, value string) error {
	var target any
	if k.bind != nil {
		target = k.bind(c)
	}
	switch k.kind {
	case kindText:
		if p, ok := target.(*string); ok {
			*p = value
		}
		return nil
	case kindList:
		if p, ok := target.(*[]string); ok {
			*p = splitCommas(value)
		}
		return nil
	case kindBool:
		return k.setBool(target, value)
	case kindFloat:
		return k.setFloat(target, value)
	case kindWord:
		return k.setWord(target, value)
	default:
		return k.setWhole(target, value)
	}
}

func (k *configKey) setBool(target any, value string) error {
	var b bool
	switch strings.ToLower(value) {
	case "true", "yes":
		b = true
	case "false", "no":
	default:
		return errors.New("not a yes or no; allowed: true, false, yes, no")
	}
	if p, ok := target.(*bool); ok {
		*p = b
	}
	return nil
}

func (k *configKey) setFloat(target any, value string) error {
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return errors.New("not a number; allowed: a decimal number such as 0.33")
	}
	if p, ok := target.(*float64); ok {
		*p = f
	}
	return nil
}

func (k *configKey) setWord(target any, value string) error {
	for _, word := range k.words {
		if strings.EqualFold(word, value) {
			if p, ok := target.(*string); ok {
				*p = word
			}
			return nil
		}
	}
	return errors.New("not known; allowed: " + k.rangeText())
}

func (k *configKey) setWhole(target any, value string) error {
	if value == "" && k.unit == unitPort {
		if p, ok := target.(*int); ok {
			*p = noPort
		}
		return nil
	}
	n, err := parseWhole(value)
	if err != nil {
		if errors.Is(err, strconv.ErrRange) {
			return errors.New("out of range; allowed: " + k.rangeText())
		}
		return errors.New("not a whole number; allowed: " + k.rangeText())
	}
	if n < k.min || n > k.max {
		return errors.New("out of range; allowed: " + k.rangeText())
	}
	// Negative values are switches ("off", "derive it"), not measures, so the unit leaves them alone.
	if n > 0 && k.unit.scale > 1 {
		if n > math.MaxInt64/k.unit.scale {
			return fmt.Errorf("out of range; allowed: at most %d %s", math.MaxInt64/k.unit.scale, k.unit.name)
		}
		n *= k.unit.scale
	}
	switch p := target.(type) {
	case *int:
		*p = int(n)
	case *int64:
		*p = n
	case *time.Duration:
		*p = time.Duration(n)
	}
	return nil
}

// parseWhole takes decimal numbers with an optional sign, and hexadecimal ones as Java's system properties do.
func parseWhole(value string) (int64, error) {
	if strings.HasPrefix(value, "0x") || strings.HasPrefix(value, "0X") {
		return strconv.ParseInt(value[2:], 16, 64)
	}
	return strconv.ParseInt(value, 10, 64)
}

func splitCommas(value string) []string {
	var list []string
	for _, word := range strings.Split(value, ",") {
		if word = strings.TrimSpace(word); word != "" {
			list = append(list, word)
		}
	}
	return list
}

// rangeText says what is allowed, for errors and the help.
func (k *configKey) rangeText() string {
	switch k.kind {
	case kindBool:
		return "true, false"
	case kindFloat:
		return "number"
	case kindList:
		return "list"
	case kindWord:
		var words []string
		for _, w := range k.words {
			if w == "" {
				w = "(empty)"
			}
			words = append(words, w)
		}
		return strings.Join(words, ", ")
	case kindText:
		return "text"
	}
	text := fmt.Sprintf("%d to %d", k.min, k.max)
	switch {
	case k.min == k.max:
		text = strconv.FormatInt(k.min, 10)
	case k.max == math.MaxInt32 || k.max == math.MaxInt64:
		text = fmt.Sprintf("%d or more", k.min)
	}
	if k.unit.name == "port" {
		return "port " + text
	}
	if k.unit.name != "" {
		text += " " + k.unit.name
	}
	return text
}

// format renders the value in effect as the file would hold it.
func (k *configKey) format(c *Config) string {
	whole := func(n int64) string {
		if n == noPort && k.unit == unitPort {
			return ""
		}
		if n > 0 && k.unit.scale > 1 {
			// A derived value may be finer than the unit of its key; only milliseconds can show up here.
			n /= k.unit.scale
		}
		return strconv.FormatInt(n, 10)
	}
	switch p := k.bind(c).(type) {
	case *string:
		return *p
	case *[]string:
		return strings.Join(*p, ",")
	case *bool:
		return strconv.FormatBool(*p)
	case *float64:
		return strconv.FormatFloat(*p, 'g', -1, 64)
	case *int:
		return whole(int64(*p))
	case *int64:
		return whole(*p)
	case *time.Duration:
		return whole(int64(*p))
	default:
		return ""
	}
}
