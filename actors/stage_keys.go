package actors

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troupekeeper/troupe/messages"
)

// KeyKind is the form of a stage's setting.
type KeyKind uint8

// The kinds.
const (
	KeyText   KeyKind = iota
	KeyWhole          // a whole number between Min and Max
	KeyBool           // true, false, yes or no
	KeyMillis         // milliseconds between Min and Max, read as a duration
	KeyWord           // one of Words
	KeyPath           // a node's, from the root; nothing is allowed where that is the default
)

// StageKey is one setting of a stage: the key stage.<id>.<name> of zoo.cfg.
type StageKey struct {
	Name     string
	Kind     KeyKind
	Default  string
	Min, Max int64 // of KeyWhole and KeyMillis; Max 0: no limit
	Words    []string
	Help     string // its effect, one sentence
}

func (k *StageKey) check() error {
	if k.Name == "" || strings.ContainsAny(k.Name, ".= ") || k.Name == policyKey.Name || k.Name == limitKey.Name {
		return fmt.Errorf("a key can't be called %q: allowed is a name without dot, = and space that is not %s or %s, which every stage has",
			k.Name, policyKey.Name, limitKey.Name)
	}
	if _, err := k.parse(k.Default); err != nil {
		return fmt.Errorf("the default of key %s, %q: %w", k.Name, k.Default, err)
	}
	return nil
}

// Range is what is allowed, in words.
func (k *StageKey) Range() string {
	unit := ""
	switch k.Kind {
	case KeyText:
		return "text"
	case KeyBool:
		return "true, false"
	case KeyWord:
		return strings.Join(k.Words, ", ")
	case KeyPath:
		return "a path, as /app"
	case KeyMillis:
		unit = " ms"
	}
	if k.Max == 0 {
		return fmt.Sprintf("%d or more%s", k.Min, unit)
	}
	return fmt.Sprintf("%d to %d%s", k.Min, k.Max, unit)
}

func (k *StageKey) parse(text string) (any, error) {
	wrong := fmt.Errorf("allowed: %s", k.Range())
	switch k.Kind {
	case KeyText:
		return text, nil
	case KeyBool:
		switch strings.ToLower(text) {
		case "true", "yes":
			return true, nil
		case "false", "no":
			return false, nil
		}
		return nil, wrong
	case KeyWord:
		if slices.Contains(k.Words, text) {
			return text, nil
		}
		return nil, wrong
	case KeyPath:
		if messages.ValidPath(text) || text == k.Default {
			return text, nil
		}
		return nil, wrong
	}
	most := k.Max
	if most == 0 {
		most = math.MaxInt64 / int64(time.Millisecond)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < k.Min || n > most {
		return nil, wrong
	}
	if k.Kind == KeyMillis {
		return time.Duration(n) * time.Millisecond, nil
	}
	return n, nil
}

// These two keys are every stage's.
var (
	policyKey = StageKey{
		Name: "policy", Kind: KeyWord, Words: []string{"refuse", "pass"},
		Help: "What happens to requests while the stage has failed or is stuck.",
	}
	limitKey = StageKey{
		Name: "limit", Kind: KeyMillis, Min: 1, Help: "The stage counts as stuck when it keeps something for longer.",
	}
)

// AllKeys are the keys of a stage, those that every stage has first.
func (s *CustomStage) AllKeys() []StageKey {
	policy, limit := policyKey, limitKey
	policy.Default = s.Policy.String()
	limit.Default = strconv.FormatInt(s.limit().Milliseconds(), 10)
	return append([]StageKey{policy, limit}, s.Keys...)
}

func (s *CustomStage) limit() time.Duration {
	if s.Limit == 0 {
		return StageLimit
	}
	return s.Limit
}

// StageSettings are the values of a stage's keys. Asking for a key that the stage has not declared, or as another kind, is a
// bug and panics.
type StageSettings struct{ values map[string]any }

// SettingError is a wrong value of a stage's key, or a key that it doesn't have.
type SettingError struct{ Key, Problem string }

// Error implements error.
func (e *SettingError) Error() string { return e.Key + ": " + e.Problem }

// Configure gives a stage its settings: name → text; what is absent has its default.
func (s CustomStage) Configure(texts map[string]string) (ActiveStage, error) {
	active := ActiveStage{CustomStage: s, Settings: StageSettings{values: map[string]any{}}}
	known := map[string]bool{}
	for _, k := range s.AllKeys() {
		known[k.Name] = true
		text, set := texts[k.Name]
		if !set {
			text = k.Default
		}
		value, err := k.parse(text)
		if err != nil {
			return active, &SettingError{Key: k.Name, Problem: err.Error()}
		}
		active.Settings.values[k.Name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if !known[name] {
			return active, &SettingError{Key: name, Problem: "it has no such key; allowed: " + strings.Join(slices.Sorted(maps.Keys(known)), ", ")}
		}
	}
	active.Policy = Refuse
	if active.Settings.Text(policyKey.Name) == PassOn.String() {
		active.Policy = PassOn
	}
	active.Limit = active.Settings.Duration(limitKey.Name)
	return active, nil
}

// Text is the value of a KeyText, KeyWord or KeyPath.
func (s StageSettings) Text(name string) string { return setting[string](s, name) }

// Whole is the value of a KeyWhole.
func (s StageSettings) Whole(name string) int64 { return setting[int64](s, name) }

// Bool is the value of a KeyBool.
func (s StageSettings) Bool(name string) bool { return setting[bool](s, name) }

// Duration is the value of a KeyMillis.
func (s StageSettings) Duration(name string) time.Duration { return setting[time.Duration](s, name) }

func setting[T any](s StageSettings, name string) T {
	value, ok := s.values[name].(T)
	if !ok {
		panic(fmt.Sprintf("the stage has no key %s that is read as %T", name, value))
	}
	return value
}
