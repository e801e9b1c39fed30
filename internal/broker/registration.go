package broker

import (
	"strconv"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// prepare checks specs that a principal registers and returns copies that are complete, and their ids.
func (b *Broker) prepare(p tool.Principal, specs []*tool.Spec) (own []*tool.Spec, ids []string, err error) {
	if n := len(specs); n > b.limits.ToolsPerRegistration {
		return nil, nil, tool.Errorf(tool.ValidationError, "the registration has %d tools, the limit is %d: register them in parts", n, b.limits.ToolsPerRegistration).
			With("limit", strconv.Itoa(b.limits.ToolsPerRegistration))
	}
	own, ids = make([]*tool.Spec, len(specs)), make([]string, len(specs))
	now := time.Now()
	for i, s := range specs {
		if err := b.checkSpec(s); err != nil {
			return nil, nil, err
		}
		own[i] = completed(s, p, now)
		ids[i] = own[i].ID
	}
	return own, ids, nil
}

// checkSpec refuses a spec that is wrong, too large, or asks for what is not served.
func (b *Broker) checkSpec(s *tool.Spec) error {
	if err := s.Check(); err != nil {
		return err
	}
	if s.Once {
		return tool.Errorf(tool.Unimplemented, "tool %q is declared to run at most once for each request: this bridge does not serve that", s.Name).With("tool", s.Name)
	}
	for i := range s.Arguments {
		if a := &s.Arguments[i]; a.Streamed {
			return tool.Errorf(tool.Unimplemented, "argument %q of tool %q is declared streamed: this bridge does not serve that", a.Name, s.Name).
				With("tool", s.Name).With("argument", a.Name)
		}
	}
	if n := specSize(s); n > b.limits.VariableBytes {
		return tooLarge("the description and schemas of tool "+strconv.Quote(s.Name), n, b.limits.VariableBytes)
	}
	return b.checkMetadata("the metadata of tool "+strconv.Quote(s.Name), s.Metadata)
}

func specSize(s *tool.Spec) int {
	n := len(s.Description) + len(s.InputSchema) + len(s.OutputSchema)
	for i := range s.Arguments {
		a := &s.Arguments[i]
		n += len(a.Name) + len(a.Description) + a.Default.Size()
	}
	return n
}

// What the protocol adds to each tool and argument in a listing: hash, owner, types and tags, roughly.
const (
	toolOverhead     = 128
	argumentOverhead = 32
)

// listedSize is about how many bytes a tool takes in a listing.
func listedSize(s *tool.Spec) int {
	n := toolOverhead + len(s.ID) + len(s.Name) + len(s.SessionID) + len(s.Owner) + specSize(s) + argumentOverhead*len(s.Arguments)
	for k, v := range s.Metadata {
		n += len(k) + len(v)
	}
	return n
}

// fits refuses specs with which the catalog of a scope would not fit in an answer, or would conflict. One that did not
// fit before may shrink.
func (b *Broker) fits(key tool.SessionKey, catalog *Catalog, specs []*tool.Spec) error {
	out, err := catalog.With(specs)
	if err != nil {
		return err
	}
	limit := b.limits.CatalogBytes
	if n := out.size(); n > limit && n > catalog.size() {
		what := "the tools that are offered to every session"
		if key != (tool.SessionKey{}) {
			what = "the tools of session " + strconv.Quote(key.ID)
		}
		return tool.Errorf(tool.QuotaExceeded, "%s would take %d bytes in a listing, the limit is %d: withdraw some, or describe them in fewer words", what, n, limit).
			With("limit", strconv.Itoa(limit))
	}
	return nil
}

func (c *Catalog) size() int {
	n := 0
	for _, s := range c.All() {
		n += listedSize(s)
	}
	return n
}

// completed fills in what a registration may leave out, and what is not the registrant's to say.
func completed(s *tool.Spec, p tool.Principal, now time.Time) *tool.Spec {
	own := *s
	if own.ID == "" {
		own.ID = own.Name
	}
	if own.Type == 0 {
		own.Type = tool.Standard
	}
	own.Owner, own.LastSeen = p.Name, now
	own.Available, own.Order = false, 0
	own.Hash = tool.SchemaHash(&own)
	return &own
}
