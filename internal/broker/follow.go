package broker

import (
	"context"
	"sync"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Pauses between two attempts to watch the store.
const (
	firstWatchPause = 50 * time.Millisecond
	lastWatchPause  = 5 * time.Second
)

// changes holds what the store told and was not yet acted on, one entry a session, so that its watch never waits.
type changes struct {
	signal chan struct{} // holds one token while there is something

	mu      sync.Mutex
	pending map[tool.SessionKey]bool // whether it ended
}

func newChanges() *changes {
	return &changes{signal: make(chan struct{}, 1), pending: make(map[tool.SessionKey]bool)}
}

func (c *changes) put(change Change) {
	c.mu.Lock()
	c.pending[change.Session] = c.pending[change.Session] || change.Ended
	c.mu.Unlock()
	select {
	case c.signal <- struct{}{}:
	default:
	}
}

func (c *changes) take() map[tool.SessionKey]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.pending
	c.pending = make(map[tool.SessionKey]bool)
	return taken
}

// follow watches the store until ctx ends, again when it fails.
func (b *Broker) follow(ctx context.Context) {
	pause := firstWatchPause
	for ctx.Err() == nil {
		began := time.Now()
		err := b.store.Watch(ctx, b.changes.put)
		if ctx.Err() != nil {
			return
		}
		b.logger.Warn("the watch of the store ended; watching again", "error", err, "pause", pause)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if pause = min(2*pause, lastWatchPause); time.Since(began) > time.Minute {
			pause = firstWatchPause
		}
		b.catchUp()
	}
}

// catchUp looks at everything that is under way again, after changes may have been missed.
func (b *Broker) catchUp() {
	b.changes.put(Change{})
	for _, key := range b.scheduler.known() {
		b.changes.put(Change{Session: key, Ended: true})
	}
}

// apply acts on changes until ctx ends.
func (b *Broker) apply(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.changes.signal:
		}
		for key, ended := range b.changes.take() {
			b.applyOne(ctx, key, ended)
		}
	}
}

func (b *Broker) applyOne(ctx context.Context, key tool.SessionKey, ended bool) {
	event := Event{Session: key}
	if key != (tool.SessionKey{}) {
		event.Revision = b.look(ctx, key, ended)
	}
	if err := b.refresh(ctx, key); err != nil && ctx.Err() == nil {
		b.logger.Warn("the tools of a session could not be read", "session", key.ID, "error", err)
	}
	b.events.publish(event)
}

// look returns a session's revision, and ends the calls of epochs that are over.
func (b *Broker) look(ctx context.Context, key tool.SessionKey, ended bool) (revision string) {
	rec, err := b.store.Session(ctx, key)
	switch {
	case err == nil:
		if ended {
			b.ended(key, rec.Epoch-1)
		}
		return rec.Revision
	case tool.CodeOf(err) == tool.SessionNotFound:
		b.ended(key, everyEpoch)
	}
	return ""
}

// announce tells that tools became available or ceased to be.
func (b *Broker) announce(changed scopes) {
	for key := range changed {
		b.changes.put(Change{Session: key})
	}
}
