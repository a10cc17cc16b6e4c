package server

import (
	"fmt"
	"math"
	"strings"
)

// configKey is one row of the table of keys. The table drives parsing, range checks, defaults and the help, so that what
// is documented is what happens.
type configKey struct {
	name    string // as in zoo.cfg, without the zookeeper. prefix
	aliases []string
	envs    []string // names of variables that do not follow from name, without ZOO_ or TROUPE_
	group   *configGroup
	family  bool   // name ends in "." and stands for all keys that begin so
	param   string // what follows the name of a family, for the help
	own     bool   // ours: zookeeper.<name> is not accepted for it

	kind     valueKind
	unit     valueUnit
	min, max int64    // range of whole numbers, in unit
	words    []string // allowed words of kindWord

	fallback     string // default, in the form of the file
	fallbackFile string // default when a configuration file is given, if different
	differs      bool   // fallbackFile counts
	derived      string // what the default means, when a number alone doesn't tell

	effect string // one line
	status keyStatus
	unused string // statusLater: what is missing
	secret bool

	bind func(*Config) any // pointer to the field; nil for families and for keys without effect
}

// keyStatus says what this version does with a key.
type keyStatus int

const (
	statusUsed  keyStatus = iota // obeyed
	statusNoUse                  // has no meaning here and nothing depends on it; accepted silently
	statusLater                  // would matter but is not built yet; a warning says so
)

// configGroup is a heading of the help.
type configGroup struct {
	title string
	intro string
	keys  []*configKey
}

// zookeeperPrefix may stand before each key of ZooKeeper, in files and as -D option.
const zookeeperPrefix = "zookeeper."

var (
	configGroups []*configGroup        // in the order of the help
	configTable  []*configKey          // all keys in the order of the help
	configIndex  map[string]*configKey // by name and alias, families excluded
	envIndex     map[string]*configKey // by bare name, families excluded
)

func init() {
	configIndex, envIndex = map[string]*configKey{}, map[string]*configKey{}
	configGroups = []*configGroup{
		dataGroup, clientGroup, sessionGroup, limitsGroup, nodesGroup, accessGroup, adminGroup, loggingGroup,
		ensembleGroup, ensembleTimingGroup, quorumTLSGroup, stagesGroup, laterGroup, noUseGroup,
	}
	for _, group := range configGroups {
		for _, key := range group.keys {
			key.group = group
			configTable = append(configTable, key)
			if key.family {
				continue
			}
			for _, name := range append([]string{key.name}, key.aliases...) {
				indexKey(configIndex, name, key)
				indexKey(envIndex, bareName(name), key)
			}
			for _, name := range key.envs {
				indexKey(envIndex, bareName(name), key)
			}
		}
	}
}

// indexKey refuses two keys that claim one name: a mistake in the table must not wait for a user to find it.
func indexKey(index map[string]*configKey, name string, key *configKey) {
	if other, taken := index[name]; taken && other != key {
		panic(fmt.Sprintf("configuration table: %q belongs to %s and to %s", name, other.name, key.name))
	}
	index[name] = key
}

// lookupKey finds the row of a key as written in a file, and its canonical name: for a family that includes the parameter.
func lookupKey(written string) (*configKey, string) {
	short, prefixed := strings.CutPrefix(written, zookeeperPrefix)
	if key := configIndex[short]; key != nil && !(prefixed && key.own) {
		return key, key.name
	}
	// log.file as a -D option of ZooKeeper's scripts names another file than our log.file.
	if key := configIndex[written]; key != nil {
		return key, key.name
	}
	for _, key := range configTable {
		if key.family && len(short) > len(key.name) && strings.HasPrefix(short, key.name) {
			return key, short
		}
	}
	return nil, ""
}

// isSecret tells whether a value must not be shown.
func (k *configKey) isSecret(written string) bool { return k.secret || looksSecret(written) }

func looksSecret(key string) bool {
	lower := strings.ToLower(key)
	return strings.Contains(lower, "password") || strings.Contains(lower, "secret") ||
		strings.Contains(lower, "superdigest")
}

// tableDefaults fills a Config with the defaults of the table: those of a server with a configuration file, or without.
// Derived values are not resolved yet.
func tableDefaults(withFile bool) *Config {
	c := &Config{}
	for _, key := range configTable {
		if key.bind == nil {
			continue
		}
		if err := key.set(c, key.defaultText(withFile)); err != nil {
			panic(fmt.Sprintf("configuration table: default of %s: %v", key.name, err))
		}
	}
	return c
}

func (k *configKey) defaultText(withFile bool) string {
	if withFile && k.differs {
		return k.fallbackFile
	}
	return k.fallback
}

// harmless tells whether a value of a key that is not built yet asks for nothing, as `sslQuorum=false` does.
func (k *configKey) harmless(value string) bool {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "", "false", "no":
		return true
	case "org.apache.zookeeper.server.auth.digestauthenticationprovider",
		"org.apache.zookeeper.server.auth.ipauthenticationprovider":
		return true // authProvider.N with a scheme that is built in.
	}
	return value == k.fallback
}

// The functions below make rows; each is a line in the tables. bind may be nil for keys that only need checking.

func keyText(name, fallback string, bind func(*Config) any, effect string) *configKey {
	return &configKey{name: name, kind: kindText, fallback: fallback, bind: bind, effect: effect}
}

func keyList(name, fallback string, bind func(*Config) any, effect string) *configKey {
	return &configKey{name: name, kind: kindList, fallback: fallback, bind: bind, effect: effect}
}

func keyBool(name, fallback string, bind func(*Config) any, effect string) *configKey {
	return &configKey{name: name, kind: kindBool, fallback: fallback, bind: bind, effect: effect}
}

func keyFloat(name, fallback string, bind func(*Config) any, effect string) *configKey {
	return &configKey{name: name, kind: kindFloat, fallback: fallback, bind: bind, effect: effect}
}

func keyCount(name, fallback string, least int64, bind func(*Config) any, effect string) *configKey {
	return &configKey{name: name, kind: kindWhole, fallback: fallback, min: least, max: math.MaxInt32, bind: bind, effect: effect}
}

// keyPort makes a row for a TCP port. least 0 lets 0 mean "none" or "any free one".
func keyPort(name, fallback string, least int64, bind func(*Config) any, effect string) *configKey {
	k := keyCount(name, fallback, least, bind, effect)
	k.unit, k.max = unitPort, 65535
	return k
}

func keyMeasure(name, fallback string, unit valueUnit, least int64, bind func(*Config) any, effect string) *configKey {
	k := keyCount(name, fallback, least, bind, effect)
	k.unit = unit
	return k
}

func keyWord(name, fallback string, words []string, bind func(*Config) any, effect string) *configKey {
	return &configKey{name: name, kind: kindWord, words: words, fallback: fallback, bind: bind, effect: effect}
}

func keyFamily(prefix, param, effect string) *configKey {
	return &configKey{name: prefix, family: true, param: param, kind: kindText, effect: effect}
}

// The methods below add the rarer columns.

func (k *configKey) also(aliases ...string) *configKey { k.aliases = aliases; return k }
func (k *configKey) env(names ...string) *configKey    { k.envs = names; return k }
func (k *configKey) means(text string) *configKey      { k.derived = text; return k }
func (k *configKey) ours() *configKey                  { k.own = true; return k }
func (k *configKey) hidden() *configKey                { k.secret = true; return k }
func (k *configKey) upTo(most int64) *configKey        { k.max = most; return k }
func (k *configKey) noUse() *configKey                 { k.status = statusNoUse; return k }
func (k *configKey) later(missing string) *configKey {
	k.status, k.unused = statusLater, missing
	return k
}
func (k *configKey) inFile(fallback string) *configKey {
	k.fallbackFile, k.differs = fallback, true
	return k
}
