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
// WorkerLost). A tool that is not idempotent is never started a second time.
type Retry struct {
	// Max is how many attempts may follow the first. Defaults to 3.
	Max int
	// Initial is the wait before the second attempt; it grows by half each time, with jitter. Defaults to 100 ms.
	Initial time.Duration
	// Longest is the longest wait. What the bridge advises (retry_after) is waited for even if it is longer. Defaults to 10 s.
	Longest time.Duration
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

// attempts runs attempt until it succeeds, fails for good, or the retry's patience is used up. A nil retry is one
// attempt.
func attempts(ctx context.Context, retry *Retry, idempotent bool, attempt func(n int) error) error {
	err := attempt(0)
	if retry == nil || err == nil {
		return err
	}
	r := retry.withDefaults()
	waits := &backoff.ExponentialBackOff{
		InitialInterval: r.Initial, MaxInterval: r.Longest,
		Multiplier: backoff.DefaultMultiplier, RandomizationFactor: backoff.DefaultRandomizationFactor,
	}
	for n := 1; n <= r.Max && mayRetry(err, idempotent); n++ {
		if !wait(ctx, max(waits.NextBackOff(), retryAfter(err))) {
			return err
		}
		if err = attempt(n); err == nil {
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

// unstarted reports whether the bridge said that an attempt was refused before it began: nothing is known of it later, and it
// does not count.
func unstarted(err error) bool {
	var e *tool.Error
	return errors.As(err, &e) && e.Details["started"] == "false"
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
