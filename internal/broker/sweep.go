package broker

import (
	"context"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// seenEvery is how exactly a shared tool's LastSeen is kept.
const seenEvery = time.Hour

// sweep looks for what is over until ctx ends.
func (b *Broker) sweep(ctx context.Context) {
	ticker := time.NewTicker(b.config.SweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			b.keepBusy(ctx)
			if err := b.sweepSessions(ctx); err != nil && ctx.Err() == nil {
				b.logger.Warn("expired sessions could not be swept", "error", err)
			}
			b.sweepCalls(ctx)
			b.sweepTools(ctx, now)
			b.scheduler.prune(now)
			b.ledger.sweep(now)
			b.rates.sweep(now)
		}
	}
}

// sweepSessions ends sessions that were not used for their time to live. A session with calls under way is in use.
func (b *Broker) sweepSessions(ctx context.Context) error {
	over, err := b.store.Sweep(ctx, b.scheduler.busy)
	for _, key := range over {
		b.changes.put(Change{Session: key, Ended: true})
		b.counted(key, -1)
	}
	return err
}

// keepBusy marks sessions with calls under way as used, before another bridge on the same store takes them for unused.
func (b *Broker) keepBusy(ctx context.Context) {
	for _, key := range b.scheduler.known() {
		if b.scheduler.busy(key) {
			b.touch(ctx, key)
		}
	}
}

// sweepCalls finds sessions that ended elsewhere without the store's watch having told, as while it was not yet on.
func (b *Broker) sweepCalls(ctx context.Context) {
	for _, key := range b.scheduler.known() {
		b.look(ctx, key, true)
	}
}

// sweepTools keeps LastSeen of shared tools that are offered, and forgets those that nobody has offered for long.
func (b *Broker) sweepTools(ctx context.Context, now time.Time) {
	shared, err := b.store.SharedTools(ctx)
	if err != nil {
		return // the store says so elsewhere
	}
	stale, seen := b.scheduler.stale(shared, now, b.config.ForgetToolsAfter)
	if len(stale) > 0 {
		b.registering.Lock()
		err = b.forget(ctx, tool.SessionKey{}, stale)
		b.registering.Unlock()
	}
	if err == nil && len(seen) > 0 {
		err = b.write("register_tools", func() error {
			_, err := b.store.RegisterShared(ctx, seen)
			return err
		})
	}
	if err != nil && ctx.Err() == nil {
		b.logger.Warn("shared tools could not be kept", "error", err)
	}
}
