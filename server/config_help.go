package server

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

const configHelpIntro = `Configuration keys

A file in the syntax of Java properties, as zoo.cfg: key=value, # begins a comment, a backslash at
the end continues a line. Unknown keys make a warning. Wrong values keep the server from starting.

Where a key is set twice, the later of these counts: the default, -Dkey=value in SERVER_JVMFLAGS or
JVMFLAGS, the file, the variable ZOO_<NAME>, the variable TROUPE_<NAME>, the flag. <NAME> is shown in
brackets; underscores inside it may be left out. ZOO_SERVERS and ZOO_CFG_EXTRA hold several
key=value pairs, separated by blanks. Each key of ZooKeeper may be written with zookeeper. before it.

"With file" is the default that counts when the server is started with a configuration file.
`

// helpWidth is where lines of the help are broken.
const helpWidth = 100

// WriteConfigHelp prints the table of all keys: name, allowed values and unit, default, variable, effect. It is the
// documentation of the configuration, and the text of `troupe serve --help-config`.
func WriteConfigHelp(w io.Writer) error {
	out := bufio.NewWriter(w)
	out.WriteString(configHelpIntro)
	for _, group := range configGroups {
		fmt.Fprintf(out, "\n%s\n", strings.ToUpper(group.title))
		if group.intro != "" {
			writeWrapped(out, group.intro, "")
		}
		out.WriteString("\n")
		for _, key := range group.keys {
			key.writeHelp(out)
		}
	}
	writeStagesHelp(out)
	return out.Flush()
}

func (k *configKey) writeHelp(out *bufio.Writer) {
	name := k.name
	if k.family {
		name += k.param
	}
	line := fmt.Sprintf("  %-40s %-24s %s", name, k.helpRange(), k.helpDefault())
	out.WriteString(strings.TrimRight(line, " ") + "\n")
	effect := k.effect
	if len(k.aliases) > 0 {
		effect += " Also " + strings.Join(k.aliases, ", ") + "."
	}
	if !k.family || k.status == statusUsed {
		effect += " [" + k.variable() + "]"
	}
	writeWrapped(out, effect, "      ")
}

func (k *configKey) helpRange() string {
	if k.family {
		return "" // The effect tells the form.
	}
	return k.rangeText()
}

// variable is what the help calls a key's variable.
func (k *configKey) variable() string {
	switch {
	case k == stageFamily:
		return stageVariables + "<ID>_<KEY>"
	case k.family:
		return envName(k.name) + "N"
	}
	return envName(k.name)
}

// helpDefault words the default, for a server with and without a file where they differ.
func (k *configKey) helpDefault() string {
	if k.family {
		return ""
	}
	show := func(v string) string {
		if v == "" {
			return "none"
		}
		return v
	}
	if k.derived != "" && !k.differs {
		return "default: " + k.derived
	}
	if k.differs {
		file := show(k.fallbackFile)
		if k.derived != "" {
			file = k.derived
		}
		return fmt.Sprintf("default %s (with file: %s)", show(k.fallback), file)
	}
	return "default " + show(k.fallback)
}

// writeWrapped writes text broken at blanks, each line after indent.
func writeWrapped(out *bufio.Writer, text, indent string) {
	line := indent
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > helpWidth && line != indent {
			out.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	out.WriteString(line + "\n")
}
