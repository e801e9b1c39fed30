package broker

import (
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Rate limits calls by a bucket of tokens: each call takes one, and PerSecond come back a second until Burst are there.
type Rate struct {
	// PerSecond is how many calls may come a second on average. Defaults to 0: no limit.
	PerSecond float64
	// Burst is how many may come at once. Defaults to a second's worth, at least 1.
	Burst int
}

// Rates are the limits that the operator sets, besides what each tool's Spec says for each session.
type Rates struct {
	// Session limits all calls of each session together. Defaults to no limit.
	Session Rate
	// Tools limits the calls of a tool by all sessions together, by the tool's id or name. Defaults to no limits.
	Tools map[string]Rate
}

// Check refuses what is no rate; name says whose it is.
func (r Rate) Check(name string) error {
	switch {
	case !(r.PerSecond >= 0) || math.IsInf(r.PerSecond, 1): // also refuses NaN
		return tool.Errorf(tool.ValidationError, "%s.per_second is %v: want 0 (no limit) or a finite number above it", name, r.PerSecond)
	case r.Burst < 0:
		return tool.Errorf(tool.ValidationError, "%s.burst is %d: want 1 or more, or 0 for a second's worth", name, r.Burst)
	case r.Burst > 0 && r.PerSecond == 0:
		return tool.Errorf(tool.ValidationError, "%s.burst is %d without a rate: give %s.per_second too", name, r.Burst, name)
	default:
		return nil
	}
}

// Check refuses what is no rate, by the names of the config file.
func (r Rates) Check() error {
	if err := r.Session.Check("rates.session"); err != nil {
		return err
	}
	for name, of := range r.Tools {
		if err := tool.CheckName("tool in rates.tools", name); err != nil {
			return err
		}
		if err := of.Check("rates.tools." + name); err != nil {
			return err
		}
	}
	return nil
}

// burst is Burst with its default.
func (r Rate) burst() int {
	if r.Burst > 0 {
		return r.Burst
	}
	return int(max(1, min(math.Ceil(r.PerSecond), math.MaxInt32)))
}

// Bounds on what is remembered and advised.
const (
	maxBuckets  = 1 << 16
	longestWait = 30 * day
)

// rates holds the buckets. Those of a session go when it ends, and those that are full are as good as none.
type rates struct {
	session Rate
	most    int // buckets of sessions; beyond it, buckets of any session are forgotten

	mu       sync.Mutex
	tools    map[string]*allowance // of all sessions together; the map itself never changes
	sessions map[tool.SessionKey]*sessionBuckets
	count    int // buckets in sessions
}

// sessionBuckets are those of one session.
type sessionBuckets struct {
	epoch uint64
	all   *allowance // of all its calls; nil without such a limit
	tools map[toolOfSession]*allowance
}

// toolOfSession tells a session's own tool from a shared one with the same id.
type toolOfSession struct {
	id  string
	own bool
}

// allowance is a bucket: a limiter and what it was made from.
type allowance struct {
	rate    Rate
	limiter *rate.Limiter
}

func newAllowance(r Rate) *allowance {
	return &allowance{rate: r, limiter: rate.NewLimiter(rate.Limit(r.PerSecond), r.burst())}
}

// adopt changes the limit of a bucket and leaves its tokens.
func (b *allowance) adopt(r Rate, now time.Time) {
	if b.rate == r {
		return
	}
	b.rate = r
	b.limiter.SetLimitAt(now, rate.Limit(r.PerSecond))
	b.limiter.SetBurstAt(now, r.burst())
}

func (b *allowance) full(now time.Time) bool {
	return b.limiter.TokensAt(now) >= float64(b.limiter.Burst())
}

// wait is how long it takes until there is a token; 0 when there is one.
func (b *allowance) wait(now time.Time) time.Duration {
	missing := 1 - b.limiter.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	millis := math.Ceil(missing / b.rate.PerSecond * 1e3)
	if millis >= float64(longestWait.Milliseconds()) {
		return longestWait
	}
	return time.Duration(millis) * time.Millisecond
}

func newRates(cfg Rates) *rates {
	a := &rates{session: cfg.Session, most: maxBuckets, sessions: make(map[tool.SessionKey]*sessionBuckets)}
	for name, r := range cfg.Tools {
		if r.PerSecond == 0 {
			continue
		}
		if a.tools == nil {
			a.tools = make(map[string]*allowance, len(cfg.Tools))
		}
		a.tools[name] = newAllowance(r)
	}
	return a
}

// take takes a token from every bucket that a call of a tool must pay to, or from none and says RateLimitExceeded. It costs
// nothing where no limit applies.
func (a *rates) take(key tool.SessionKey, epoch uint64, spec *tool.Spec) error {
	if a.session.PerSecond == 0 && a.tools == nil && spec.RatePerSecond == 0 {
		return nil
	}
	if r, at, wait := a.spend(key, epoch, spec, time.Now()); wait > 0 {
		return exceeded(r, at, key, spec, wait)
	}
	return nil
}

// spend takes a token from every bucket, or from none and says which one has to be waited for longest.
func (a *rates) spend(key tool.SessionKey, epoch uint64, spec *tool.Spec, now time.Time) (r Rate, at scope, wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.makeRoom(now)
	buckets := [...]*allowance{ofSession: a.ofSession(key, epoch), ofTool: a.ofTool(spec), ofToolInSession: a.ofSpec(key, epoch, spec, now)}
	for i, b := range buckets {
		if b == nil {
			continue
		}
		if d := b.wait(now); d > wait {
			r, at, wait = b.rate, scope(i), d
		}
	}
	for _, b := range buckets {
		if b != nil && wait == 0 {
			b.limiter.AllowN(now, 1)
		}
	}
	return r, at, wait
}

func (a *rates) ofSession(key tool.SessionKey, epoch uint64) *allowance {
	if a.session.PerSecond == 0 {
		return nil
	}
	s := a.enter(key, epoch)
	if s.all == nil {
		s.all = newAllowance(a.session)
		a.count++
	}
	return s.all
}

func (a *rates) ofTool(spec *tool.Spec) *allowance {
	if b := a.tools[spec.ID]; b != nil {
		return b
	}
	return a.tools[spec.Name]
}

func (a *rates) ofSpec(key tool.SessionKey, epoch uint64, spec *tool.Spec, now time.Time) *allowance {
	if spec.RatePerSecond == 0 {
		return nil
	}
	s := a.enter(key, epoch)
	id := toolOfSession{spec.ID, spec.SessionID != ""}
	r := Rate{spec.RatePerSecond, spec.RateBurst}
	if b := s.tools[id]; b != nil {
		b.adopt(r, now)
		return b
	}
	if s.tools == nil {
		s.tools = make(map[toolOfSession]*allowance)
	}
	b := newAllowance(r)
	s.tools[id] = b
	a.count++
	return b
}

// enter returns a session's buckets. Those of an earlier epoch are not its own.
func (a *rates) enter(key tool.SessionKey, epoch uint64) *sessionBuckets {
	s := a.sessions[key]
	if s != nil && s.epoch >= epoch {
		return s
	}
	if s != nil {
		a.drop(key, s)
	}
	s = &sessionBuckets{epoch: epoch}
	a.sessions[key] = s
	return s
}

func (a *rates) drop(key tool.SessionKey, s *sessionBuckets) {
	a.count -= len(s.tools)
	if s.all != nil {
		a.count--
	}
	delete(a.sessions, key)
}

// makeRoom forgets full buckets when there are too many, and then those of any sessions: their limits begin anew.
func (a *rates) makeRoom(now time.Time) {
	if a.count < a.most {
		return
	}
	a.sweepFull(now)
	for key, s := range a.sessions {
		if a.count <= a.most-a.most/8 {
			return
		}
		a.drop(key, s)
	}
}

// forget drops the buckets of epochs of a session up to the given one.
func (a *rates) forget(key tool.SessionKey, epoch uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.sessions[key]; s != nil && s.epoch <= epoch {
		a.drop(key, s)
	}
}

// sweep forgets full buckets.
func (a *rates) sweep(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweepFull(now)
}

func (a *rates) sweepFull(now time.Time) {
	for key, s := range a.sessions {
		if s.all != nil && s.all.full(now) {
			s.all = nil
			a.count--
		}
		for id, b := range s.tools {
			if b.full(now) {
				delete(s.tools, id)
				a.count--
			}
		}
		if s.all == nil && len(s.tools) == 0 {
			delete(a.sessions, key)
		}
	}
}

// scope is whom a limit binds.
type scope int

const (
	ofSession scope = iota
	ofTool
	ofToolInSession
)

// String is the detail "scope" of RateLimitExceeded.
func (s scope) String() string {
	switch s {
	case ofSession:
		return "session"
	case ofTool:
		return "tool"
	default:
		return "tool_in_session"
	}
}

func exceeded(r Rate, at scope, key tool.SessionKey, spec *tool.Spec, wait time.Duration) *tool.Error {
	var what string
	switch at {
	case ofSession:
		what = fmt.Sprintf("session %q makes calls too often: each session may make", key.ID)
	case ofTool:
		what = fmt.Sprintf("tool %q is called too often: all sessions together may make", spec.Name)
	default:
		what = fmt.Sprintf("tool %q is called too often in session %q: each session may make", spec.Name, key.ID)
	}
	limit := strconv.FormatFloat(r.PerSecond, 'g', -1, 64)
	return tool.Errorf(tool.RateLimitExceeded, "%s %s calls a second, %d at once; try again in %v, or make fewer calls", what, limit, r.burst(), wait).
		With("scope", at.String()).With("limit", limit).With("burst", strconv.Itoa(r.burst())).
		With("tool", spec.ID).With("session", key.ID).With("started", "false").WithRetryAfter(wait)
}
