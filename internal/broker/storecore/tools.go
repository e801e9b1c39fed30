package storecore

import (
	"reflect"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// lastSeenPrecision is how exactly the store keeps when a shared tool was last offered: a registration that changes
// nothing else is written only this often, so that a thousand workers that reconnect write nothing.
const lastSeenPrecision = time.Hour

// SessionTools returns the catalog of a session after specs were registered in it, and what is new in it. Nothing is
// new if all of them stood there already.
func SessionTools(current *broker.Catalog, sessionID string, specs []*tool.Spec) (next *broker.Catalog, changed []*tool.Spec, err error) {
	owned := make([]*tool.Spec, len(specs))
	for i, s := range specs {
		c := *s
		c.SessionID, c.Available, c.Order = sessionID, false, 0
		owned[i] = &c
	}
	next, err = current.With(owned)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range owned {
		if !sameSpec(s, byID(current, s.ID)) {
			changed = append(changed, byID(next, s.ID))
		}
	}
	return next, changed, nil
}

// SharedTools returns the shared catalog after specs were registered in it, and what must be written. A tool of
// another owner is ToolConflict.
func SharedTools(current *broker.Catalog, specs []*tool.Spec, now time.Time) (next *broker.Catalog, changed []*tool.Spec, err error) {
	offered := make([]*tool.Spec, len(specs))
	for i, s := range specs {
		old := byID(current, s.ID)
		if old != nil && old.Owner != s.Owner {
			return nil, nil, tool.Errorf(tool.ToolConflict, "shared tool %q belongs to %q: register it under another id or as its owner", s.ID, old.Owner).With("tool", s.ID)
		}
		offered[i] = seen(s, old, now)
	}
	next, err = current.With(offered)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range offered {
		if s != byID(current, s.ID) {
			changed = append(changed, byID(next, s.ID))
		}
	}
	return next, changed, nil
}

// seen returns old if s repeats it within lastSeenPrecision, otherwise s with the time at which it was offered.
func seen(s, old *tool.Spec, now time.Time) *tool.Spec {
	c := *s
	c.SessionID, c.Available, c.Order = "", false, 0
	if c.LastSeen.IsZero() {
		c.LastSeen = now
	}
	if sameSpec(&c, old) && c.LastSeen.Sub(old.LastSeen) < lastSeenPrecision {
		return old
	}
	return &c
}

// byID returns the tool of exactly this id, or nil.
func byID(c *broker.Catalog, id string) *tool.Spec {
	if s := c.Lookup(id); s != nil && s.ID == id {
		return s
	}
	return nil
}

// sameSpec compares what a registration says, not what the store adds.
func sameSpec(a, b *tool.Spec) bool {
	if a == nil || b == nil {
		return a == b
	}
	return reflect.DeepEqual(said(a), said(b))
}

// said returns a copy without what the store adds, and with nil for whatever is empty.
func said(s *tool.Spec) tool.Spec {
	c := *s
	c.Order, c.LastSeen, c.Available = 0, time.Time{}, false
	if len(c.Metadata) == 0 {
		c.Metadata = nil
	}
	if len(c.Arguments) == 0 {
		c.Arguments = nil
	}
	for i := range c.Arguments {
		if b := c.Arguments[i].Default.Bytes; b != nil && len(b) == 0 {
			c.Arguments = withoutEmptyDefaults(c.Arguments)
			break
		}
	}
	return c
}

func withoutEmptyDefaults(arguments []tool.Argument) []tool.Argument {
	c := make([]tool.Argument, len(arguments))
	copy(c, arguments)
	for i := range c {
		if len(c[i].Default.Bytes) == 0 {
			c[i].Default.Bytes = nil
		}
	}
	return c
}

// KnownTools returns those ids that the catalog has, each once.
func KnownTools(c *broker.Catalog, ids []string) []string {
	var known []string
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if !seen[id] && byID(c, id) != nil {
			known = append(known, id)
		}
		seen[id] = true
	}
	return known
}
