package toolbridge

import (
	"context"
	"errors"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Variable is a variable of a session.
type Variable struct {
	// Name is unique in the session.
	Name string
	// Value as package value decodes it; nil in listings without values.
	Value any
	// Encoded is the value as it came.
	Encoded tool.Value
	// Metadata are free labels.
	Metadata map[string]string
	// Revision changes with every write; it is a token to be compared and sent back (IfRevision).
	Revision string
	// UpdatedAt is when it was last written.
	UpdatedAt time.Time

	client *Client
}

// Into decodes the value into what target points to.
func (v Variable) Into(target any) error { return v.client.codec.DecodeInto(v.Encoded, target) }

func (c *Client) variable(message *bridgepb.Variable) (Variable, error) {
	v := wire.VariableFromProto(message)
	out := Variable{
		Name: v.Name, Encoded: v.Value, Metadata: v.Metadata, Revision: v.Revision, UpdatedAt: v.UpdatedAt, client: c,
	}
	if v.Value.IsZero() {
		return out, nil
	}
	var err error
	out.Value, err = c.codec.Decode(v.Value)
	return out, err
}

// SetOption configures Session.Set.
type SetOption func(*bridgepb.SetVariableRequest)

// IfRevision writes only if the variable still is at this revision; otherwise RevisionConflict.
func IfRevision(revision string) SetOption {
	return func(r *bridgepb.SetVariableRequest) { r.IfRevision = revision }
}

// IfAbsent writes only if there is no such variable; otherwise RevisionConflict.
func IfAbsent() SetOption { return func(r *bridgepb.SetVariableRequest) { r.IfAbsent = true } }

// Metadata labels the variable, in place of the labels that it had.
func Metadata(labels map[string]string) SetOption {
	return func(r *bridgepb.SetVariableRequest) { r.Metadata = labels }
}

// Set writes a variable, durably, and returns its new revision.
func (s *Session) Set(ctx context.Context, name string, v any, options ...SetOption) (revision string, err error) {
	encoded, err := s.encodeVariable(name, v)
	if err != nil {
		return "", err
	}
	request := &bridgepb.SetVariableRequest{
		SessionId: s.id, Name: name, Value: wire.ValueProto(encoded), Epoch: s.Epoch(), RequestId: uuid.Must(uuid.NewV7()).String(),
	}
	for _, option := range options {
		option(request)
	}
	answer, err := ask(ctx, s.client, s.client.stub.SetVariable, request)
	return answer.GetRevision(), err
}

func (s *Session) encodeVariable(name string, v any) (tool.Value, error) {
	if err := tool.CheckName("variable", name); err != nil {
		return tool.Value{}, err
	}
	encoded, err := s.client.encode(v, nil)
	if err != nil {
		return tool.Value{}, reworded(err, "variable "+strconv.Quote(name)+" cannot be encoded")
	}
	if err = checkSize("variable "+strconv.Quote(name), encoded.Size(), s.client.limits().MaxVariableBytes); err != nil {
		err = advised(err, "pass a larger value as an argument or a result; a table that is one alone, of a call over a link, may be larger than a message")
	}
	return encoded, err
}

// SetAll writes several variables, all or none.
func (s *Session) SetAll(ctx context.Context, values map[string]any) error {
	request := &bridgepb.UpdateVariablesRequest{SessionId: s.id, Epoch: s.Epoch()}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		encoded, err := s.encodeVariable(name, values[name])
		if err != nil {
			return err
		}
		request.Variables = append(request.Variables, &bridgepb.Variable{Name: name, Value: wire.ValueProto(encoded)})
	}
	_, err := ask(ctx, s.client, s.client.stub.UpdateVariables, request)
	return err
}

// Variable reads a variable with its metadata and revision. One that does not exist is VariableNotFound.
func (s *Session) Variable(ctx context.Context, name string) (Variable, error) {
	answer, err := ask(ctx, s.client, s.client.stub.GetVariable, &bridgepb.GetVariableRequest{SessionId: s.id, Name: name, Epoch: s.Epoch()})
	if err != nil {
		return Variable{}, err
	}
	return s.client.variable(answer.GetVariable())
}

// Get reads a variable's value as package value decodes it.
func (s *Session) Get(ctx context.Context, name string) (any, error) { return Get[any](ctx, s, name) }

// Get reads a variable's value as a T.
func Get[T any](ctx context.Context, s *Session, name string) (T, error) {
	answer, err := ask(ctx, s.client, s.client.stub.GetVariable, &bridgepb.GetVariableRequest{SessionId: s.id, Name: name, Epoch: s.Epoch()})
	if err != nil {
		var none T
		return none, err
	}
	return decode[T](s.client, wire.ValueFromProto(answer.GetVariable().GetValue()))
}

// Delete deletes a variable, durably; with a revision only if it still is at that one. One that does not exist is
// VariableNotFound.
func (s *Session) Delete(ctx context.Context, name string, ifRevision ...string) error {
	request := &bridgepb.DeleteVariableRequest{SessionId: s.id, Name: name, Epoch: s.Epoch()}
	for _, revision := range ifRevision {
		request.IfRevision = revision
	}
	_, err := ask(ctx, s.client, s.client.stub.DeleteVariable, request)
	return err
}

// Variables lists the variables whose names begin with prefix, with their values, in the order of their names. An error
// ends the listing.
func (s *Session) Variables(ctx context.Context, prefix string) iter.Seq2[Variable, error] {
	return s.variables(ctx, &bridgepb.ListVariablesRequest{Prefix: prefix, WithValues: true})
}

// VariableNames lists like Variables, without values.
func (s *Session) VariableNames(ctx context.Context, prefix string) iter.Seq2[Variable, error] {
	return s.variables(ctx, &bridgepb.ListVariablesRequest{Prefix: prefix})
}

func (s *Session) variables(ctx context.Context, request *bridgepb.ListVariablesRequest) iter.Seq2[Variable, error] {
	type decoded struct {
		Variable
		err error
	}
	listed := pages(func(token string) ([]*bridgepb.Variable, string, error) {
		page := &bridgepb.ListVariablesRequest{
			SessionId: s.id, Prefix: request.GetPrefix(), WithValues: request.GetWithValues(), PageToken: token, Epoch: s.Epoch(),
		}
		answer, err := ask(ctx, s.client, s.client.stub.ListVariables, page)
		return answer.GetVariables(), answer.GetNextPageToken(), err
	}, func(message *bridgepb.Variable) decoded {
		v, err := s.client.variable(message)
		return decoded{v, err}
	})
	return func(yield func(Variable, error) bool) {
		for v, err := range listed {
			if !yield(v.Variable, errors.Join(err, v.err)) {
				return
			}
		}
	}
}

// VariableChange is an event of Session.Watch.
type VariableChange struct {
	// Variable as it is now; of a deleted one only name and revision.
	Variable Variable
	// Deleted says that it is gone.
	Deleted bool
	// Current says that every variable that was there when the watch began has been yielded; Variable is then zero.
	Current bool
}

// Watch yields the variables of those names, or all, as they are now, then one change that is Current, then each change.
// It goes on until ctx ends, the loop is left, or an error comes; that the session ended is SessionExpired.
func (s *Session) Watch(ctx context.Context, names ...string) iter.Seq2[VariableChange, error] {
	return func(yield func(VariableChange, error) bool) {
		err := s.watch(ctx, names, func(change VariableChange) error {
			if !yield(change, nil) {
				return errLeft
			}
			return nil
		})
		if err != nil && !errors.Is(err, errLeft) {
			yield(VariableChange{}, err)
		}
	}
}

func (s *Session) watch(ctx context.Context, names []string, take func(VariableChange) error) error {
	began := time.Now()
	if err := s.client.ready(ctx); err != nil {
		return s.client.asError(ctx, err, "WatchVariables of the bridge", began)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, err := s.client.stub.WatchVariables(ctx, &bridgepb.WatchVariablesRequest{SessionId: s.id, Names: names, Epoch: s.Epoch()})
	if err != nil {
		return s.client.asError(ctx, err, "WatchVariables of the bridge", began)
	}
	for {
		event, err := events.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return tool.Errorf(tool.ProtocolError, "the watch of session %q ended without a reason", s.id)
		case err != nil:
			return s.client.asError(ctx, err, "WatchVariables of the bridge", began)
		case event.GetError() != nil:
			return wire.ErrorFromProto(event.GetError())
		}
		change := VariableChange{
			Deleted: event.GetType() == bridgepb.VariableEventType_VARIABLE_DELETED,
			Current: event.GetType() == bridgepb.VariableEventType_VARIABLE_CURRENT,
		}
		if change.Variable, err = s.client.variable(event.GetVariable()); err != nil {
			return err
		}
		if err := take(change); err != nil {
			return err
		}
	}
}
