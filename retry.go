package toolbridge

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Retry says how often and when a failed call is tried again. Only errors are retried of which the bridge says that
// another attempt does no harm; for an idempotent tool also those that leave unknown whether it ran (DeadlineExceeded,
// WorkerLost). A tool that is not idempotent is never started a second time: when the connection to the bridge was lost, the
// next attempt asks it what became of the call, and gets its recorded answer, or OutcomeUnknown.
type Retry struct {
	// Max is how many attempts may follow the first. Defaults to 3.
	Max int
	// Initial is the wait before the second attempt; it grows by half each time, with jitter. Defaults to 100 ms.
	Initial time.Duration
	// Longest is the longest wait. What the bridge advises (retry_after) is waited for even if it is longer. Defaults to 10 s.
	Longest time.Duration
	// Deadline limits all attempts and waits together. Defaults to no other limit than the context's.
	Deadline time.Duration
}

func (r Retry) withDefaults() Retry {
	if r.Max <= 0 {
		r.Max = 3
	}
	if r.Initial <= 0 {
		r.Initial = 100 * time.Millisecond
	}
	if r.Longest <= 0 {
		r.Longest = 10 * time.Second
	}
	return r
}

// attempts runs attempt until it succeeds, fails so that it may not be made again, or the retry's patience is used up. A nil
// retry is one attempt.
func attempts(ctx context.Context, retry *Retry, again func(error) bool, attempt func(context.Context) error) error {
	if retry == nil {
		return attempt(ctx)
	}
	r := retry.withDefaults()
	if r.Deadline > 0 {
		var cancel context.CancelFunc
		passed := tool.Errorf(tool.DeadlineExceeded, "the call gave no result within %v, repetitions included", r.Deadline)
		ctx, cancel = context.WithTimeoutCause(ctx, r.Deadline, passed)
		defer cancel()
	}
	err := attempt(ctx)
	if err == nil {
		return nil
	}
	waits := &backoff.ExponentialBackOff{
		InitialInterval: r.Initial, MaxInterval: r.Longest,
		Multiplier: backoff.DefaultMultiplier, RandomizationFactor: backoff.DefaultRandomizationFactor,
	}
	for n := 1; n <= r.Max && again(err); n++ {
		if !wait(ctx, max(min(waits.NextBackOff(), r.Longest), retryAfter(err))) {
			return err
		}
		if err = attempt(ctx); err == nil {
			return nil
		}
	}
	return err
}

// mayRetry reports whether another attempt may help and cannot harm.
func mayRetry(err error, idempotent bool) bool {
	var e *tool.Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Retryable || idempotent && e.Code.RetryableIfIdempotent()
}

// unstarted reports whether it is known that an attempt left nothing behind: nothing is known of it later, and it does
// not count.
func unstarted(err error) bool {
	var e *tool.Error
	return errors.As(err, &e) && (e.Retryable || e.Details["started"] == "false")
}

// lostConnection reports whether the connection to the bridge was lost before it answered, so that only the bridge knows
// what became of the call.
func lostConnection(err error) bool {
	var e *tool.Error
	return errors.As(err, &e) && e.Code == tool.WorkerLost && (e.Details["grpc"] != "" || e.Details["connection"] == "lost")
}

func retryAfter(err error) time.Duration {
	var e *tool.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// wait waits for d and reports whether it passed before ctx ended. It does not begin a wait that ctx cannot outlast.
func wait(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
