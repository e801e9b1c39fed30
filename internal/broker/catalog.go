package broker

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Catalog is an immutable index of the tools of one scope: a session, or what is offered to every session. Its
// specs are shared and must not be changed. The nil *Catalog is the empty one. All methods may be called by any
// number of goroutines.
type Catalog struct {
	byID    map[string]*tool.Spec
	byName  map[string]*tool.Spec
	either  map[string]*tool.Spec // by id, or else by name; byID itself where that is the same
	ordered []*tool.Spec
	visible int
	next    uint64
}

// NewCatalog indexes specs as a store recorded them: in the order of their Order; those without one come last, in
// the order given, and get one. Two specs of one id, or two ids with one name, are a ToolConflict.
func NewCatalog(specs []*tool.Spec) (*Catalog, error) {
	if len(specs) == 0 {
		return nil, nil
	}
	recorded := make([]*tool.Spec, 0, len(specs))
	var fresh []*tool.Spec
	for _, s := range specs {
		if s.Order == 0 {
			fresh = append(fresh, s)
			continue
		}
		recorded = append(recorded, s)
	}
	slices.SortStableFunc(recorded, byOrder)
	next := uint64(1)
	if n := len(recorded); n > 0 {
		next = recorded[n-1].Order + 1
	}
	for _, s := range fresh {
		recorded = append(recorded, withOrder(s, next))
		next++
	}
	return index(recorded, next)
}

// With returns a catalog that also has specs: one whose id is known replaces it and keeps its Order, a new one comes
// last. New ones are ordered by the clock, so that those of different scopes can be listed together. The specs in the result may be copies. It is a ToolConflict when an id is given twice or two ids would share
// one name; then nothing changes.
func (c *Catalog) With(specs []*tool.Spec) (*Catalog, error) {
	if len(specs) == 0 {
		return c, nil
	}
	ordered := slices.Clone(c.All())
	next := max(c.nextOrder(), uint64(max(0, time.Now().UnixMicro())))
	given := make(map[string]bool, len(specs))
	for _, s := range specs {
		if given[s.ID] {
			return nil, tool.Errorf(tool.ToolConflict, "tool %q is given twice in one registration: give each id once", s.ID).With("tool", s.ID)
		}
		given[s.ID] = true
		if old := c.byIdentity(s.ID); old != nil {
			ordered[place(ordered, old)] = withOrder(s, old.Order)
			continue
		}
		ordered = append(ordered, withOrder(s, next))
		next++
	}
	return index(ordered, next)
}

// Without returns a catalog that lacks the tools of these ids; one that is not there is ToolNotFound, and then nothing changes.
func (c *Catalog) Without(ids []string) (*Catalog, error) {
	gone := make(map[string]bool, len(ids))
	for _, id := range ids {
		if c.byIdentity(id) == nil {
			return nil, tool.Errorf(tool.ToolNotFound, "tool %q is not registered here: none was removed", id).With("tool", id)
		}
		gone[id] = true
	}
	if len(gone) == 0 {
		return c, nil
	}
	kept := make([]*tool.Spec, 0, c.Len()-len(gone))
	for _, s := range c.ordered {
		if !gone[s.ID] {
			kept = append(kept, s)
		}
	}
	if len(kept) == 0 {
		return nil, nil
	}
	return index(kept, c.next)
}

// Lookup returns the tool of this id, or else of this name, or nil.
func (c *Catalog) Lookup(idOrName string) *tool.Spec {
	if c == nil {
		return nil
	}
	return c.either[idOrName]
}

// All returns the tools in order. The slice is shared and must not be changed.
func (c *Catalog) All() []*tool.Spec {
	if c == nil {
		return nil
	}
	return c.ordered
}

// Len returns how many tools there are.
func (c *Catalog) Len() int {
	if c == nil {
		return 0
	}
	return len(c.ordered)
}

// Visible returns how many tools are not hidden.
func (c *Catalog) Visible() int {
	if c == nil {
		return 0
	}
	return c.visible
}

// byIdentity returns the tool of exactly this id, or nil.
func (c *Catalog) byIdentity(id string) *tool.Spec {
	if c == nil {
		return nil
	}
	return c.byID[id]
}

// named returns the tool of exactly this name, or nil.
func (c *Catalog) named(name string) *tool.Spec {
	if c == nil {
		return nil
	}
	return c.byName[name]
}

func (c *Catalog) nextOrder() uint64 {
	if c == nil {
		return 1
	}
	return c.next
}

// index builds the catalog of specs that stand in order.
func index(ordered []*tool.Spec, next uint64) (*Catalog, error) {
	c := &Catalog{
		byID:    make(map[string]*tool.Spec, len(ordered)),
		byName:  make(map[string]*tool.Spec, len(ordered)),
		ordered: ordered,
		next:    next,
	}
	for _, s := range ordered {
		if c.byID[s.ID] != nil {
			return nil, tool.Errorf(tool.ToolConflict, "two tools have the id %q: ids are unique in a scope", s.ID).With("tool", s.ID)
		}
		if other := c.byName[s.Name]; other != nil {
			return nil, tool.Errorf(tool.ToolConflict, "tools %q and %q both have the name %q: names are unique in a scope", other.ID, s.ID, s.Name).With("tool", s.ID)
		}
		c.byID[s.ID], c.byName[s.Name] = s, s
		if !s.Hidden {
			c.visible++
		}
	}
	c.either = c.eitherWay()
	return c, nil
}

// eitherWay indexes by ids, and by the names that are no ids, so that a look-up is one.
func (c *Catalog) eitherWay() map[string]*tool.Spec {
	either := c.byID
	for _, s := range c.ordered {
		if c.byID[s.Name] != nil {
			continue
		}
		if len(either) == len(c.byID) { // the first such name
			either = maps.Clone(c.byID)
		}
		either[s.Name] = s
	}
	return either
}

// place finds where a spec that is in ordered stands. Specs of equal order, which two bridges may have recorded at
// once, stand beside each other.
func place(ordered []*tool.Spec, s *tool.Spec) int {
	at, _ := slices.BinarySearchFunc(ordered, s, byOrder)
	for ordered[at].ID != s.ID {
		at++
	}
	return at
}

func byOrder(a, b *tool.Spec) int { return cmp.Compare(a.Order, b.Order) }

// withOrder returns s, or a copy of it, with that order.
func withOrder(s *tool.Spec, order uint64) *tool.Spec {
	if s.Order == order {
		return s
	}
	c := *s
	c.Order = order
	return &c
}
