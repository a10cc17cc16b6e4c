package stages

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// RateLimit is the stage that limits the rate of each tenant's requests on a server. A tenant is the part of a path below a
// prefix, or who the client has proved to be, or where it comes from. What is beyond the rate waits a while, then it is
// refused as throttled (-127). Limits change at run time by the data of a node.
func RateLimit() actors.CustomStage {
	return actors.CustomStage{
		ID: "ratelimit", Place: actors.BeforeRequest, Policy: actors.PassOn,
		Help: "Limits the rate of requests by tenant; what is beyond it waits, then is refused as throttled (-127).",
		Keys: []actors.StageKey{
			{Name: "by", Kind: actors.KeyWord, Default: "path", Words: []string{"path", "identity", "client"},
				Help: "What a tenant is: the part of the path below the prefix, the client's identity, or its address without the port."},
			{Name: "prefix", Kind: actors.KeyPath, Default: "/", Help: "Where tenants begin, by path; requests elsewhere are not limited."},
			{Name: "rate", Kind: actors.KeyWhole, Default: "0", Max: math.MaxInt32,
				Help: "Requests a second of each tenant on this server; 0: no limit but what the node says."},
			{Name: "burst", Kind: actors.KeyWhole, Default: "0", Max: math.MaxInt32, Help: "Requests at once after a pause; 0: those of a second."},
			{Name: "wait", Kind: actors.KeyMillis, Default: "1000", Max: 5000, Help: "The longest wait before a request is refused."},
			{Name: "writes", Kind: actors.KeyBool, Default: "false", Help: "Only writes count."},
			{Name: "node", Kind: actors.KeyPath, Default: "",
				Help: "A node whose data has a line for each tenant, name=rate or name=rate,burst, and * for all others; looked at each second."},
		},
		New: func(env *actors.CustomEnv) (actors.Stage, error) { return newRateLimit(env) },
	}
}

// rateLook is how often the node with the limits is looked at.
const rateLook = time.Second

type limit struct{ rate, burst float64 }

type bucket struct {
	tokens float64
	at     int64 // monotonic microseconds
}

type rateLimit struct {
	env      *actors.CustomEnv
	by       string
	prefix   string
	wait     int64
	writes   bool
	node     string
	fallback limit
	limits   map[string]limit
	seen     messages.Zxid // of the node's data
	buckets  map[string]*bucket
	kept     []waiting
	armed    bool

	waited, throttled *actors.Counter
}

// waiting is a request that is kept, or stands behind one of its session.
type waiting struct {
	item   actors.Item
	tenant string
	until  int64
}

func newRateLimit(env *actors.CustomEnv) (*rateLimit, error) {
	s := env.Settings
	r := &rateLimit{
		env: env, by: s.Text("by"), prefix: s.Text("prefix"), wait: s.Duration("wait").Microseconds(), writes: s.Bool("writes"),
		node: s.Text("node"), fallback: newLimit(float64(s.Whole("rate")), float64(s.Whole("burst"))),
		limits: map[string]limit{}, buckets: map[string]*bucket{},
		waited: env.Counter("waited"), throttled: env.Counter("throttled"),
	}
	r.look()
	return r, nil
}

func newLimit(rate, burst float64) limit {
	if burst == 0 {
		burst = max(rate, 1)
	}
	return limit{rate, burst}
}

// Handle implements actors.Stage.
func (r *rateLimit) Handle(batch []actors.Item) []actors.Item {
	now := r.env.Clock.MonoUs()
	for i := range batch {
		tenant := r.tenant(&batch[i])
		r.kept = append(r.kept, waiting{batch[i], tenant, now + r.wait})
	}
	return r.pass(now)
}

// pass lets go what its tenant has a token for, and what has waited too long; a session's requests stay in their order.
func (r *rateLimit) pass(now int64) []actors.Item {
	var out []actors.Item
	held := map[messages.SessionID]bool{}
	left := r.kept[:0]
	for _, w := range r.kept {
		session := w.item.Session()
		switch {
		case held[session]:
		case w.tenant == "" || r.spend(w.tenant, now):
			out = append(out, w.item)
			continue
		case now >= w.until:
			r.throttled.Inc()
			w.item.Refuse(messages.ErrThrottledOp)
			out = append(out, w.item)
			continue
		default:
			held[session] = true
			r.waited.Inc()
		}
		left = append(left, w)
	}
	clear(r.kept[len(left):])
	if r.kept = left; len(left) > 0 && !r.armed {
		r.armed = true
		r.env.After(ratePause, func() []actors.Item {
			r.armed = false
			return r.pass(r.env.Clock.MonoUs())
		})
	}
	return out
}

// ratePause is how long what is kept rests before it is looked at again.
const ratePause = 5 * time.Millisecond

// spend takes a token of the tenant's, if there is one.
func (r *rateLimit) spend(tenant string, now int64) bool {
	l, ok := r.limits[tenant]
	if !ok {
		l = r.fallback
	}
	if l.rate == 0 && !ok {
		return true
	}
	b := r.buckets[tenant]
	if b == nil {
		b = &bucket{tokens: l.burst, at: now}
		r.buckets[tenant] = b
	}
	b.tokens = min(l.burst, b.tokens+l.rate*float64(now-b.at)/1e6)
	if b.at = now; b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// tenant is whose request it is, "" if nobody's rate counts it.
func (r *rateLimit) tenant(i *actors.Item) string {
	if r.writes && !i.Op().IsWrite() || i.Op() == messages.OpCloseSession {
		return ""
	}
	switch r.by {
	case "identity":
		for _, id := range i.Identities() {
			if id.Scheme != messages.SchemeIP {
				name, _, _ := strings.Cut(id.ID, ":")
				return id.Scheme + ":" + name
			}
		}
		return "anonymous"
	case "client":
		host := i.Client()
		if n := strings.LastIndexByte(host, ':'); n >= 0 {
			host = host[:n]
		}
		return host
	}
	path := i.Path()
	if !messages.HasPathPrefix(path, r.prefix) || path == r.prefix {
		return ""
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, r.prefix), "/"), "/")
	return name
}

// look takes the limits of the node over when they have changed, and forgets tenants that are at rest.
func (r *rateLimit) look() []actors.Item {
	r.readNode()
	now := r.env.Clock.MonoUs()
	for tenant, b := range r.buckets { // each by itself: the order makes no difference
		if now-b.at > int64(time.Minute/time.Microsecond) {
			delete(r.buckets, tenant)
		}
	}
	r.env.After(rateLook, r.look)
	return nil
}

func (r *rateLimit) readNode() {
	if r.node == "" {
		return
	}
	var text string
	var zxid messages.Zxid
	r.env.Read(func(t *tree.Tree) {
		if n, ok := t.LookupString(r.node); ok {
			text, zxid = string(n.Data()), n.Stat().Mzxid
		}
	})
	if zxid == r.seen {
		return
	}
	r.seen = zxid
	limits, fallback, err := parseLimits(text)
	if err != nil {
		r.env.Log.Warn().Err(err).Str("path", r.node).Msg("the limits stay as they were")
		return
	}
	r.limits = limits
	r.fallback = newLimit(float64(r.env.Settings.Whole("rate")), float64(r.env.Settings.Whole("burst")))
	if fallback != nil {
		r.fallback = *fallback
	}
	clear(r.buckets)
	r.env.Log.Info().Str("path", r.node).Int("tenants", len(limits)).Msg("the limits have changed")
}

// parseLimits reads lines of the form name=rate or name=rate,burst; # begins a comment.
func parseLimits(text string) (limits map[string]limit, fallback *limit, err error) {
	limits = map[string]limit{}
	for n, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		name, numbers, ok := strings.Cut(line, "=")
		first, second, two := strings.Cut(numbers, ",")
		rate, wrong := strconv.ParseFloat(strings.TrimSpace(first), 64)
		burst := 0.0
		if two && wrong == nil {
			burst, wrong = strconv.ParseFloat(strings.TrimSpace(second), 64)
		}
		if !ok || wrong != nil || !(rate >= 0 && rate <= 1e9) || !(burst >= 0 && burst <= 1e9) {
			return nil, nil, fmt.Errorf("line %d is %q: allowed is name=rate or name=rate,burst, with numbers from 0", n+1, line)
		}
		l := newLimit(rate, burst)
		if name = strings.TrimSpace(name); name == "*" {
			fallback = &l
			continue
		}
		limits[name] = l
	}
	return limits, fallback, nil
}
