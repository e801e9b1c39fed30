package broker

import (
	"context"
	"strconv"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// VariableQuery says which variables to list.
type VariableQuery struct {
	// Prefix of the names. Defaults to none: all.
	Prefix string
	// After this name. Defaults to none: from the first.
	After string
	// Limit bounds their number. Defaults to 1,000; at most 10,000.
	Limit int
	// Values too; a page then ends early at Limits.ValueBytes. Defaults to false.
	Values bool
}

// Page sizes of Variables.
const (
	defaultVariables = 1000
	maxVariables     = 10_000
	variablesAtOnce  = 16 // read from the store together, with values
)

// SetVariables writes variables of a session, all or none, durably, and returns them without values in the same order.
// Errors: ValidationError, MessageTooLarge, RevisionConflict, SessionNotFound, SessionExpired, StoreUnavailable.
func (b *Broker) SetVariables(ctx context.Context, p tool.Principal, sessionID string, epoch uint64, writes []VariableWrite) ([]tool.Variable, error) {
	if err := b.checkWrites(writes); err != nil {
		return nil, err
	}
	key, err := b.enter(ctx, p, sessionID, epoch)
	if err != nil {
		return nil, err
	}
	var written []tool.Variable
	err = b.write("set_variables", func() (err error) {
		written, err = b.store.SetVariables(ctx, key, writes)
		return err
	})
	return written, b.explain(ctx, key, err)
}

func (b *Broker) checkWrites(writes []VariableWrite) error {
	seen := make(map[string]bool, len(writes))
	total := 0
	for i := range writes {
		w := &writes[i]
		if err := tool.CheckName("variable name", w.Name); err != nil {
			return err
		}
		if seen[w.Name] {
			return tool.Errorf(tool.ValidationError, "variable %q is written twice in one request: give each name once", w.Name).With("variable", w.Name)
		}
		seen[w.Name] = true
		what := "variable " + strconv.Quote(w.Name)
		if w.Value.TypeURL == "" {
			return tool.Errorf(tool.ValidationError, "%s has no value: delete it, or write an encoded none", what).With("variable", w.Name)
		}
		n := w.Value.Size()
		if n > b.limits.VariableBytes {
			e := tooLarge("the value of "+what, n, b.limits.VariableBytes)
			e.Message += ", and pass a larger value as an argument or a result; a table that is one alone, of a call over a link, may be larger than a message"
			return e
		}
		total += n
		if err := b.checkMetadata("the metadata of "+what, w.Metadata); err != nil {
			return err
		}
	}
	if total > b.limits.ValueBytes {
		return tooLarge("the values of all variables of the request", total, b.limits.ValueBytes)
	}
	return nil
}

// Variable reads a variable, linearizably. Errors: VariableNotFound, SessionNotFound, SessionExpired, StoreUnavailable.
func (b *Broker) Variable(ctx context.Context, p tool.Principal, sessionID string, epoch uint64, name string) (tool.Variable, error) {
	if err := tool.CheckName("variable name", name); err != nil {
		return tool.Variable{}, err
	}
	key, err := b.enter(ctx, p, sessionID, epoch)
	if err != nil {
		return tool.Variable{}, err
	}
	var v tool.Variable
	err = b.read("get_variable", func() (err error) {
		v, err = b.store.Variable(ctx, key, name)
		return err
	})
	return v, b.explain(ctx, key, err)
}

// DeleteVariable deletes a variable, durably. Errors: VariableNotFound, RevisionConflict, SessionNotFound,
// SessionExpired, StoreUnavailable.
func (b *Broker) DeleteVariable(ctx context.Context, p tool.Principal, sessionID string, epoch uint64, name string, cond Condition) error {
	if err := tool.CheckName("variable name", name); err != nil {
		return err
	}
	key, err := b.enter(ctx, p, sessionID, epoch)
	if err != nil {
		return err
	}
	err = b.write("delete_variable", func() error { return b.store.DeleteVariable(ctx, key, name, cond) })
	return b.explain(ctx, key, err)
}

// Variables lists variables in the order of their names. Next is the After of the next page, empty on the last.
func (b *Broker) Variables(ctx context.Context, p tool.Principal, sessionID string, epoch uint64, q VariableQuery) (vars []tool.Variable, next string, err error) {
	if q.Limit, err = pageSize(q.Limit, defaultVariables, maxVariables); err != nil {
		return nil, "", err
	}
	key, err := b.enter(ctx, p, sessionID, epoch)
	if err != nil {
		return nil, "", err
	}
	vars, more, err := b.collect(ctx, key, q)
	if err != nil {
		return nil, "", b.explain(ctx, key, err)
	}
	if more {
		next = vars[len(vars)-1].Name
	}
	return vars, next, nil
}

// collect reads a page a part at a time, so that values beyond the page's limit are never held.
func (b *Broker) collect(ctx context.Context, key tool.SessionKey, q VariableQuery) (vars []tool.Variable, more bool, err error) {
	after, bytes := q.After, 0
	for {
		part := q.Limit - len(vars) + 1
		if q.Values {
			part = min(part, variablesAtOnce)
		}
		var found []tool.Variable
		err := b.read("list_variables", func() (err error) {
			found, err = b.store.Variables(ctx, key, q.Prefix, after, part, q.Values)
			return err
		})
		if err != nil {
			return nil, false, err
		}
		for _, v := range found {
			bytes += v.Value.Size()
			if len(vars) == q.Limit || len(vars) > 0 && bytes > b.limits.ValueBytes {
				return vars, true, nil
			}
			vars = append(vars, v)
			after = v.Name
		}
		if len(found) < part {
			return vars, false, nil
		}
	}
}

// WatchVariables calls each with every present variable, then with Current, then with each change, until ctx ends
// (nil), each returns an error (that error), or the session ends (SessionExpired). No names means all. A session that is
// watched is not thereby in use.
func (b *Broker) WatchVariables(ctx context.Context, p tool.Principal, sessionID string, epoch uint64, names []string, each func(VariableChange) error) error {
	for _, name := range names {
		if err := tool.CheckName("variable name", name); err != nil {
			return err
		}
	}
	key, err := b.enter(ctx, p, sessionID, epoch)
	if err != nil {
		return err
	}
	return b.explain(ctx, key, b.watchVariables(ctx, key, names, each))
}

// watchVariables watches and tells the observer how long it took until what is present was told, or could not be.
func (b *Broker) watchVariables(ctx context.Context, key tool.SessionKey, names []string, each func(VariableChange) error) error {
	if b.observer == nil {
		return b.store.WatchVariables(ctx, key, names, each)
	}
	start, begun := time.Now(), false
	err := b.store.WatchVariables(ctx, key, names, func(change VariableChange) error {
		if change.Current && !begun {
			begun = true
			b.observer.StoreRead("watch_variables", time.Since(start), nil)
		}
		return each(change)
	})
	if !begun && err != nil {
		b.observer.StoreRead("watch_variables", time.Since(start), err)
	}
	return err
}
