package actors

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/troupekeeper/troupe/messages"
)

// Place says where in the pipeline a stage of somebody's own stands.
type Place uint8

// The places.
//
//	connection → [BeforeRequest] → request → … → [BeforePrep] → prep ⇄ [BeforeProposal] … → commit → final
//	           ← [BeforeReply] ← final → [AfterCommit]
const (
	// BeforeRequest shows every request of this server's clients but pings. It can be refused, or kept for a while.
	BeforeRequest Place = iota + 1
	// BeforePrep shows every write of the ensemble, on the server that leads (or runs alone). It can be refused.
	BeforePrep
	// BeforeProposal shows each transaction that prep has found valid, before anybody else hears of it, on the server that
	// leads. It can be refused. Prep waits for the answer, and judges what came with a refused one anew: its transactions may
	// be shown again, with another zxid.
	BeforeProposal
	// AfterCommit shows every committed transaction once it is in this server's tree, in zxid order. Nothing can be refused.
	AfterCommit
	// BeforeReply shows every reply of this server but those to pings, with its request. Its client hears nothing before the
	// stage has handed it on; one that is refused ends the connection.
	BeforeReply
)

var placeNames = map[Place]string{
	BeforeRequest: "before-request", BeforePrep: "before-prep",
	BeforeProposal: "before-proposal", AfterCommit: "after-commit", BeforeReply: "before-reply",
}

// String is the name that log lines and the command stages print.
func (p Place) String() string { return placeNames[p] }

// FailurePolicy says what happens to what a stage doesn't handle, because it has failed, is stuck or is being started again.
type FailurePolicy uint8

const (
	// Refuse answers requests and transactions with a system error (-1), and ends the connection whose reply it is. Sessions are
	// opened and closed all the same.
	Refuse FailurePolicy = iota
	// PassOn lets everything pass as if the stage weren't there.
	PassOn
)

// String is the word for it in zoo.cfg.
func (p FailurePolicy) String() string {
	if p == PassOn {
		return "pass"
	}
	return "refuse"
}

// StageLimit is how long a stage may keep an item, or the call that hands it a batch, unless it says otherwise.
const StageLimit = 10 * time.Second

// Stage is what somebody adds to the pipeline. Its methods are called one at a time, each after all that the one before did is
// seen, but not always on the same goroutine. One that blocks, or is slow, harms nobody but who waits for it: it is given a
// goroutine of its own.
type Stage interface {
	// Handle takes the next items, in order, and returns those that go on now. It may keep some and hand them on later
	// (CustomEnv.Run, CustomEnv.After), but those of one session, and at BeforeProposal and AfterCommit all, must leave in
	// the order in which they came, each once. The batch belongs to the stage; an item that it has handed on doesn't any more.
	Handle(batch []Item) []Item
}

// StageFunc is a stage that is one function.
type StageFunc func(batch []Item) []Item

// Handle implements Stage.
func (f StageFunc) Handle(batch []Item) []Item { return f(batch) }

// A Stage may have more methods, which are called like Handle.
type (
	// StageCloser is a stage that has something to give back. Close is called when its pipeline ends, not after a failure.
	StageCloser interface{ Close() }
	// StageResumer is a stage AfterCommit that says where it goes on: it is shown what follows that transaction, from the log
	// on disk if need be. One that isn't a resumer begins with what is committed when it starts, and again after each failure.
	StageResumer interface{ ResumeAfter() messages.Zxid }
	// StageGapper is a stage AfterCommit that wants to know of transactions it can't be shown: this server got them as part of
	// a snapshot, or their log is gone. What follows comes after to.
	StageGapper interface{ Gap(after, to messages.Zxid) }
)

// CustomStage describes a stage.
type CustomStage struct {
	ID     string // lower case letters, digits and dashes; its keys in zoo.cfg begin with stage.<id>.
	Help   string // one sentence
	Place  Place
	Roles  []Role        // where it runs; nil: wherever its place is
	Class  FailureClass  // Rebuildable, which is the default: it alone is made anew. Ordered: the whole pipeline is
	Policy FailurePolicy // the key stage.<id>.policy overrides it
	Limit  time.Duration // 0: StageLimit; the key stage.<id>.limit overrides it
	Keys   []StageKey
	// New makes it, on its own goroutine. It is called again after each failure and for each new pipeline.
	New func(env *CustomEnv) (Stage, error)
}

var stageID = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// Check tells what is wrong with a description.
func (s *CustomStage) Check() error {
	switch {
	case !stageID.MatchString(s.ID):
		return fmt.Errorf("stage %q: an ID has lower case letters, digits and dashes, and begins with a letter", s.ID)
	case placeNames[s.Place] == "":
		return fmt.Errorf("stage %s: its Place is %d: allowed are the constants BeforeRequest to BeforeReply", s.ID, s.Place)
	case s.New == nil:
		return fmt.Errorf("stage %s: it has no New", s.ID)
	case s.Class != Private && s.Class != Rebuildable && s.Class != Ordered:
		return fmt.Errorf("stage %s: its Class is %v: allowed are Rebuildable and Ordered", s.ID, s.Class)
	case s.Limit < 0:
		return fmt.Errorf("stage %s: its Limit is negative", s.ID)
	}
	for i := range s.Keys {
		if err := s.Keys[i].check(); err != nil {
			return fmt.Errorf("stage %s: %w", s.ID, err)
		}
	}
	return nil
}

// runsOn tells whether the stage works on a server of that role. The desk is on one server.
func (s *CustomStage) runsOn(r Role) bool {
	if (s.Place == BeforePrep || s.Place == BeforeProposal) && r != RoleStandalone && r != RoleLeader {
		return false
	}
	if s.Place == AfterCommit && r == RoleReadOnly {
		return false
	}
	return s.Roles == nil || slices.Contains(s.Roles, r)
}

// ActiveStage is a stage that a server runs, with its settings.
type ActiveStage struct {
	CustomStage
	Settings StageSettings
}

var registry struct {
	mu     sync.Mutex
	stages map[string]CustomStage
}

// RegisterStage makes a stage known to all servers of this program. It runs where the key stages names it. It is called in
// an init; a wrong description, or an ID that is taken, is a bug and panics.
func RegisterStage(s CustomStage) {
	if err := s.Check(); err != nil {
		panic(err)
	}
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if _, taken := registry.stages[s.ID]; taken {
		panic("two stages are called " + s.ID)
	}
	if registry.stages == nil {
		registry.stages = map[string]CustomStage{}
	}
	registry.stages[s.ID] = s
}

// RegisteredStages lists what RegisterStage was called with, by ID.
func RegisteredStages() []CustomStage {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	list := make([]CustomStage, 0, len(registry.stages))
	for _, s := range registry.stages {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b CustomStage) int { return strings.Compare(a.ID, b.ID) })
	return list
}
