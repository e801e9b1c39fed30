package broker

import (
	"context"
	"slices"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Tools lists what a session sees, its own tools and the shared ones that none of them hides, in the order in which they
// were registered. Hidden ones are left out. The specs are the caller's own copies with Available set; what they point to is shared.
func (b *Broker) Tools(ctx context.Context, p tool.Principal, id string, epoch uint64, minRevision string) (specs []*tool.Spec, revision string, err error) {
	key := tool.SessionKey{Owner: p.Name, ID: id}
	rec, err := b.live(ctx, key, epoch, minRevision)
	if err != nil {
		return nil, "", err
	}
	if specs, err = b.ToolsOf(ctx, rec); err != nil {
		return nil, "", err
	}
	return specs, rec.Revision, nil
}

// ToolsOf lists what Tools lists for a session that was found a moment ago.
func (b *Broker) ToolsOf(ctx context.Context, rec *SessionRecord) ([]*tool.Spec, error) {
	shared, err := b.store.SharedTools(ctx)
	if err != nil {
		return nil, err
	}
	specs := make([]*tool.Spec, 0, rec.Tools.Visible()+shared.Visible())
	for _, s := range rec.Tools.All() {
		specs = list(specs, s)
	}
	for _, s := range shared.All() {
		if rec.Tools.Lookup(s.Name) == nil {
			specs = list(specs, s)
		}
	}
	if len(specs) > 0 {
		slices.SortStableFunc(specs, byOrder)
		b.scheduler.mark(rec.Key, specs)
	}
	return specs, nil
}

func list(specs []*tool.Spec, s *tool.Spec) []*tool.Spec {
	if s.Hidden {
		return specs
	}
	own := *s
	return append(specs, &own)
}

// ToolCount returns how many tools Tools lists for the session, without listing them.
func (b *Broker) ToolCount(ctx context.Context, rec *SessionRecord) (int, error) {
	shared, err := b.store.SharedTools(ctx)
	if err != nil {
		return 0, err
	}
	hidden := make(map[*tool.Spec]bool)
	for _, s := range rec.Tools.All() {
		for _, name := range []string{s.ID, s.Name} {
			if other := shared.named(name); other != nil && !other.Hidden {
				hidden[other] = true
			}
		}
	}
	return rec.Tools.Visible() + shared.Visible() - len(hidden), nil
}

// RegisterTools records tools of a session, all or none, and returns their ids in the order given and the session's
// revision. They are offered by nobody until a host registers them too. Errors: ValidationError, ToolConflict,
// Unimplemented, MessageTooLarge, QuotaExceeded, SessionNotFound, SessionExpired, StoreUnavailable.
func (b *Broker) RegisterTools(ctx context.Context, p tool.Principal, id string, epoch uint64, specs []*tool.Spec) (ids []string, revision string, err error) {
	key, err := b.enter(ctx, p, id, epoch)
	if err != nil {
		return nil, "", err
	}
	own, ids, err := b.prepare(p, specs)
	if err != nil {
		return nil, "", err
	}
	for _, s := range own {
		s.SessionID = id
	}
	b.registering.RLock()
	defer b.registering.RUnlock()
	catalog, err := b.catalog(ctx, key)
	if err != nil {
		return nil, "", err
	}
	if err := b.fits(key, catalog, own); err != nil {
		return nil, "", err
	}
	var rec *SessionRecord
	err = b.write("register_tools", func() (err error) {
		rec, err = b.store.RegisterTools(ctx, key, own)
		return err
	})
	if err != nil {
		return nil, "", b.explain(ctx, key, err)
	}
	return ids, rec.Revision, b.refresh(ctx, key)
}

// UnregisterTools forgets tools of a session, all or none, and returns the session's revision. Errors: ToolNotFound,
// SessionNotFound, SessionExpired, StoreUnavailable.
func (b *Broker) UnregisterTools(ctx context.Context, p tool.Principal, id string, epoch uint64, ids []string) (revision string, err error) {
	key, err := b.enter(ctx, p, id, epoch)
	if err != nil {
		return "", err
	}
	b.registering.Lock()
	defer b.registering.Unlock()
	rec, err := b.unregister(ctx, key, ids)
	if err != nil {
		return "", err
	}
	return rec.Revision, b.refresh(ctx, key)
}

func (b *Broker) unregister(ctx context.Context, key tool.SessionKey, ids []string) (rec *SessionRecord, err error) {
	err = b.write("unregister_tools", func() (err error) {
		rec, err = b.store.UnregisterTools(ctx, key, ids)
		return err
	})
	return rec, b.explain(ctx, key, err)
}

// refresh brings what is routed in line with the tools that the store holds now for a session, or, with the zero
// key, for every session.
func (b *Broker) refresh(ctx context.Context, key tool.SessionKey) error {
	b.routing.Lock()
	defer b.routing.Unlock()
	catalog, err := b.catalog(ctx, key)
	if err != nil {
		return err
	}
	b.scheduler.refresh(key, catalog)
	return nil
}

// catalog returns the tools of a session, or, with the zero key, the shared ones. A session that does not live has none.
func (b *Broker) catalog(ctx context.Context, key tool.SessionKey) (*Catalog, error) {
	if key == (tool.SessionKey{}) {
		return b.store.SharedTools(ctx)
	}
	rec, err := b.store.Session(ctx, key)
	if tool.CodeOf(err) == tool.SessionNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return rec.Tools, nil
}
