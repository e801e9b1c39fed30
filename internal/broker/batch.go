package broker

import (
	"context"
	"strconv"
	"sync"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Batch is many calls at once.
type Batch struct {
	// Calls are the items; each is used by one call only.
	Calls []*tool.Call
	// MaxConcurrency is how many run at once. Defaults to Limits.BatchConcurrency.
	MaxConcurrency int
	// FailFast lets the first failure cancel what has not ended; those items are Cancelled. Defaults to false.
	FailFast bool
}

// Batch runs many calls and tells each of every item once, as it ends, by one goroutine at a time; cancelling ctx cancels
// what has not ended. The batch as such is refused, and none is run, with BatchTooLarge, MessageTooLarge,
// ValidationError, SessionNotFound or SessionExpired.
func (b *Broker) Batch(ctx context.Context, batch Batch, each func(index int, r tool.Result, err error)) error {
	if err := b.checkBatch(batch); err != nil {
		return err
	}
	if err := b.checkBatchSession(ctx, batch.Calls); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	j := &batchJob{broker: b, batch: batch, each: each, cancel: cancel, places: batch.MaxConcurrency}
	if j.places == 0 {
		j.places = b.limits.BatchConcurrency
	}
	j.summon(ctx)
	j.crew.Wait()
	return nil
}

func (b *Broker) checkBatch(batch Batch) error {
	if n := len(batch.Calls); n > b.limits.BatchItems {
		return tool.Errorf(tool.BatchTooLarge, "the batch has %d items, the limit is %d: send it in parts", n, b.limits.BatchItems).
			With("limit", strconv.Itoa(b.limits.BatchItems))
	}
	if batch.MaxConcurrency < 0 {
		return tool.Errorf(tool.ValidationError, "the batch runs %d items at once: want at least 1, or 0 for %d", batch.MaxConcurrency, b.limits.BatchConcurrency).
			With("field", "max_concurrency")
	}
	total := 0
	for _, c := range batch.Calls {
		total += c.ArgumentBytes()
	}
	if total > b.limits.ValueBytes {
		return tooLarge("the arguments of all items of the batch", total, b.limits.ValueBytes)
	}
	return nil
}

// checkBatchSession refuses a batch of a session that is not there, once and not for every item. Where the items do not
// agree on the session, and where it cannot be told, each item says for itself.
func (b *Broker) checkBatchSession(ctx context.Context, calls []*tool.Call) error {
	if len(calls) == 0 {
		return nil
	}
	first := calls[0]
	for _, c := range calls[1:] {
		if c.Principal.Name != first.Principal.Name || c.SessionID != first.SessionID || c.Epoch != first.Epoch {
			return nil
		}
	}
	_, err := b.live(ctx, tool.SessionKey{Owner: first.Principal.Name, ID: first.SessionID}, first.Epoch, first.MinRevision)
	switch tool.CodeOf(err) {
	case tool.SessionNotFound, tool.SessionExpired:
		return err
	default:
		return nil
	}
}

// batchJob is a batch under way. A goroutine of its crew takes item after item, and sees to it that another comes for the next one before
// it begins: so items that wait for nothing are run by few.
type batchJob struct {
	broker *Broker
	batch  Batch
	each   func(int, tool.Result, error)
	cancel context.CancelCauseFunc
	crew   sync.WaitGroup

	mu     sync.Mutex // guards what follows
	next   int        // item that nobody has taken
	places int        // goroutines that may still be started
	coming bool       // one was started that has not taken an item yet

	telling sync.Mutex // held while each is told
}

// summon lets another goroutine come if there is something to take.
func (j *batchJob) summon(ctx context.Context) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.summonLocked(ctx)
}

func (j *batchJob) summonLocked(ctx context.Context) {
	if j.coming || j.places == 0 || j.next == len(j.batch.Calls) {
		return
	}
	j.coming = true
	j.places--
	j.crew.Go(func() { j.work(ctx) })
}

// take takes the next item, and lets another goroutine come for the one behind it.
func (j *batchJob) take(ctx context.Context, arrived bool) (i int, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if arrived {
		j.coming = false
	}
	if j.next == len(j.batch.Calls) {
		return 0, false
	}
	i = j.next
	j.next++
	j.summonLocked(ctx)
	return i, true
}

// work runs items until none is left.
func (j *batchJob) work(ctx context.Context) {
	for i, ok := j.take(ctx, true); ok; i, ok = j.take(ctx, false) {
		result, err := j.run(ctx, j.batch.Calls[i])
		j.tell(i, result, err)
	}
}

// run runs one item within its own time limit, if it has one. The broker itself watches that of an item without a request id; one that
// may join another's call waits no longer than its context.
func (j *batchJob) run(ctx context.Context, call *tool.Call) (tool.Result, error) {
	call.Batched = true
	if call.Timeout > 0 && call.RequestID != "" {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, call.Timeout)
		defer cancel()
	}
	return j.broker.Call(ctx, call)
}

func (j *batchJob) tell(i int, result tool.Result, err error) {
	if err != nil && j.batch.FailFast {
		j.cancel(tool.Errorf(tool.Cancelled, "item %d of the batch failed, which cancelled the others", i).With("item", strconv.Itoa(i)))
	}
	j.telling.Lock()
	defer j.telling.Unlock()
	j.each(i, result, err)
}
