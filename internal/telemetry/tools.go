package telemetry

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const (
	// MaxTools bounds the tools that have a label of their own; all further ones are called Other. Tools of single sessions,
	// which any client may offer, take half of them at most.
	MaxTools = 500
	// Other is the label of the tools beyond MaxTools.
	Other = "other"
	// Unknown is the label of calls of tools that nobody offers, whatever they were called.
	Unknown = "unknown"
	// maxLabelBytes is how much of a tool's id its label shows.
	maxLabelBytes = 64
)

// toolSeries are the metrics of one tool, by kind, each made when it is first needed.
type toolSeries struct {
	label        string
	make         func(label, kind string) *series
	call, stream atomic.Pointer[series]
}

func (s *toolSeries) of(stream bool) *series {
	kept, kind := &s.call, "call"
	if stream {
		kept, kind = &s.stream, "stream"
	}
	if one := kept.Load(); one != nil {
		return one
	}
	kept.CompareAndSwap(nil, s.make(s.label, kind))
	return kept.Load()
}

// tools finds the metrics of a tool without a lock. mu is held while one is added.
type tools struct {
	make           func(label, kind string) *series
	known          atomic.Pointer[map[string]*toolSeries] // never changed, but replaced
	unknown, other *toolSeries

	mu         sync.Mutex
	ofSessions int // how many of known were a session's own
}

func newTools(series func(label, kind string) *series) *tools {
	t := &tools{make: series, unknown: &toolSeries{label: Unknown, make: series}, other: &toolSeries{label: Other, make: series}}
	t.known.Store(&map[string]*toolSeries{})
	return t
}

// of returns the metrics of a tool; those of Unknown for none.
func (t *tools) of(spec *tool.Spec) *toolSeries {
	if spec == nil {
		return t.unknown
	}
	if s := (*t.known.Load())[spec.ID]; s != nil {
		return s
	}
	return t.add(spec.ID, spec.SessionID != "")
}

// labelled returns the label of a tool that is offered, of which no call need have ended yet.
func (t *tools) labelled(id string, own bool) string {
	if s := (*t.known.Load())[id]; s != nil {
		return s.label
	}
	return t.add(id, own).label
}

func (t *tools) add(id string, own bool) *toolSeries {
	if len(*t.known.Load()) >= MaxTools { // for good
		return t.other
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	known := *t.known.Load()
	switch s := known[id]; {
	case s != nil:
		return s
	case len(known) >= MaxTools, own && t.ofSessions >= MaxTools/2:
		return t.other
	}
	if own {
		t.ofSessions++
	}
	known = maps.Clone(known)
	known[id] = &toolSeries{label: label(id), make: t.make}
	t.known.Store(&known)
	return known[id]
}

// label is an id as a label shows it: text, and not too long.
func label(id string) string {
	id = strings.ToValidUTF8(id, "?")
	if len(id) <= maxLabelBytes {
		return id
	}
	cut := maxLabelBytes
	for !utf8.RuneStart(id[cut]) {
		cut--
	}
	return id[:cut] + "…"
}
