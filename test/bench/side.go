package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// side is one of the ways to make a call that a group compares.
type side struct {
	name string
	// run calls for so long, so many calls at a time.
	run measuring
	// peers are the other processes that take part; the first is the one in the middle, whose processor time is told apart.
	peers []*process
}

// sample is what one side did in one round.
type sample struct {
	// Rate is calls a second.
	Rate float64 `json:"calls_per_second"`
	// P50, P99 and P999 are percentiles of the times that the calls took, in milliseconds: the median, the 99th, and the
	// 99.9th, which is the longest where there were fewer than a thousand calls.
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms,omitempty"`
	P999 float64 `json:"p999_ms,omitempty"`
	// Max is the longest.
	Max float64 `json:"max_ms,omitempty"`
	// Value is a figure that is not about calls: bytes, milliseconds, percent, as the row says.
	Value float64 `json:"value,omitempty"`
	// Unanswered counts the calls of an open loop that were given up; in the percentiles they count until then.
	Unanswered int `json:"unanswered,omitempty"`
	// Calls counts those that were answered.
	Calls int `json:"calls"`
	// elsewhere says that what was measured ran in a process that is no peer, so that nobody knows the processor time of a call.
	elsewhere bool
	// Processor is the microseconds of processor time that a call took in all processes together. Unlike the others it
	// hardly depends on what else the machine does. It is 0 where it is not known, or where there were no calls.
	Processor float64 `json:"processor_us"`
	// Middle is the part of the first peer: of the bridge, where there is one.
	Middle float64 `json:"middle_processor_us"`
}

// overdue is how much longer than it should a round may take before it counts as lost.
const overdue = time.Minute

// measure runs a side for one round.
func (s side) measure(ctx context.Context, width int, d time.Duration) (sample, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, d+overdue, fmt.Errorf("a round of %v did not end within %v", d, d+overdue))
	defer cancel()
	before, err := s.processorTimes()
	if err != nil {
		return sample{}, err
	}
	got, err := s.run(ctx, width, d)
	if err != nil {
		if late := context.Cause(ctx); late != nil {
			err = errors.Join(late, err)
		}
		return got, err
	}
	if got.elsewhere || got.Calls == 0 {
		return got, nil
	}
	after, err := s.processorTimes()
	for i := range after {
		used := float64((after[i] - before[i]).Microseconds()) / float64(got.Calls)
		got.Processor += used
		if i == 0 {
			got.Middle = used
		}
	}
	return got, err
}

// processorTimes are those of the peers and of this process.
func (s side) processorTimes() ([]time.Duration, error) {
	times := make([]time.Duration, 0, len(s.peers)+1)
	for _, p := range s.peers {
		used, err := processorTime(p.command.Process.Pid)
		if err != nil {
			return nil, err
		}
		times = append(times, used)
	}
	used, err := processorTime(os.Getpid())
	return append(times, used), err
}

// caller makes calls one after the other, each with the function that it returns. Each of the callers that run at
// once has its own.
type caller func(ctx context.Context) (call func() error, done func(), err error)

// simple is a caller whose calls need nothing of their own.
func simple(call func(ctx context.Context) error) caller {
	return func(ctx context.Context) (func() error, func(), error) {
		return func() error { return call(ctx) }, func() {}, nil
	}
}

// measuring is how a side is measured.
type measuring func(ctx context.Context, width int, d time.Duration) (sample, error)

// loop measures a caller of this process: so many goroutines, each calling again as soon as its call has ended.
func loop(begin caller) measuring {
	return func(ctx context.Context, width int, d time.Duration) (sample, error) {
		began := time.Now()
		return inParallel(width, func() ([]time.Duration, error) { return repeat(ctx, begin, began.Add(d)) })
	}
}

// inParallel runs the same so many times at once and takes the times of all together.
func inParallel(width int, work func() ([]time.Duration, error)) (sample, error) {
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		took  []time.Duration
		first error
	)
	began := time.Now()
	for range width {
		all.Go(func() {
			own, err := work()
			mu.Lock()
			defer mu.Unlock()
			took = append(took, own...)
			if first == nil {
				first = err
			}
		})
	}
	all.Wait()
	if first != nil {
		return sample{}, first
	}
	return sampleOf(took, time.Since(began)), nil
}

// sampleOf sums up calls that took so long each and so long in all.
func sampleOf(took []time.Duration, all time.Duration) sample {
	if len(took) == 0 {
		return sample{}
	}
	slices.Sort(took)
	at := func(part float64) float64 { return took[int(part*float64(len(took)))].Seconds() * 1000 }
	return sample{Rate: float64(len(took)) / all.Seconds(), P50: at(0.5), P99: at(0.99), P999: at(0.999), Max: took[len(took)-1].Seconds() * 1000, Calls: len(took)}
}

// timed measures one at a time what says itself how long the part took that counts.
func timed(once func(ctx context.Context) (time.Duration, error)) measuring {
	return func(ctx context.Context, _ int, d time.Duration) (sample, error) {
		var took []time.Duration
		for began := time.Now(); ; {
			one, err := once(ctx)
			if err != nil {
				return sample{}, err
			}
			took = append(took, one)
			if since := time.Since(began); since > d {
				return sampleOf(took, since), nil
			}
		}
	}
}

// operations measures something so quick that one look at the clock for each would be felt: the mean stands for the median.
func operations(operation func() error) measuring {
	return func(_ context.Context, _ int, d time.Duration) (sample, error) {
		began, count := time.Now(), 0
		for batch := 1; ; {
			for range batch {
				if err := operation(); err != nil {
					return sample{}, err
				}
			}
			count += batch
			since := time.Since(began)
			if since >= d {
				rate := float64(count) / since.Seconds()
				return sample{Rate: rate, P50: 1000 / rate, Calls: count}, nil
			}
			if since < d/20 {
				batch *= 2
			}
		}
	}
}

// known is a figure that needs no measuring any more.
func known(value float64) measuring {
	return func(context.Context, int, time.Duration) (sample, error) { return sample{Value: value}, nil }
}

// repeat calls until the time is over, at least once, and returns how long each call took.
func repeat(ctx context.Context, begin caller, until time.Time) ([]time.Duration, error) {
	call, done, err := begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	var took []time.Duration
	for began := time.Now(); ; {
		if err := call(); err != nil {
			return nil, err
		}
		now := time.Now()
		took = append(took, now.Sub(began))
		if now.After(until) {
			return took, nil
		}
		began = now
	}
}
