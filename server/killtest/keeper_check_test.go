package killtest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// settle compares the folder with all that it may hold: what was acknowledged, and some first part of what was on its
// way. The first part that fits becomes what is known; when none fits, the promise is broken.
func (k *keeper) settle(ctx context.Context, v *view) error {
	var best []difference // the fewest of any first part
	for applied := len(k.flight); applied >= 0; applied-- {
		candidate := k.known.clone()
		for i := range applied {
			candidate.apply(k.flight[i].steps, symbol(i))
		}
		found := k.differences(candidate, v)
		if len(found) == 0 {
			k.adopt(candidate, v, applied)
			return k.comeBack(ctx)
		}
		if best == nil || len(found) < len(best) {
			best = found
		}
	}
	for _, d := range best {
		k.tally.report(k.breach(d.path, "%s", d.what))
	}
	return nil
}

// difference is where a view isn't what the model says.
type difference struct{ path, what string }

// differences compares a view with what the candidate says.
func (k *keeper) differences(candidate *ledger, v *view) (list []difference) {
	differs := func(path, format string, args ...any) {
		list = append(list, difference{path, fmt.Sprintf(format, args...)})
	}
	if open := candidate.session != 0; open == k.lost {
		differs(k.folder, "session %v can be taken up: %v, should be: %v", k.session, !k.lost, open)
	}
	b := &binding{after: k.tally.since, zxids: map[messages.Zxid]messages.Zxid{}}
	for _, path := range v.below(k.folder) {
		if _, ok := candidate.nodes[path]; !ok {
			differs(path, "the node exists and should not: %+v", v.nodes[path].stat)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(candidate.nodes)) {
		want, got := candidate.nodes[path], v.nodes[path]
		k.tally.checked.Add(1)
		if got.stat.Czxid == 0 {
			differs(path, "the node is missing; it should be %+v", want.stat)
			continue
		}
		if string(want.data) != string(got.data) {
			differs(path, "the data is %q, should be %q", got.data, want.data)
		}
		if text := b.differs(want.stat, got.stat); text != "" {
			differs(path, "%s", text)
		}
	}
	return list
}

// adopt makes the candidate that fits what is known, with the zxids and times that the server tells.
func (k *keeper) adopt(candidate *ledger, v *view, applied int) {
	k.settled(applied)
	for path, n := range candidate.nodes {
		n.stat = v.nodes[path].stat
		candidate.nodes[path] = n
	}
	k.known = candidate
}

// comeBack opens a new session when the old one had been closed.
func (k *keeper) comeBack(ctx context.Context) error {
	if !k.lost {
		return nil
	}
	k.session, k.password, k.lost = 0, nil, false
	_, err := k.attach(ctx, k.addr)
	k.known.session = k.session
	return err
}
