package server

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/server/stages"
)

// The stages that come along are registered as those of others are.
func init() {
	actors.RegisterStage(stages.RateLimit())
	actors.RegisterStage(stages.Audit())
	actors.RegisterStage(stages.AuditSessions())
	actors.RegisterStage(stages.NewFeed().Stage())
}

// StagesConfig says which stages of somebody's own run, and with what settings.
type StagesConfig struct {
	Names    []string                     // in their order at each place
	Audit    bool                         // the audit log is wanted, whether it is named or not
	Settings map[string]map[string]string // ID → key → text
	Active   []actors.ActiveStage         // those of Names, with their settings
}

const stagePrefix = "stage."

var stageFamily = keyFamily(stagePrefix, "<id>.<key>", "A setting of a stage; those of the stages in this program are below.").ours()

// settings are those of a stage. The two stages of the audit log write to one file unless the second is told otherwise.
func (c *StagesConfig) settings(id string) map[string]string {
	own := c.Settings[id]
	file, set := c.Settings[stages.AuditID][stages.AuditFileKey]
	if id != stages.AuditSessionsID || !set {
		return own
	}
	all := map[string]string{stages.AuditFileKey: file}
	maps.Copy(all, own)
	return all
}

var stagesGroup = &configGroup{
	title: "Stages of your own",
	intro: "Parts of the pipeline that are built into this program and run where they are named.",
	keys: []*configKey{
		keyList("stages", "", func(c *Config) any { return &c.Stages.Names },
			"Stages that run, separated by commas; the order counts where two stand at the same place.").ours(),
		keyBool("audit.enable", "false", func(c *Config) any { return &c.Stages.Audit },
			"Write a line for each change: the stage audit runs behind those of stages."),
		stageFamily,
	},
}

// applyStages finds the stages that are named and gives them their settings.
func (l *configLoader) applyStages() {
	c := &l.cfg.Stages
	c.Settings = map[string]map[string]string{}
	if c.Audit && !slices.Contains(c.Names, stages.AuditID) {
		c.Names = append(c.Names, stages.AuditID)
	}
	if slices.Contains(c.Names, stages.AuditID) && !slices.Contains(c.Names, stages.AuditSessionsID) {
		c.Names = append(c.Names, stages.AuditSessionsID)
	}
	for _, name := range l.sortedNames() {
		if l.keys[name] != stageFamily {
			continue
		}
		id, key, ok := strings.Cut(strings.TrimPrefix(name, stagePrefix), ".")
		if !ok {
			l.problem(l.entries[name], stageFamily, "not the form of a stage's key: stage.<id>.<key>")
			continue
		}
		if c.Settings[id] == nil {
			c.Settings[id] = map[string]string{}
		}
		c.Settings[id][key] = l.entries[name].value
		if !slices.Contains(c.Names, id) && !slices.ContainsFunc(l.in.stages, func(s actors.CustomStage) bool { return s.ID == id }) {
			l.warn(l.entries[name].origin, l.entries[name].key,
				"stage "+id+" isn't named in stages; this counts only if the program starts it by itself")
		}
	}
	known := actors.RegisteredStages()
	for i, id := range c.Names {
		l.applyStage(known, id, slices.Contains(c.Names[:i], id))
	}
	for i := range l.in.stages { // they run without a name; the server gives them these settings when it is made
		_, _ = l.configure(&l.in.stages[i])
	}
}

func (l *configLoader) applyStage(known []actors.CustomStage, id string, twice bool) {
	c := &l.cfg.Stages
	i := slices.IndexFunc(known, func(s actors.CustomStage) bool { return s.ID == id })
	switch {
	case twice:
		l.problem(l.entries["stages"], nil, "stage "+id+" is named twice")
		return
	case i < 0:
		l.problem(l.entries["stages"], nil, fmt.Sprintf("no stage is called %q; this program has: %s", id, stageNames(known)))
		return
	}
	if active, ok := l.configure(&known[i]); ok {
		c.Active = append(c.Active, active)
	}
}

// configure gives a stage its settings, or notes what is wrong with them and where it stands.
func (l *configLoader) configure(s *actors.CustomStage) (actors.ActiveStage, bool) {
	active, err := s.Configure(l.cfg.Stages.settings(s.ID))
	var wrong *actors.SettingError
	if errors.As(err, &wrong) {
		l.problem(l.entries[stagePrefix+s.ID+"."+wrong.Key], stageFamily, wrong.Problem)
	}
	return active, err == nil
}

func stageNames(list []actors.CustomStage) string {
	if len(list) == 0 {
		return "none"
	}
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].ID
	}
	return strings.Join(names, ", ")
}

// activeStages are those of the configuration, then those of the program.
func activeStages(c *Config, more []actors.CustomStage) ([]actors.ActiveStage, error) {
	list := slices.Clone(c.Stages.Active)
	late, err := c.lateSettings(more)
	if err != nil {
		return nil, err
	}
	for i := range more {
		if err := more[i].Check(); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(list, func(s actors.ActiveStage) bool { return s.ID == more[i].ID }) {
			return nil, fmt.Errorf("two stages are called %s", more[i].ID)
		}
		active, err := more[i].Configure(late.over(c.Stages.settings(more[i].ID), more[i].ID))
		if err != nil {
			return nil, c.settingError(late, more[i].ID, err)
		}
		list = append(list, active)
	}
	return list, nil
}

// writeStagesHelp lists the keys of the stages in this program.
func writeStagesHelp(out *bufio.Writer) {
	for _, s := range actors.RegisteredStages() {
		fmt.Fprintf(out, "\nSTAGE %s\n", s.ID)
		writeWrapped(out, s.Help+" Stands "+s.Place.String()+".", "")
		out.WriteString("\n")
		for _, k := range s.AllKeys() {
			value := k.Default
			if value == "" {
				value = "none"
			}
			fmt.Fprintf(out, "  %-40s %-24s default %s\n", stagePrefix+s.ID+"."+k.Name, k.Range(), value)
			writeWrapped(out, k.Help+" ["+stageVariable(s.ID, k.Name)+"]", "      ")
		}
	}
}
