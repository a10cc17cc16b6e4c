package server

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/troupekeeper/troupe/actors"
)

// Variables of stages: stage.<id>.<key> is TROUPE_STAGE_<ID>_<KEY> (or ZOO_STAGE_…), dots and dashes as underscores. Where the ID
// ends isn't to be seen from the name alone, so it is looked for among the keys of the stages that there are. A program
// may name stages only after its configuration was read: such variables wait for them.

const stageVariables = "STAGE_"

// stageVariable is the name of a setting's variable without TROUPE_ or ZOO_.
func stageVariable(id, key string) string { return envName(stagePrefix + id + "." + key) }

// stageKeys lists the keys that a variable's name without its prefix may mean. One that begins as a stage's variables do
// but names no key of it gives the key as it would be written, so that who asks the stage for it hears what is allowed.
func stageKeys(known []actors.CustomStage, rest string) (keys []string) {
	longest := ""
	for i := range known {
		s := &known[i]
		for _, k := range s.AllKeys() {
			name := stagePrefix + s.ID + "." + k.Name
			if bareName(name) == bareName(rest) && !slices.Contains(keys, name) {
				keys = append(keys, name)
			}
		}
		if strings.HasPrefix(rest, stageVariable(s.ID, "")) && len(s.ID) > len(longest) {
			longest = s.ID
		}
	}
	if name, _ := strings.CutPrefix(rest, stageVariable(longest, "")); len(keys) == 0 && longest != "" && name != "" {
		keys = []string{stagePrefix + longest + "." + strings.ReplaceAll(strings.ToLower(name), "_", "-")}
	}
	return keys
}

// stageEntry makes the entry of a stage's variable.
func (l *configLoader) stageEntry(rest, value string, origin configOrigin) []configEntry {
	known := append(actors.RegisteredStages(), l.in.stages...)
	keys := stageKeys(known, rest)
	entry := configEntry{value: value, origin: origin}
	switch {
	case len(keys) > 1:
		l.problems = append(l.problems, ConfigProblem{Source: origin.String(), Text: ambiguousText(keys)})
		return nil
	case serviceVariable.MatchString(origin.name) && !isStageKey(known, keys):
		return nil // of a service that is called troupe-stage-…
	case len(keys) == 0:
		l.warn(origin, "", "no stage is known that this can be of (known: "+stageNames(known)+
			"); it counts only for one that the program starts by itself")
		l.cfg.loose = append(l.cfg.loose, entry)
		return nil
	}
	entry.key = keys[0]
	return []configEntry{entry}
}

func ambiguousText(keys []string) string {
	return "can mean " + strings.Join(keys, " and ") + "; set the one that is meant in the file or as a flag"
}

// isStageKey tells whether a stage has the first of keys.
func isStageKey(known []actors.CustomStage, keys []string) bool {
	return slices.ContainsFunc(known, func(s actors.CustomStage) bool {
		return slices.ContainsFunc(s.AllKeys(), func(k actors.StageKey) bool {
			return len(keys) > 0 && keys[0] == stagePrefix+s.ID+"."+k.Name
		})
	})
}

// stageSettings are settings by their key in zoo.cfg.
type stageSettings map[string]configEntry

// lateSettings finds the variables of stages that the program names after its configuration was read.
func (c *Config) lateSettings(more []actors.CustomStage) (stageSettings, error) {
	found := stageSettings{}
	for _, entry := range c.loose {
		_, rest, _ := strings.Cut(entry.origin.name, "_")
		keys := stageKeys(more, rest)
		switch {
		case len(keys) > 1:
			return nil, &ConfigError{Problems: []ConfigProblem{{Source: entry.origin.String(), Text: ambiguousText(keys)}}}
		case len(keys) == 1:
			if origin, set := c.origins[keys[0]]; !set || origin.kind < entry.origin.kind {
				entry.key = keys[0]
				found[entry.key] = entry
			}
		}
	}
	return found, nil
}

// over lays these settings over others of a stage.
func (s stageSettings) over(settings map[string]string, id string) map[string]string {
	all := map[string]string{}
	for name, value := range settings {
		all[name] = value
	}
	for name, entry := range s { // each key by itself: the order makes no difference
		if name, ok := strings.CutPrefix(name, stagePrefix+id+"."); ok {
			all[name] = entry.value
		}
	}
	return all
}

// settingError tells what is wrong with a setting of a stage and where it stands.
func (c *Config) settingError(late stageSettings, id string, err error) error {
	var wrong *actors.SettingError
	if !errors.As(err, &wrong) {
		return fmt.Errorf("%s%s: %w", stagePrefix, id, err)
	}
	p := ConfigProblem{Key: stagePrefix + id + "." + wrong.Key, Value: c.Stages.Settings[id][wrong.Key], Text: wrong.Problem}
	if entry, ok := late[p.Key]; ok {
		p.Source, p.Value = entry.origin.String(), entry.value
	} else if origin, ok := c.origins[p.Key]; ok {
		p.Source = origin.String()
	}
	if looksSecret(p.Key) {
		p.Value = "***"
	}
	return &ConfigError{Problems: []ConfigProblem{p}}
}
