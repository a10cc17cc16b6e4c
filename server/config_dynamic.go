package server

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/troupekeeper/troupe/messages"
)

// dynamicMark stands between the name of the configuration file and the version of a dynamic file.
const dynamicMark = ".dynamic."

// LoadDynamicConfig reads a dynamic configuration file: the server, group and weight lines of an ensemble, kept apart from
// the main file so that a reconfiguration can replace it. Its name ends in the version of the membership, as in
// zoo.cfg.dynamic.100000000. The error is a *ConfigError with all problems, or tells why the file can't be read.
func LoadDynamicConfig(path string) (messages.Membership, []Warning, error) {
	return loadDynamic(path, readConfigFile)
}

func loadDynamic(path string, readFile func(string) ([]byte, error)) (messages.Membership, []Warning, error) {
	text, err := readFile(path)
	if err != nil {
		return messages.Membership{}, nil, configFileError(path, "dynamicConfigFile", err)
	}
	m, warnings, problems := parseDynamic(path, text)
	if len(problems) > 0 {
		return messages.Membership{}, warnings, &ConfigError{Problems: problems}
	}
	return m, warnings, nil
}

// parseDynamic is pure: path only names the place in messages and carries the version.
func parseDynamic(path string, text []byte) (messages.Membership, []Warning, []ConfigProblem) {
	entries, problems := parseProperties(path, text)
	var warnings []Warning
	report := func(e configEntry, text string) {
		problems = append(problems, ConfigProblem{Source: e.origin.String(), Key: e.key, Value: e.value, Text: text})
	}
	last := map[string]membershipLine{} // A later line of the same key wins.
	version, hasVersion := DynamicVersion(path)
	for _, e := range entries {
		if family, ok := isMembershipKey(e.key); ok {
			if _, twice := last[e.key]; twice {
				warnings = append(warnings, Warning{Source: e.origin.String(), Key: e.key,
					Text: "is set again; this line wins"})
			}
			last[e.key] = membershipLine{family, e}
			continue
		}
		if e.key != "version" {
			warnings = append(warnings, Warning{Source: e.origin.String(), Key: e.key,
				Text: "does not belong into a dynamic configuration file, ignored; allowed: server., group., weight. and version"})
			continue
		}
		written, err := messages.ParseVersion(e.value)
		switch {
		case err != nil:
			report(e, err.Error())
		case hasVersion && written != version:
			report(e, fmt.Sprintf("the name of the file says version %x", uint64(version)))
		default:
			version, hasVersion = written, true
		}
	}
	m := buildMembership(orderedLines(last), report)
	m.Version = version
	if len(problems) == 0 && len(m.Members) == 0 {
		problems = append(problems, ConfigProblem{Source: path, Text: "holds no server.N line"})
	}
	return m, warnings, problems
}

func orderedLines(byKey map[string]membershipLine) []membershipLine {
	order := make(map[string]string, len(byKey))
	for key, line := range byKey {
		order[fmt.Sprintf("%09d %s", line.entry.origin.line, key)] = key
	}
	var lines []membershipLine
	for _, o := range slices.Sorted(maps.Keys(order)) {
		lines = append(lines, byKey[order[o]])
	}
	return lines
}

// DynamicName is the path of the dynamic file for a version of the membership, beside the main configuration file.
func DynamicName(configFile string, version messages.Zxid) string {
	return configFile + dynamicMark + strconv.FormatUint(uint64(version), 16)
}

// DynamicVersion reads the version from the path of a dynamic file; false if its name carries none.
func DynamicVersion(path string) (messages.Zxid, bool) {
	name := filepath.Base(path)
	i := strings.LastIndex(name, dynamicMark)
	if i < 0 {
		return 0, false
	}
	version, err := messages.ParseVersion(name[i+len(dynamicMark):])
	return version, err == nil
}
