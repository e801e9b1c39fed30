package toolbridge

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// errLeft ends a stream whose reader has left its loop.
var errLeft = errors.New("the reader of the stream has left its loop")

// Stream calls a tool and yields its results as they come. Leaving the loop cancels the call; a slow loop slows the tool
// down. When the call fails, what came before it is valid and the error comes last:
//
//	for chunk, err := range session.Stream(ctx, "count_to_n", 10) {
//		if err != nil {
//			return err
//		}
//		use(chunk)
//	}
//
// The call begins when the loop does; ranging again calls again.
func (s *Session) Stream(ctx context.Context, name string, args ...any) iter.Seq2[any, error] {
	return Stream[any](ctx, s, name, args...)
}

// Stream calls a tool like Session.Stream and decodes each result into a T.
func Stream[T any](ctx context.Context, s *Session, name string, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := s.follow(ctx, name, args, func(v tool.Value) error {
			out, err := receive[T](s.client, v)
			if err != nil {
				return err
			}
			if !yield(out, nil) {
				return errLeft
			}
			return nil
		})
		if err != nil && !errors.Is(err, errLeft) {
			var none T
			yield(none, err)
		}
	}
}

// follow makes a call that wants chunks and hands each to take, whose error ends the call and is returned. A call that
// fails before its first chunk is retried where that is asked for and allowed.
func (s *Session) follow(ctx context.Context, name string, args []any, take func(tool.Value) error) error {
	x, err := s.prepare(ctx, name, args)
	if err != nil {
		s.measured(tool.Metrics{})
		return err
	}
	call := &x.call
	defer closeTables(call)
	report, end := s.options.muffled()
	defer end()
	call.Stream, call.OnProgress = true, report
	taken := false
	var metrics tool.Metrics
	again := func(err error) bool { return repeatable(call) && mayRetry(err, s.idempotent(name)) }
	err = attempts(ctx, s.options.retry, again, func(ctx context.Context) (err error) {
		attempt := *call // streams are not recorded: each attempt is one of its own
		metrics, err = s.followOnce(ctx, &attempt, func(v tool.Value) error {
			taken = true
			return take(v)
		})
		return final(err, taken)
	})
	s.measured(metrics)
	var ended *finalError
	if errors.As(err, &ended) {
		return s.judged(name, ended.err)
	}
	return s.judged(name, err)
}

// followOnce makes one attempt within its time limit. An error of take comes back as it is.
func (s *Session) followOnce(ctx context.Context, call *tool.Call, take func(tool.Value) error) (tool.Metrics, error) {
	began := time.Now()
	if s.options.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = s.limitOf(ctx, "tool "+strconv.Quote(call.Tool))
		defer cancel()
	}
	var broken error
	metrics, err := s.client.route.stream(ctx, call, func(chunk tool.Chunk) error {
		broken = take(chunk.Value)
		return broken
	})
	metrics = sinceCalled(metrics, began)
	if broken != nil {
		return metrics, broken
	}
	if err != nil {
		return metrics, s.client.asError(ctx, err, "tool "+strconv.Quote(call.Tool), began)
	}
	return metrics, nil
}

// finalError is an error after which there is no other attempt, because part of the stream was handed on.
type finalError struct{ err error }

// Error implements error.
func (e *finalError) Error() string { return e.err.Error() }

// final marks the error of a stream of which something was taken.
func final(err error, taken bool) error {
	if err == nil || !taken {
		return err
	}
	return &finalError{err}
}
