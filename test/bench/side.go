package main

import (
	"context"
	"os"
	"slices"
	"sync"
	"time"
)

// side is one of the ways to make a call that a group compares.
type side struct {
	name string
	// run calls for so long, so many calls at a time.
	run func(ctx context.Context, width int, d time.Duration) (sample, error)
	// peers are the other processes that take part; the first is the one in the middle, whose processor time is told apart.
	peers []*process
}

// sample is what one side did in one round.
type sample struct {
	// Rate is calls a second.
	Rate float64 `json:"calls_per_second"`
	// P50 is the median of the times that the calls took, in milliseconds.
	P50 float64 `json:"p50_ms"`
	// Calls counts them.
	Calls int `json:"calls"`
	// Processor is the microseconds of processor time that a call took in all processes together. Unlike the others it
	// hardly depends on what else the machine does.
	Processor float64 `json:"processor_us"`
	// Middle is the part of the first peer: of the bridge, where there is one.
	Middle float64 `json:"middle_processor_us"`
}

// measure runs a side for one round.
func (s side) measure(ctx context.Context, width int, d time.Duration) (sample, error) {
	before, err := s.processorTimes()
	if err != nil {
		return sample{}, err
	}
	got, err := s.run(ctx, width, d)
	if err != nil {
		return got, err
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

// loop measures a caller of this process: so many goroutines, each calling again as soon as its call has ended.
func loop(begin caller) func(context.Context, int, time.Duration) (sample, error) {
	return func(ctx context.Context, width int, d time.Duration) (sample, error) {
		var (
			all   sync.WaitGroup
			mu    sync.Mutex
			took  []time.Duration
			first error
		)
		began := time.Now()
		for range width {
			all.Go(func() {
				own, err := repeat(ctx, begin, began.Add(d))
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
		rate := float64(len(took)) / time.Since(began).Seconds()
		slices.Sort(took)
		return sample{Rate: rate, P50: took[len(took)/2].Seconds() * 1000, Calls: len(took)}, nil
	}
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
