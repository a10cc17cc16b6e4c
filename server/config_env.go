package server

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Names of environment variables. A key becomes a variable by cutting it at dots and before capital letters, joining the
// pieces with _ and writing all in capitals: tickTime → TICK_TIME, 4lw.commands.whitelist → 4LW_COMMANDS_WHITELIST,
// server.1 → SERVER_1; before that stands TROUPE_ or ZOO_. Underscores are not compared, so TROUPE_TICKTIME and
// ZOO_AUTOPURGE_SNAPRETAINCOUNT (as container images of ZooKeeper have it) mean the same keys as the longer forms.
// An empty variable counts as not set.
//
// The settings of stages are found in the same way, see config_stages_env.go.
//
// Three variables are special: ZOO_SERVERS holds server.N lines separated by blanks, ZOO_CFG_EXTRA any key=value pairs
// separated by blanks (both exist with TROUPE_ too), and SERVER_JVMFLAGS or JVMFLAGS hold -Dkey=value options.

// envName is the name of a key's variable without TROUPE_ or ZOO_.
func envName(key string) string {
	var b strings.Builder
	for i := 0; i < len(key); i++ {
		c := key[i]
		if c == '.' || c == '-' {
			c = '_'
		} else if i > 0 && isUpper(c) && !isUpper(key[i-1]) && key[i-1] != '.' {
			b.WriteByte('_')
		}
		b.WriteByte(c)
	}
	return strings.ToUpper(b.String())
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

// bareName is what is compared: the letters and digits alone.
func bareName(name string) string {
	return strings.ToLower(strings.NewReplacer(".", "", "_", "", "-", "").Replace(name))
}

var (
	// familyVariable matches the variables of server.N, group.N and weight.N.
	familyVariable = regexp.MustCompile(`^(SERVER|GROUP|WEIGHT)_(\d+)$`)
	// serviceVariable matches what Kubernetes and Docker links put into the environment for a service named zoo or troupe.
	serviceVariable = regexp.MustCompile(`_SERVICE_(HOST|PORT(_.+)?)$|_PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?$`)
	// quietVariables steer start scripts and this program's command line, not the server.
	quietVariables = map[string]bool{
		"ZOO_CONF_DIR": true, "ZOO_LOG_DIR": true, "ZOO_LOG4J_PROP": true, "ZOO_DATADIR_AUTOCREATE_DISABLE": true,
		"TROUPE_CONFIG": true, "TROUPE_SERVER": true,
	}
)

// envEntries finds the variables that begin with prefix, in the order of their names.
func (l *configLoader) envEntries(prefix string) []configEntry {
	kind := originZoo
	if prefix == "TROUPE_" {
		kind = originTroupe
	}
	variables := l.variables(prefix)
	var entries []configEntry
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		value := strings.TrimSpace(variables[name])
		origin := configOrigin{kind: kind, name: name}
		rest := strings.TrimPrefix(name, prefix)
		if value == "" || quietVariables[name] {
			continue
		}
		if rest == "SERVERS" || rest == "CFG_EXTRA" {
			entries = append(entries, l.packedEntries(rest, value, origin)...)
			continue
		}
		key := variableKey(rest)
		switch {
		case strings.HasPrefix(value, "tcp://") || strings.HasPrefix(value, "udp://"):
			// A service named troupe-client sets TROUPE_CLIENT_PORT to an address: that is discovery, not a setting.
			if key != "" {
				l.warn(origin, "", "holds the address of a service, not a setting; ignored")
			}
		case key != "":
			entries = append(entries, configEntry{key: key, value: value, origin: origin})
		case strings.HasPrefix(rest, stageVariables):
			entries = append(entries, l.stageEntry(rest, value, origin)...)
		case !serviceVariable.MatchString(name):
			l.warn(origin, "", "no key has this name; ignored")
		}
	}
	return entries
}

// variables picks the variables that begin with prefix. Of two with one name the later one counts, as in os/exec.
func (l *configLoader) variables(prefix string) map[string]string {
	found := map[string]string{}
	for _, pair := range l.in.env {
		name, value, ok := strings.Cut(pair, "=")
		if ok && strings.HasPrefix(name, prefix) {
			found[name] = value
		}
	}
	return found
}

// variableKey finds the key of a variable's name without its prefix, "" if there is none.
func variableKey(rest string) string {
	if m := familyVariable.FindStringSubmatch(rest); m != nil {
		return strings.ToLower(m[1]) + "." + m[2]
	}
	if key := envIndex[bareName(rest)]; key != nil {
		return key.name
	}
	if name, ok := strings.CutPrefix(rest, "SSL_"); ok {
		return "ssl." + strings.ReplaceAll(strings.ToLower(name), "_", ".")
	}
	if name, ok := strings.CutPrefix(rest, "AUTH_PROVIDER_"); ok {
		return "authProvider." + strings.ToLower(name)
	}
	return ""
}

// packedEntries unpacks a variable that holds many settings.
func (l *configLoader) packedEntries(rest, value string, origin configOrigin) []configEntry {
	var entries []configEntry
	for _, word := range strings.Fields(value) {
		key, setting, ok := strings.Cut(word, "=")
		if !ok || key == "" {
			l.problems = append(l.problems, ConfigProblem{
				Source: origin.String(), Text: fmt.Sprintf("%q is not of the form key=value", word),
			})
			continue
		}
		if rest == "SERVERS" && !strings.HasPrefix(key, "server.") {
			l.problems = append(l.problems, ConfigProblem{
				Source: origin.String(), Text: fmt.Sprintf("%q does not begin with server.<id>=", word),
			})
			continue
		}
		entries = append(entries, configEntry{key: key, value: setting, origin: origin})
	}
	return entries
}

// flagEntries takes the command line. A flag may be spelled as the key or in lower case with dashes.
func (l *configLoader) flagEntries() []configEntry {
	var entries []configEntry
	for _, name := range slices.Sorted(maps.Keys(l.in.flags)) {
		key := name
		if known, _ := lookupKey(name); known == nil {
			if known = envIndex[bareName(name)]; known != nil {
				key = known.name
			}
		}
		entries = append(entries, configEntry{
			key: key, value: strings.TrimSpace(l.in.flags[name]), origin: configOrigin{kind: originFlag, name: name},
		})
	}
	return entries
}

// jvmEntries takes -Dkey=value options out of the variables that ZooKeeper's scripts hand to the Java machine. What can't
// mean anything here (heap sizes, agents) is named once.
func (l *configLoader) jvmEntries() []configEntry {
	var entries []configEntry
	for _, name := range []string{"SERVER_JVMFLAGS", "JVMFLAGS"} {
		origin := configOrigin{kind: originJVM, name: name}
		var foreign []string
		for _, word := range splitQuoted(l.variables(name)[name]) {
			option, isProperty := strings.CutPrefix(word, "-D")
			key, value, _ := strings.Cut(option, "=")
			known, _ := lookupKey(key)
			switch {
			case isProperty && (known != nil || strings.HasPrefix(key, zookeeperPrefix)):
				entries = append(entries, configEntry{key: key, value: strings.TrimSpace(value), origin: origin})
			case isProperty:
				foreign = append(foreign, "-D"+key) // The value may be a password.
			default:
				foreign = append(foreign, word)
			}
		}
		if len(foreign) > 0 {
			l.warn(origin, "", "meant for a Java machine, ignored: "+strings.Join(foreign, " "))
		}
	}
	return entries
}

// splitQuoted cuts at white space outside of single and double quotes and removes the quotes.
func splitQuoted(s string) []string {
	var words []string
	var word strings.Builder
	var quote rune
	open := false
	for _, c := range s {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '"' || c == '\'':
			quote, open = c, true
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if open {
				words = append(words, word.String())
				word.Reset()
				open = false
			}
		default:
			word.WriteRune(c)
			open = true
		}
	}
	if open {
		words = append(words, word.String())
	}
	return words
}
