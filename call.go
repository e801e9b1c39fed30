package toolbridge

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Call calls a tool by its id or name and returns its result as package value decodes it. Arguments are Go values;
// keyword arguments are given as Kw. A plain call is made once; see WithRetry.
func (s *Session) Call(ctx context.Context, name string, args ...any) (any, error) {
	return Call[any](ctx, s, name, args...)
}

// Call calls a tool like Session.Call and decodes its result into a T. A result that does not fit is a
// SerializationError that names the path. A T that reads a table while it comes, such as *frame.Reader, is returned when the table begins to
// come: it has to be read to its end or released, which the context and the time limit of the call outlast.
func Call[T any](ctx context.Context, s *Session, name string, args ...any) (T, error) {
	var out T
	if _, reads := any(out).(tool.TableSink); reads {
		return open[T](ctx, s, name, args)
	}
	result, err := s.invoke(ctx, name, args)
	if err != nil {
		return out, err
	}
	return receive[T](s.client, result.Value)
}

// receive decodes a value that has come for this call alone, as decode does. Interceptors may have kept it.
func receive[T any](c *Client, v tool.Value) (T, error) {
	var out T
	if _, raw := any(&out).(*tool.Value); raw || len(c.options.interceptors) > 0 {
		return decode[T](c, v)
	}
	err := c.codec.DecodeOwn(v, &out)
	return out, err
}

// decode decodes a value into a T: as it comes for any, not at all for tool.Value.
func decode[T any](c *Client, v tool.Value) (T, error) {
	var out T
	switch target := any(&out).(type) {
	case *tool.Value:
		*target = v
		return out, nil
	case *any:
		decoded, err := c.codec.Decode(v)
		*target = decoded
		return out, err
	default:
		return out, c.codec.DecodeInto(v, target)
	}
}

// invoke makes a call that wants one result, with retries where they are asked for.
func (s *Session) invoke(ctx context.Context, name string, args []any) (tool.Result, error) {
	call, err := s.prepare(ctx, name, args)
	if err != nil {
		return tool.Result{}, err
	}
	return s.complete(ctx, call)
}

// complete makes a call that was prepared.
func (s *Session) complete(ctx context.Context, call *tool.Call) (tool.Result, error) {
	defer closeTables(call)
	report, end := s.options.muffled()
	defer end()
	call.OnProgress = report
	result, err := s.repeat(ctx, call)
	s.report(result.Metrics)
	return result, s.judged(call.Tool, err)
}

// judged says of an error what the error table says of it: where the client's own clock ended a call, or its connection was
// lost, nobody else knew whether the tool is idempotent.
func (s *Session) judged(name string, err error) error {
	if err == nil {
		return nil
	}
	var e *tool.Error
	if !errors.As(err, &e) || e.Retryable || !e.Code.RetryableIfIdempotent() || !s.idempotent(name) {
		return err
	}
	told := *e
	told.Retryable = true
	return &told
}

// repeat makes a call, and again where that is asked for.
func (s *Session) repeat(ctx context.Context, call *tool.Call) (tool.Result, error) {
	if s.options.retry == nil {
		return s.once(ctx, call)
	}
	var result tool.Result
	earlier := 0 // attempts that may have begun
	declared, claimed := s.declaredIdempotent(call.Tool), s.options.idempotent
	again := func(err error) bool {
		return repeatable(call) && (mayRetry(err, declared || claimed) || lostConnection(err))
	}
	err := attempts(ctx, s.options.retry, again, func(ctx context.Context) (err error) {
		attempt := *call
		attempt.Attempt = earlier
		result, err = s.once(ctx, &attempt)
		switch {
		case err == nil || unstarted(err):
		case claimed && !declared: // the bridge would not start it again under its name
			call.RequestID = uuid.Must(uuid.NewV7()).String()
		default:
			earlier++
		}
		return err
	})
	return result, err
}

// once makes one attempt within its time limit.
func (s *Session) once(ctx context.Context, call *tool.Call) (tool.Result, error) {
	began := time.Now()
	ctx, cancel := s.limit(ctx, call.Tool)
	defer cancel()
	result, err := s.client.calls.call(ctx, call)
	streamed := false
	if err == nil {
		streamed, err = filled(call, &result)
	}
	if most := s.client.limits().MaxValueBytes; err == nil && !streamed && most > 0 && result.Value.Size() > most {
		err = checkSize("the result of tool "+strconv.Quote(call.Tool), result.Value.Size(), most)
	}
	if err != nil {
		return tool.Result{Metrics: result.Metrics}, s.client.asError(ctx, err, "tool "+strconv.Quote(call.Tool), began)
	}
	return result, nil
}

// limit puts the view's time limit on the context of a call.
func (s *Session) limit(ctx context.Context, name string) (context.Context, context.CancelFunc) {
	if s.options.timeout <= 0 {
		return ctx, func() {}
	}
	return s.limitOf(ctx, "tool "+strconv.Quote(name))
}

// limitOf puts the view's time limit on the context of anything.
func (s *Session) limitOf(ctx context.Context, what string) (context.Context, context.CancelFunc) {
	if s.options.timeout <= 0 {
		return ctx, func() {}
	}
	passed := tool.Errorf(tool.DeadlineExceeded, "%s at %s did not answer within the %v of its time limit", what, s.client.address, s.options.timeout)
	return context.WithTimeoutCause(ctx, s.options.timeout, passed)
}

// prepare encodes a call and puts into it what the session and the context know.
func (s *Session) prepare(ctx context.Context, name string, args []any) (*tool.Call, error) {
	if err := tool.CheckName("tool", name); err != nil {
		return nil, err
	}
	out := &outgoing{}
	if err := s.fill(ctx, out, name, args); err != nil {
		out.tables.closeOpen()
		return nil, err
	}
	return &out.call, nil
}

// fill makes a call of its arguments and what the session and the context know.
func (s *Session) fill(ctx context.Context, out *outgoing, name string, args []any) error {
	positional, keywords, err := s.client.encodeArguments(name, args, out)
	if err != nil {
		return err
	}
	o := &s.options
	epoch, revision := s.state.seen()
	call := &out.call
	*call = tool.Call{
		SessionID: s.id, Epoch: epoch, MinRevision: revision, Tool: name, Args: positional, Kwargs: keywords,
		RequestID: o.requestID, StreamID: o.streamID, TraceParent: o.traceParent, TraceState: o.traceState,
		WantStack: o.wantStack,
	}
	if o.retry != nil {
		call.BridgeRun = s.client.bridgeRun()
		if call.RequestID == "" {
			call.RequestID = uuid.Must(uuid.NewV7()).String()
		}
	}
	if err := s.client.carry(out); err != nil {
		return err
	}
	return nest(ctx, call, s.client.limits())
}

// nest says of a call that is made inside a tool during which call it is made.
func nest(ctx context.Context, call *tool.Call, limits *wire.Limits) error {
	outer := FromContext(ctx)
	if outer == nil {
		return nil
	}
	call.Depth = outer.call.Depth + 1
	call.Parent = outer.call.Key
	if call.TraceParent == "" {
		call.TraceParent, call.TraceState = outer.call.TraceParent, outer.call.TraceState
	}
	if most := limits.MaxCallDepth; most > 0 && call.Depth > most {
		return tool.Errorf(tool.CallDepthExceeded, "the call of tool %q would be nested %d calls deep, the limit is %d", call.Tool, call.Depth, most).
			With("limit", strconv.Itoa(most))
	}
	return nil
}

// idempotent reports whether the tool may be started again when it is not known whether it ran.
func (s *Session) idempotent(name string) bool {
	return s.options.idempotent || s.declaredIdempotent(name)
}

func (s *Session) declaredIdempotent(name string) bool {
	spec := s.state.spec(name)
	return spec != nil && spec.Idempotent
}

func (s *Session) report(m tool.Metrics) {
	if s.options.metrics != nil {
		*s.options.metrics = m
	}
}
