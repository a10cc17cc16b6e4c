package server

import (
	"net"
	"os"
	"sort"
	"strconv"

	"github.com/troupekeeper/troupe/actors"
)

// Config is the whole configuration of one server, read from zoo.cfg, the environment and the command line.
//
// It is made by DefaultConfig or LoadConfig and read-only afterwards. Every field is typed and already resolved: a
// derived default such as "two ticks" holds its number, times are time.Duration, sizes are bytes. Only this package
// knows the names that the values have in zoo.cfg; every other layer gets its own options from these fields.
type Config struct {
	// File is the configuration file that was read, "" when the server started without one.
	File string
	// Text is the text of that file as it was read, with the values of secret keys replaced by asterisks.
	Text string

	Data      DataConfig
	Log       LogFileConfig
	Purge     PurgeConfig
	Client    ClientConfig
	Session   SessionConfig
	Limits    LimitsConfig
	Throttle  ConnectionThrottleConfig
	Nodes     NodesConfig
	Access    AccessConfig
	Admin     AdminConfig
	Metrics   MetricsConfig
	Logging   LoggingConfig
	Ensemble  EnsembleConfig
	QuorumTLS QuorumTLSConfig
	Stages    StagesConfig

	// origins tells for each key that was set where its value came from. Keys at their default are absent.
	origins map[string]configOrigin
	// loose are variables of stages that nobody has told the loader of; see lateSettings.
	loose []configEntry
}

// Warning is a remark about the configuration that does not keep the server from starting: an unknown key, a key that
// this version does not use, a value that was replaced by a similar one.
type Warning struct {
	Source string // "zoo.cfg:12", "environment ZOO_TICK_TIME", "flag --tickTime"; "" when the whole is meant
	Key    string // the key as written, "" when the whole is meant
	Text   string // what is remarkable and what to do about it
}

// String renders the warning as one line: where, key, text.
func (w Warning) String() string { return joinRemark(w.Source, w.Key, w.Text) }

// DefaultConfig is the configuration of a server that is started without a file: plaintext clients on 127.0.0.1:2181,
// data in ./troupe-data, purging on, the admin server on 127.0.0.1:8080, extended node types on.
func DefaultConfig() *Config {
	c := tableDefaults(false)
	c.resolve()
	return c
}

// LoadConfig reads the configuration file at path ("" = no file), then lets the environment and the flags override it.
//
// The order, weakest first: built-in defaults, -D options in SERVER_JVMFLAGS and JVMFLAGS (a file beats them in
// ZooKeeper too), the file, ZOO_* variables, TROUPE_* variables, flags. env has the form of os.Environ; flags maps a key,
// spelled as in the file or as a command line flag (clientPort, client-port), to its value.
//
// Unknown keys and the like are returned as warnings, also next to an error. The error is a *ConfigError that lists
// every wrong value together with its place, or tells why a file can't be read.
func LoadConfig(path string, env []string, flags map[string]string) (*Config, []Warning, error) {
	return loadProgram(path, env, flags, nil)
}

// loadProgram is LoadConfig for a program with stages of its own, so that their keys are known.
func loadProgram(path string, env []string, flags map[string]string, stages []actors.CustomStage) (*Config, []Warning, error) {
	in := configInput{path: path, env: env, flags: flags, readFile: readConfigFile, stages: stages}
	if path != "" {
		text, err := readConfigFile(path)
		if err != nil {
			return nil, nil, configFileError(path, "configuration file", err)
		}
		in.text = text
	}
	return loadConfig(in)
}

// configInput is all that the configuration is made of. Reading files is a function so that tests and the fuzzer need
// no configDisk.
type configInput struct {
	path     string
	text     []byte
	env      []string
	flags    map[string]string
	readFile func(path string) ([]byte, error)
	stages   []actors.CustomStage // that the program adds without a name in the key stages
}

// configLoader gathers entries of all sources, then fills the Config from the winning ones.
type configLoader struct {
	in       configInput
	cfg      *Config
	entries  map[string]configEntry // winning entry by canonical key, for example "tickTime" or "server.3"
	keys     map[string]*configKey  // the table row of each entry
	warnings []Warning
	problems []ConfigProblem

	tlsWarned bool // an ssl. key was warned about
}

func loadConfig(in configInput) (*Config, []Warning, error) {
	l := &configLoader{
		in:      in,
		cfg:     tableDefaults(in.path != ""),
		entries: map[string]configEntry{},
		keys:    map[string]*configKey{},
	}
	l.cfg.File = in.path
	l.gather()
	l.apply()
	l.applyServers()
	l.applyStages()
	if len(l.problems) == 0 {
		// Derived values of half-read settings would only produce follow-up errors, so the checks across keys wait
		// until each value by itself is right.
		l.cfg.resolve()
		l.validate()
	}
	if len(l.problems) > 0 {
		return nil, l.warnings, &ConfigError{Problems: l.problems}
	}
	return l.cfg, l.warnings, nil
}

// gather reads all sources from the weakest to the strongest; a later entry replaces an earlier one of the same key.
func (l *configLoader) gather() {
	l.add(l.jvmEntries())
	if l.in.path != "" {
		entries, problems := parseProperties(l.in.path, l.in.text)
		l.problems = append(l.problems, problems...)
		l.cfg.Text = redactText(l.in.text, entries)
		l.add(entries)
	}
	l.add(l.envEntries("ZOO_"))
	l.add(l.envEntries("TROUPE_"))
	l.add(l.flagEntries())
}

func (l *configLoader) add(entries []configEntry) {
	for _, e := range entries {
		key, name := lookupKey(e.key)
		if key == nil {
			if len(l.warnings) < configWarningsMax { // The search for a similar key is not free.
				l.warn(e.origin, e.key, unknownKeyText(e.key))
			}
			continue
		}
		if old, ok := l.entries[name]; ok && old.origin.sameFile(e.origin) {
			l.warn(e.origin, e.key, "is set again; this line wins over line "+strconv.Itoa(old.origin.line))
		}
		l.entries[name], l.keys[name] = e, key
	}
}

// apply writes each winning value into its field, in a fixed order so that messages come in a fixed order.
func (l *configLoader) apply() {
	l.cfg.origins = make(map[string]configOrigin, len(l.entries))
	for _, name := range l.sortedNames() {
		entry, key := l.entries[name], l.keys[name]
		l.cfg.origins[name] = entry.origin
		if key.status == statusLater {
			l.warnUnused(entry, key)
		}
		if key.family {
			continue // Lines such as server.N are read as a whole afterwards.
		}
		if err := key.set(l.cfg, entry.value); err != nil {
			l.problem(entry, key, err.Error())
		}
	}
}

// sortedNames orders entries by source and line, as a reader of the file expects the messages.
func (l *configLoader) sortedNames() []string {
	names := make([]string, 0, len(l.entries))
	for name := range l.entries {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := l.entries[names[i]].origin, l.entries[names[j]].origin
		if a.kind != b.kind {
			return a.kind < b.kind
		}
		if a.line != b.line {
			return a.line < b.line
		}
		return names[i] < names[j]
	})
	return names
}

// warnUnused tells about a key that this version reads but does not obey, unless its value asks for nothing anyway.
func (l *configLoader) warnUnused(entry configEntry, key *configKey) {
	if key.harmless(entry.value) || (key == tlsFamily && l.tlsWarned) {
		return
	}
	// A TLS set-up has a dozen such lines, and the second one tells nothing new.
	l.tlsWarned = l.tlsWarned || key == tlsFamily
	l.warn(entry.origin, entry.key, "is not used by this version: "+key.unused)
}

// configWarningsMax bounds the warnings: a file that is no configuration at all would make one for each line.
const configWarningsMax = 200

func (l *configLoader) warn(origin configOrigin, key, text string) {
	l.warnings = append(l.warnings, Warning{Source: origin.String(), Key: key, Text: text})
}

func (l *configLoader) problem(entry configEntry, key *configKey, text string) {
	value := entry.value
	if key != nil && key.isSecret(entry.key) {
		value = "***"
	}
	l.problems = append(l.problems, ConfigProblem{
		Source: entry.origin.String(), Key: entry.key, Value: value, Text: text,
	})
}

// IsSet tells whether a key, given by its canonical name, was set by any source.
func (c *Config) IsSet(name string) bool {
	_, ok := c.origins[name]
	return ok
}

// Setting is one key with the value in effect, for the admin server and for `troupe serve --print-config`.
type Setting struct {
	Key    string // canonical name
	Value  string // in the key's own unit; secrets are asterisks
	Source string // where it was set, "default" otherwise
}

// Settings lists every key that has an effect, in the order of the help, with the value in effect.
func (c *Config) Settings() []Setting {
	var list []Setting
	for _, key := range configTable {
		if key.bind == nil || key.family {
			continue
		}
		s := Setting{Key: key.name, Value: key.format(c), Source: "default"}
		if key.isSecret(key.name) && s.Value != "" {
			s.Value = "***"
		}
		if origin, ok := c.origins[key.name]; ok {
			s.Source = origin.String()
		}
		list = append(list, s)
	}
	return list
}

// ClientListen is the address to listen on for plaintext clients in the form that net.Listen takes, "" for none.
// An empty host means all interfaces.
func (c *Config) ClientListen() string {
	if c.Client.Port == noPort {
		return ""
	}
	return net.JoinHostPort(c.Client.Address, strconv.Itoa(c.Client.Port))
}

// configFileMax bounds what is read of any configuration file. Real ones have a few kilobytes; a larger one is a mistake.
const configFileMax = 1 << 20

func readConfigFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readLimited(f, configFileMax)
}
