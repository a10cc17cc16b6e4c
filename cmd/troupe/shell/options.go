package shell

import (
	"strconv"
	"strings"
)

// option is a switch, or takes a value.
type option struct {
	name  string
	value string // what the value is called in the help, "" for a switch
	about string
}

// arguments are the words behind a verb, taken apart.
type arguments struct {
	cmd  *command
	set  map[string][]string
	rest []string
}

// parse takes words apart as zkCli does: options anywhere, with one dash or two, switches of one letter together
// (-sw), a negative number is no option, and what follows "--" neither.
func (c *command) parse(words []string) (arguments, error) {
	a := arguments{cmd: c, set: map[string][]string{}}
	for i := 0; i < len(words); i++ {
		word := words[i]
		if word == "--" {
			a.rest = append(a.rest, words[i+1:]...)
			break
		}
		if len(word) < 2 || word[0] != '-' {
			a.rest = append(a.rest, word)
			continue
		}
		name, value, inline := strings.Cut(strings.TrimPrefix(word[1:], "-"), "=")
		opt := c.option(name)
		switch {
		case opt != nil && opt.value == "" && !inline:
			a.set[name] = append(a.set[name], "")
		case opt != nil && opt.value != "":
			if !inline {
				if i++; i == len(words) {
					return a, c.misuse("Missing argument for option: %s", name)
				}
				value = words[i]
			}
			a.set[name] = append(a.set[name], value)
		case c.bundle(word[1:], &a):
		case isNumber(word):
			a.rest = append(a.rest, word)
		default:
			return a, c.misuse("Unrecognized option: %s (put -- in front of data that starts with a dash)", word)
		}
	}
	if len(a.rest) < c.least {
		return a, &usageError{c, ""}
	}
	if len(a.rest) > c.most {
		return a, c.misuse("Too many arguments: %q is one more than %s takes; put quotes round data with spaces", a.rest[c.most], c.name)
	}
	return a, nil
}

func (c *command) option(name string) *option {
	for i := range c.options {
		if c.options[i].name == name {
			return &c.options[i]
		}
	}
	return nil
}

// bundle takes letters that are all switches.
func (c *command) bundle(letters string, a *arguments) bool {
	for _, l := range letters {
		if opt := c.option(string(l)); opt == nil || opt.value != "" {
			return false
		}
	}
	for _, l := range letters {
		a.set[string(l)] = append(a.set[string(l)], "")
	}
	return true
}

func isNumber(word string) bool {
	_, err := strconv.ParseFloat(word, 64)
	return err == nil
}

// has tells whether a switch or option was given.
func (a arguments) has(name string) bool { return len(a.set[name]) > 0 }

// value is the last value given for an option.
func (a arguments) value(name string) string {
	if v := a.set[name]; len(v) > 0 {
		return v[len(v)-1]
	}
	return ""
}

// version reads the option -v; without it -1, which fits every version.
func (a arguments) version() (int32, error) {
	if !a.has("v") {
		return -1, nil
	}
	n, err := strconv.ParseInt(a.value("v"), 0, 32)
	if err != nil {
		return 0, a.cmd.misuse("-v %q is not a version: expected a whole number, -1 for any", a.value("v"))
	}
	return int32(n), nil
}

// word is the positional argument with that index, or "".
func (a arguments) word(i int) string {
	if i < len(a.rest) {
		return a.rest[i]
	}
	return ""
}
