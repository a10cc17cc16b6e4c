package chaostest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// numberFolder is where sequence numbers are drawn.
const (
	numberFolder = "/numbers"
	numberPrefix = numberFolder + "/n-"
)

// ticket is a sequence number that was acknowledged.
type ticket struct {
	number       int
	zxid         messages.Zxid
	begun, ended time.Duration
	name         string
	kept         bool // nobody has asked for its deletion
}

func (t *ticket) String() string {
	return fmt.Sprintf("%.4f–%.4f %s drew %d at %v", t.begun.Seconds(), t.ended.Seconds(), t.name, t.number, t.zxid)
}

// roll is what all drawers have been given.
type roll struct {
	mu      sync.Mutex
	tickets []*ticket
}

// drawer draws sequence numbers from a folder that all drawers share, and deletes older nodes of its own.
type drawer struct {
	*user
	roll *roll
	mine []*ticket
}

func newDrawer(i int, rng *rand.Rand, e *ensemble, r *record, all *roll) *drawer {
	return &drawer{user: newUser(fmt.Sprintf("drawer%d", i), rng, e, r), roll: all}
}

func (d *drawer) run(ctx context.Context) {
	for ctx.Err() == nil && d.alive(ctx) {
		if d.rng.IntN(100) == 0 {
			d.conn.DropConnection()
		}
		if len(d.mine) > 30 {
			t := d.mine[0]
			d.mine, t.kept = d.mine[1:], false
			o := d.do(ctx, step{op: messages.OpDelete, path: fmt.Sprintf("%s%010d", numberPrefix, t.number), version: -1})
			if o.outcome == refused {
				d.record.report(violation{o.steps[0].path, "the node is missing", []fmt.Stringer{t, o}})
			}
		} else {
			d.draw(ctx)
		}
		pause(ctx, d.pace())
	}
}

func (d *drawer) draw(ctx context.Context) {
	mode := client.PersistentSequential
	o := d.do(ctx, step{op: messages.OpCreate, path: numberPrefix, data: d.unique(), mode: mode})
	if o.outcome == refused {
		d.record.report(violation{numberFolder, "a number is never refused", lines(o)})
	}
	if o.outcome != done {
		return
	}
	digits, _ := strings.CutPrefix(o.path, numberPrefix)
	number, err := strconv.Atoi(digits)
	if err != nil || len(digits) != 10 {
		d.record.report(violation{numberFolder, "the answer is no sequential name of the folder", lines(o)})
		return
	}
	t := &ticket{number, o.zxid, o.begun, o.ended, d.name, true}
	d.mine = append(d.mine, t)
	d.roll.mu.Lock()
	defer d.roll.mu.Unlock()
	d.roll.tickets = append(d.roll.tickets, t)
}

// audit makes sure that no number was given twice, that they rise with the zxid and with time, and that the nodes that
// were kept are there.
func (all *roll) audit(r *record, v *view) {
	list := slices.Clone(all.tickets)
	slices.SortFunc(list, func(a, b *ticket) int { return a.number - b.number })
	var latest *ticket // the one that was asked for last, of the smaller numbers
	for i, t := range list {
		if i > 0 {
			before := list[i-1]
			switch {
			case t.number == before.number:
				r.report(violation{numberFolder, "a number was given twice", []fmt.Stringer{before, t}})
			case t.zxid <= before.zxid:
				r.report(violation{numberFolder, "the larger number has the smaller zxid", []fmt.Stringer{before, t}})
			}
			if t.ended < latest.begun {
				r.report(violation{numberFolder, "the larger number was given before the smaller one was asked for",
					[]fmt.Stringer{latest, t}})
			}
		}
		if latest == nil || t.begun > latest.begun {
			latest = t
		}
		path := fmt.Sprintf("%s%010d", numberPrefix, t.number)
		if n, there := v.nodes[path]; t.kept && (!there || n.stat.Czxid != t.zxid) {
			r.report(violation{path, fmt.Sprintf("there: %v, with %+v; nobody deleted it", there, n.stat), []fmt.Stringer{t}})
		}
	}
}
