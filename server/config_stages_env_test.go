package server

import (
	"bytes"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/actors"
)

// envStage is a stage with dashes in its ID and in a key.
func envStage(id string, keys ...string) actors.CustomStage {
	s := actors.CustomStage{ID: id, Place: actors.BeforePrep, New: func(*actors.CustomEnv) (actors.Stage, error) {
		return actors.StageFunc(func(b []actors.Item) []actors.Item { return b }), nil
	}}
	for _, k := range keys {
		s.Keys = append(s.Keys, actors.StageKey{Name: k, Kind: actors.KeyWhole, Default: "5", Min: 1, Max: 9, Help: "A number."})
	}
	return s
}

func TestStageVariables(t *testing.T) {
	c, warnings, err := LoadConfig("", []string{
		"TROUPE_STAGES=audit,ratelimit", "ZOO_STAGE_AUDIT_FILE=zoo.log", "TROUPE_STAGE_AUDIT_FILE=audit.log",
		"TROUPE_STAGE_AUDIT_POLICY=refuse", "TROUPE_STAGE_RATELIMIT_RATE=7", "TROUPE_STAGE_RATE_LIMIT_WAIT=9",
		"TROUPE_STAGE_AUDIT_SERVICE_HOST=10.0.0.1", "TROUPE_STAGE_AUDIT_PORT=tcp://10.0.0.1:80",
	}, map[string]string{"stage.ratelimit.rate": "8"})
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	got := map[string]actors.ActiveStage{}
	for _, s := range c.Stages.Active {
		got[s.ID] = s
	}
	if a := got["audit"]; len(got) != 3 || a.Settings.Text("file") != "audit.log" || a.Policy != actors.Refuse {
		t.Errorf("audit: %+v", a)
	}
	if a := got["audit-sessions"]; a.Settings.Text("file") != "audit.log" || a.Policy != actors.PassOn {
		t.Errorf("audit-sessions writes where audit does: %+v", a)
	}
	if a := got["ratelimit"]; a.Settings.Whole("rate") != 8 || a.Settings.Duration("wait").Milliseconds() != 9 {
		t.Errorf("a flag counts more than a variable: %+v", a)
	}
}

func TestStageVariablesThatAreWrong(t *testing.T) {
	mine := []actors.CustomStage{envStage("my-stage", "rate"), envStage("my", "stage-rate", "most-items")}
	for env, want := range map[string]string{
		"TROUPE_STAGE_AUDIT_FIEL=x": "environment TROUPE_STAGE_AUDIT_FIEL: stage.audit.fiel = \"x\": it has no such key; " +
			"allowed: file, limit, policy",
		"TROUPE_STAGE_AUDIT_POLICY=maybe":    "environment TROUPE_STAGE_AUDIT_POLICY: stage.audit.policy = \"maybe\": allowed: refuse, pass",
		"ZOO_STAGE_AUDIT_LIMIT=0":            "environment ZOO_STAGE_AUDIT_LIMIT: stage.audit.limit = \"0\": allowed: 1 or more ms",
		"TROUPE_STAGE_AUDIT_SESSIONS_FILES=": "",
		"TROUPE_STAGE_AUDIT_SESSIONS_FILES=y": "environment TROUPE_STAGE_AUDIT_SESSIONS_FILES: stage.audit-sessions.files = \"y\": " +
			"it has no such key",
		"TROUPE_STAGE_MY_STAGE_RATE=3": "environment TROUPE_STAGE_MY_STAGE_RATE: can mean stage.my-stage.rate and stage.my.stage-rate",
		"TROUPE_STAGE_MY_MOST_ITEMS=10": "environment TROUPE_STAGE_MY_MOST_ITEMS: stage.my.most-items = \"10\": " +
			"allowed: 1 to 9",
		"TROUPE_STAGE_MY_MOST=1": "environment TROUPE_STAGE_MY_MOST: stage.my.most = \"1\": it has no such key; " +
			"allowed: limit, most-items, policy, stage-rate",
	} {
		_, warnings, err := loadProgram("", []string{"TROUPE_STAGES=audit", env}, nil, mine)
		if len(warnings) > 0 || (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s; %v", env, err, want, warnings)
		}
		if !strings.Contains(env, "_MY_") {
			continue
		}
		// The same of a program that reads its configuration first and names its stages then.
		c, warnings, err := LoadConfig("", []string{env}, nil)
		if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].String(), "no stage is known that this can be of (known: audit,") {
			t.Fatalf("%s: %v, %v", env, err, warnings)
		}
		if _, err = activeStages(c, mine); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s, late: %v, want %s", env, err, want)
		}
	}
	_, warnings, err := LoadConfig("", []string{"TROUPE_STAGE_AUDIT_FILE=x"}, nil)
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].String(), "TROUPE_STAGE_AUDIT_FILE") ||
		!strings.Contains(warnings[0].String(), "stage audit isn't named in stages") {
		t.Errorf("of a stage that doesn't run: %v, %v", err, warnings)
	}
}

// What a program with stages of its own is told by variables, in whichever order it does things.
func TestStageVariablesOfTheProgram(t *testing.T) {
	mine := []actors.CustomStage{envStage("my-stage", "maxItems")}
	const variable = "TROUPE_STAGE_MY_STAGE_MAX_ITEMS=3"
	for _, round := range []struct {
		flags map[string]string
		known []actors.CustomStage
		want  int64
	}{
		{nil, mine, 3}, {nil, nil, 3},
		{map[string]string{"stage.my-stage.maxItems": "4"}, mine, 4}, {map[string]string{"stage.my-stage.maxItems": "4"}, nil, 4},
	} {
		c, warnings, err := loadProgram("", []string{variable}, round.flags, round.known)
		if err != nil {
			t.Fatal(err)
		}
		if round.known != nil && len(warnings) > 0 {
			t.Errorf("a stage that the program brings: %v", warnings)
		}
		active, err := activeStages(c, mine)
		if err != nil || len(active) != 1 || active[0].Settings.Whole("maxItems") != round.want {
			t.Errorf("%+v: %+v, %v", round.flags, active, err)
		}
	}
}

func TestHelpShowsStageVariables(t *testing.T) {
	var out bytes.Buffer
	if err := WriteConfigHelp(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"[STAGE_<ID>_<KEY>]", "[STAGE_AUDIT_FILE]", "[STAGE_AUDIT_SESSIONS_FILE]", "[STAGE_RATELIMIT_POLICY]"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the help lacks %s", want)
		}
	}
	for _, s := range actors.RegisteredStages() {
		for _, k := range s.AllKeys() {
			keys := stageKeys(actors.RegisteredStages(), stageVariable(s.ID, k.Name))
			if len(keys) != 1 || keys[0] != stagePrefix+s.ID+"."+k.Name {
				t.Errorf("the variable %s leads to %q", stageVariable(s.ID, k.Name), keys)
			}
		}
	}
}
