package broker

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// defaultMaxCalls is how many calls a host runs at once where it does not say.
const defaultMaxCalls = 4096

// AttachOptions describe a host.
type AttachOptions struct {
	// Principal owns what the host registers. Defaults to the zero principal.
	Principal tool.Principal
	// MaxCalls is how many calls it runs at once. Calls that wait for nested ones do not count, so the host itself must
	// not refuse calls beyond it. Defaults to 4,096.
	MaxCalls int
	// Labels are free, for people. Defaults to none.
	Labels map[string]string
	// Address is where it is, for people. Defaults to none.
	Address string
	// Incarnation names this attachment, for people. Defaults to none.
	Incarnation string
	// Local hosts run in the bridge's own process: metrics do not name them and Workers leaves them out. Defaults to false.
	Local bool
}

// Attachment is a host's place at the broker. Its methods may be called by any number of goroutines.
type Attachment struct {
	broker *Broker
	host   *host

	mu sync.Mutex // one registration at a time
}

// Attach gives a host a place. It gets calls once it has registered tools.
func (b *Broker) Attach(runner Host, o AttachOptions) (*Attachment, error) {
	if err := tool.CheckName("identity of the worker", runner.Identity()); err != nil {
		return nil, err
	}
	if o.MaxCalls < 0 {
		return nil, tool.Errorf(tool.ValidationError, "worker %q runs %d calls at once: want at least 1, or 0 for %d", runner.Identity(), o.MaxCalls, defaultMaxCalls)
	}
	if o.MaxCalls == 0 {
		o.MaxCalls = defaultMaxCalls
	}
	if err := b.checkMetadata("the labels of worker "+strconv.Quote(runner.Identity()), o.Labels); err != nil {
		return nil, err
	}
	h, err := b.scheduler.attach(runner, o)
	if err != nil {
		return nil, err
	}
	b.hostChanged(h, Ready, false)
	return &Attachment{broker: b, host: h}, nil
}

func (b *Broker) hostChanged(h *host, state HostState, gone bool) {
	if b.observer != nil {
		b.observer.HostChanged(h.runner.Identity(), state, gone)
	}
}

// name is how metrics name a host.
func (h *host) name() string {
	if h.options.Local {
		return ""
	}
	return h.runner.Identity()
}

// Register offers tools, all or none, to the session that each spec names or to every session, and returns their ids in the order given. Registering a tool
// again replaces it; one whose schema did not change keeps its age, so that it does not displace a newer schema.
// Errors: ValidationError, ToolConflict, Unimplemented, MessageTooLarge, QuotaExceeded, SessionNotFound, SessionExpired, StoreUnavailable.
func (a *Attachment) Register(ctx context.Context, specs []*tool.Spec) (ids []string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.broker
	own, ids, err := b.prepare(a.host.options.Principal, specs)
	if err != nil {
		return nil, err
	}
	groups := a.group(own)
	b.registering.RLock()
	defer b.registering.RUnlock()
	if slices.ContainsFunc(groups, (*group).shared) {
		b.sharing.Lock()
		defer b.sharing.Unlock()
	}
	for _, g := range groups {
		if err := a.check(ctx, g); err != nil {
			return nil, err
		}
	}
	for _, g := range groups {
		if err := a.record(ctx, g); err != nil {
			return nil, err
		}
	}
	for _, g := range groups {
		if err := a.offer(ctx, g); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// group is the part of a registration that is of one scope. The key is zero for the shared tools.
type group struct {
	key   tool.SessionKey
	specs []*tool.Spec
}

// group sorts specs by scope, in the order of their first tools.
func (a *Attachment) group(specs []*tool.Spec) []*group {
	var groups []*group
	byKey := make(map[tool.SessionKey]*group)
	for _, s := range specs {
		key := a.scope(s.SessionID)
		g := byKey[key]
		if g == nil {
			g = &group{key: key}
			byKey[key] = g
			groups = append(groups, g)
		}
		g.specs = append(g.specs, s)
	}
	return groups
}

// scope is the key of a session of the host's principal, or zero for none.
func (a *Attachment) scope(sessionID string) tool.SessionKey {
	if sessionID == "" {
		return tool.SessionKey{}
	}
	return tool.SessionKey{Owner: a.host.options.Principal.Name, ID: sessionID}
}

func (g *group) shared() bool { return g.key == tool.SessionKey{} }

// check sees whether the store will take a group, so that a registration of several scopes is all or none.
func (a *Attachment) check(ctx context.Context, g *group) error {
	b := a.broker
	if !g.shared() {
		if _, err := b.live(ctx, g.key, 0, ""); err != nil {
			return err
		}
		b.touch(ctx, g.key)
	}
	catalog, err := b.catalog(ctx, g.key)
	if err != nil {
		return err
	}
	if err = b.fits(g.key, catalog, g.specs); err != nil || !g.shared() || a.host.options.Local {
		return err
	}
	if s := b.scheduler.local(g.specs); s != nil {
		return tool.Errorf(tool.ToolConflict, "tool %q is offered by the bridge itself: choose another id, or offer it to one session", s.ID).With("tool", s.ID)
	}
	return nil
}

// record writes to the store what is news there.
func (a *Attachment) record(ctx context.Context, g *group) error {
	b := a.broker
	catalog, err := b.catalog(ctx, g.key)
	if err != nil {
		return err
	}
	news := b.scheduler.news(a.host, g, catalog)
	if len(news) == 0 {
		return nil
	}
	err = b.write("register_tools", func() error {
		if g.shared() {
			_, err := b.store.RegisterShared(ctx, news)
			return err
		}
		_, err := b.store.RegisterTools(ctx, g.key, news)
		return err
	})
	return b.explain(ctx, g.key, err)
}

// offer lets calls come to what was recorded.
func (a *Attachment) offer(ctx context.Context, g *group) error {
	b := a.broker
	b.routing.Lock()
	defer b.routing.Unlock()
	var epoch uint64
	if !g.shared() {
		rec, err := b.live(ctx, g.key, 0, "")
		if err != nil {
			return err
		}
		epoch = rec.Epoch
	}
	catalog, err := b.catalog(ctx, g.key)
	if err != nil {
		return err
	}
	changed, err := b.scheduler.offer(a.host, g.key, epoch, g.specs, catalog)
	if err != nil {
		return err
	}
	b.announce(changed)
	return nil
}

// Unregister withdraws tools of a session, or with an empty sessionID shared ones, all or none. A tool that no other host offers
// is forgotten; calls that run go on. One that this host does not offer is ToolNotFound.
func (a *Attachment) Unregister(ctx context.Context, sessionID string, ids []string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.broker
	key := a.scope(sessionID)
	b.registering.Lock()
	defer b.registering.Unlock()
	unknown, orphaned, changed := b.scheduler.withdraw(a.host, key, sessionID == "", ids)
	if len(unknown) > 0 {
		return tool.Errorf(tool.ToolNotFound, "the worker does not offer tool %q: none was withdrawn", unknown[0]).With("tool", unknown[0])
	}
	b.announce(changed)
	if len(orphaned) == 0 {
		return nil
	}
	if err := b.forget(ctx, key, orphaned); err != nil {
		return err
	}
	return b.refresh(ctx, key)
}

// forget removes tools from the store that nobody offers any more.
func (b *Broker) forget(ctx context.Context, key tool.SessionKey, ids []string) error {
	if key == (tool.SessionKey{}) {
		return b.write("unregister_tools", func() error { return b.store.UnregisterShared(ctx, ids) })
	}
	_, err := b.unregister(ctx, key, ids)
	switch tool.CodeOf(err) {
	case tool.ToolNotFound, tool.SessionNotFound, tool.SessionExpired:
		return nil // somebody else forgot them first
	default:
		return err
	}
}

// SetState says whether the host gets calls.
func (a *Attachment) SetState(state HostState) {
	changed, ok := a.broker.scheduler.setState(a.host, state)
	if !ok {
		return
	}
	a.broker.hostChanged(a.host, state, false)
	a.broker.announce(changed)
}

// Detach ends the attachment: no new calls, and what only this host offered is unavailable. Calls that run at the host
// end when its methods return, which must then be soon. Detaching again does nothing.
func (a *Attachment) Detach() {
	changed, ok := a.broker.scheduler.detach(a.host)
	if !ok {
		return
	}
	a.broker.hostChanged(a.host, Detached, true)
	a.broker.announce(changed)
}
