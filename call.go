package toolbridge

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

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
	x, err := s.invoke(ctx, name, args)
	if err != nil {
		return out, err
	}
	if out, err = receive[T](s.client, x.result.Value); err == nil {
		s.client.free(x)
	}
	return out, err
}

// receive decodes a value that has come for this call alone, as decode does. Interceptors may have kept it.
func receive[T any](c *Client, v tool.Value) (T, error) {
	var out T
	if _, raw := any(&out).(*tool.Value); raw || c.intercepted {
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
func (s *Session) invoke(ctx context.Context, name string, args []any) (*exchange, error) {
	x, err := s.prepare(ctx, name, args)
	if err != nil {
		s.measured(tool.Metrics{})
		return nil, err
	}
	return x, s.complete(ctx, x)
}

// complete makes a call that was prepared.
func (s *Session) complete(ctx context.Context, x *exchange) (err error) {
	defer closeTables(&x.call)
	if s.options.progress != nil {
		report, end := s.options.muffled()
		defer end()
		x.call.OnProgress = report
	}
	if s.options.retry == nil {
		err = s.once(ctx, &x.call, &x.result)
	} else {
		err = s.repeat(ctx, x)
	}
	s.measured(x.result.Metrics)
	if err != nil {
		return s.judged(x.call.Tool, err)
	}
	return nil
}

// measured tells what is known of where the time of a call went.
func (s *Session) measured(m tool.Metrics) {
	if s.options.metrics != nil {
		*s.options.metrics = m
	}
}

// sinceCalled returns the metrics of a call that ended: the bridge's, or, where its answer did not come, how long the caller has waited.
func sinceCalled(m tool.Metrics, began time.Time) tool.Metrics {
	if m.Duration == 0 {
		m.Duration = max(time.Since(began), 1)
	}
	return m
}

// judged says of an error what the error table says of it: where the client's own clock ended a call, or its connection was
// lost, nobody else knew whether the tool is idempotent.
func (s *Session) judged(name string, err error) error {
	var e *tool.Error
	if !errors.As(err, &e) || e.Retryable || !e.Code.RetryableIfIdempotent() || !s.idempotent(name) {
		return err
	}
	told := *e
	told.Retryable = true
	return &told
}

// repeat makes a call, and again where that is allowed.
func (s *Session) repeat(ctx context.Context, x *exchange) error {
	call, earlier := &x.call, 0 // attempts that may have begun
	declared, claimed := s.declaredIdempotent(call.Tool), s.options.idempotent
	again := func(err error) bool {
		return repeatable(call) && (mayRetry(err, declared || claimed) || lostConnection(err))
	}
	return attempts(ctx, s.options.retry, again, func(ctx context.Context) error {
		attempt := *call
		attempt.Attempt = earlier
		err := s.once(ctx, &attempt, &x.result)
		switch {
		case err == nil || unstarted(err):
		case claimed && !declared: // the bridge would not start it again under its name
			call.RequestID = uuid.Must(uuid.NewV7()).String()
		default:
			earlier++
		}
		return err
	})
}

// once makes one attempt within its time limit.
func (s *Session) once(ctx context.Context, call *tool.Call, result *tool.Result) error {
	if s.options.timeout > 0 {
		limited, cancel := s.limitOf(ctx, "tool "+strconv.Quote(call.Tool))
		defer cancel()
		ctx = limited
	}
	began := time.Now()
	err := s.client.route.call(ctx, call, result)
	if err == nil {
		err = s.client.checkResult(call, result)
	}
	if err == nil {
		return nil
	}
	return s.failed(ctx, call, result, err, began)
}

// failed leaves of the result of a call that failed only its metrics, and says what was asked.
func (s *Session) failed(ctx context.Context, call *tool.Call, result *tool.Result, err error, began time.Time) error {
	*result = tool.Result{Metrics: sinceCalled(result.Metrics, began)}
	return s.client.asError(ctx, err, "tool "+strconv.Quote(call.Tool), began)
}

// checkResult completes a result, and refuses one that is larger than the bridge may send.
func (c *Client) checkResult(call *tool.Call, result *tool.Result) error {
	if streamed, err := filled(call, result); streamed || err != nil {
		return err
	}
	if most := c.limits().MaxValueBytes; most > 0 && result.Value.Size() > most {
		return checkSize("the result of tool "+strconv.Quote(call.Tool), result.Value.Size(), most)
	}
	return nil
}

// limitOf puts the view's time limit on the context of anything.
func (s *Session) limitOf(ctx context.Context, what string) (context.Context, context.CancelFunc) {
	if s.options.timeout <= 0 {
		return ctx, func() {}
	}
	passed := tool.Errorf(tool.DeadlineExceeded, "%s at %s did not answer within the %v of its time limit", what, s.client.address, s.options.timeout)
	return context.WithTimeoutCause(ctx, s.options.timeout, passed)
}

// idempotent reports whether the tool may be started again when it is not known whether it ran.
func (s *Session) idempotent(name string) bool {
	return s.options.idempotent || s.declaredIdempotent(name)
}

func (s *Session) declaredIdempotent(name string) bool {
	spec := s.state.spec(name)
	return spec != nil && spec.Idempotent
}
