package link_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// outcome is what a batch of a process came to.
type outcome struct {
	values map[int]string // "" for an error
	sent   bool
	err    error
}

func batchOf(first ...string) *link.Batch {
	b := &link.Batch{SessionID: "s"}
	for _, text := range first {
		b.Calls = append(b.Calls, &tool.Call{Tool: "echo", Args: []tool.Value{{Bytes: []byte(text)}}})
	}
	return b
}

func runBatch(ctx context.Context, p *link.Process, b *link.Batch) outcome {
	o := outcome{values: map[int]string{}}
	last := -1
	o.sent, o.err = p.Batch(ctx, b, func(i int, a *link.Answer) {
		if i <= last {
			panic("answers are told in the order of the items")
		}
		last = i
		o.values[i] = string(a.Result.Value.Bytes)
	})
	return o
}

// tells answers each item by itself, in the order of told, and then returns what after returns.
func tells(told []int, after func(context.Context) error) batcher {
	return batcher{handler: echo(), batch: func(ctx context.Context, b *link.Batch) ([]link.Answer, error) {
		for _, i := range told {
			b.Tell(i, &link.Answer{Result: tool.Result{Value: b.Calls[i].Args[0]}})
		}
		return nil, after(ctx)
	}}
}

func none(context.Context) error { return nil }

func TestABatchOfAProcessIsAnsweredItemForItem(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]batcher{"by one message": echoes(), "in parts": tells([]int{2, 0, 1}, none)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: h})
			b.connect()
			o := runBatch(t.Context(), b.process, batchOf("a", "b", "c"))
			require.Equal(t, outcome{map[int]string{0: "a", 1: "b", 2: "c"}, true, nil}, o)
			require.Zero(t, b.process.Stats().Waiting)
			require.Zero(t, b.process.Stats().LateFrames)
		})
	}
}

func TestAnErrorOfAnItemIsItsOwn(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: echoes()})
	b.connect()
	batch := batchOf("a", "b")
	batch.Calls[0].Args = nil
	var errs []error
	sent, err := b.process.Batch(t.Context(), batch, func(_ int, a *link.Answer) { errs = append(errs, a.Err) })
	require.NoError(t, err)
	require.True(t, sent)
	require.Equal(t, tool.ValidationError, tool.CodeOf(errs[0]))
	require.NoError(t, errs[1])
}

func TestABatchThatCannotGoAsAFrameIsNotSent(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: echoes()})
	require.False(t, runBatch(t.Context(), b.process, batchOf("a")).sent, "not connected yet")
	b.connect()
	large := string(make([]byte, 300<<10))
	require.False(t, runBatch(t.Context(), b.process, batchOf(large, large)).sent, "too large")
	require.True(t, runBatch(t.Context(), b.process, batchOf(large, "small")).sent)
	require.True(t, runBatch(t.Context(), b.process, batchOf("a\xff")).sent, "bytes need not be text")
	notText := batchOf("a")
	notText.Calls[0].Tool = "\xff"
	require.False(t, runBatch(t.Context(), b.process, notText).sent, "not text")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	require.False(t, runBatch(over, b.process, batchOf("a")).sent, "nobody wants the answer")

	old := setup(t, link.ProcessConfig{}, link.BridgeConfig{})
	old.connect()
	require.False(t, runBatch(t.Context(), old.process, batchOf("a")).sent, "the bridge takes no batches")
}

func TestABatchThatIsGivenUpHasWhatHasEnded(t *testing.T) {
	t.Parallel()
	waits := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, c := range map[string]struct {
		ends func(*testing.T, *bundle, context.CancelFunc)
		want tool.Code
	}{
		"cancelled":     {func(_ *testing.T, _ *bundle, cancel context.CancelFunc) { cancel() }, tool.Cancelled},
		"the link lost": {func(t *testing.T, b *bundle, _ context.CancelFunc) { _ = b.end().Close(t.Context(), nil) }, tool.WorkerLost},
		"refused by the bridge": {func(t *testing.T, b *bundle, _ context.CancelFunc) {
			_ = b.end().Close(t.Context(), tool.Errorf(tool.ProtocolError, "oh"))
		}, tool.WorkerLost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ended := make(chan error, 1)
				h := tells([]int{1}, func(ctx context.Context) error { err := waits(ctx); ended <- err; return err })
				b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: h})
				b.connect()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				done := make(chan outcome, 1)
				go func() { done <- runBatch(ctx, b.process, batchOf("a", "b", "c")) }()
				elapse(10 * time.Millisecond)
				require.Empty(t, done)
				c.ends(t, b, cancel)
				o := <-done
				require.True(t, o.sent)
				require.Equal(t, c.want, tool.CodeOf(o.err), o.err)
				require.Equal(t, map[int]string{1: "b"}, o.values)
				require.ErrorIs(t, <-ended, context.Canceled, "the bridge learns of it")
			})
		})
	}
}

func TestTheTimeOfABatchTravels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := tells([]int{0}, func(ctx context.Context) error { <-ctx.Done(); return wire.ContextError(ctx) })
		b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: h})
		b.connect()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		o := runBatch(ctx, b.process, batchOf("a", "b"))
		require.Equal(t, tool.DeadlineExceeded, tool.CodeOf(o.err))
		require.Equal(t, map[int]string{0: "a"}, o.values)
	})
}

func TestABatchThatLeavesItemsUnansweredEndsAllTheSame(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after func(context.Context) error
		says  string
	}{
		"says nothing": {none, "answered 1 of the 2 items"},
		"refuses":      {func(context.Context) error { return errors.New("no") }, "no"},
		"panics":       {func(context.Context) error { panic("oh") }, "panicked: oh"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: tells([]int{1}, c.after)})
			b.connect()
			o := runBatch(t.Context(), b.process, batchOf("a", "b"))
			require.ErrorContains(t, o.err, c.says)
			require.Equal(t, map[int]string{1: "b"}, o.values)
		})
	}
}

func TestResultsOfABatchMayBeLargerThanAMessage(t *testing.T) {
	t.Parallel()
	large := bytes.Repeat([]byte("x"), 6<<20)
	h := batcher{handler: echo(), batch: func(_ context.Context, b *link.Batch) ([]link.Answer, error) {
		var all sync.WaitGroup
		for i := range b.Calls {
			all.Go(func() { b.Tell(i, &link.Answer{Result: tool.Result{Value: tool.Value{Bytes: large}}}) })
		}
		all.Wait()
		return nil, nil
	}}
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: h})
	b.connect()
	o := runBatch(t.Context(), b.process, batchOf("a", "b", "c", "d", "e", "f"))
	require.NoError(t, o.err)
	for i := range 6 {
		require.Len(t, o.values[i], len(large))
	}
}

func TestWhatABatchWasToldLateIsDropped(t *testing.T) {
	t.Parallel()
	var late func(int, *link.Answer)
	h := batcher{handler: echo(), batch: func(_ context.Context, b *link.Batch) ([]link.Answer, error) {
		late = b.Tell
		return nil, errors.New("no")
	}}
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: h})
	b.connect()
	require.Error(t, runBatch(t.Context(), b.process, batchOf("a")).err)
	late(0, &link.Answer{})
}

func TestABatchOfAProcessGoesOnOverALostConnection(t *testing.T) {
	t.Parallel()
	goOn, begun := make(chan struct{}), make(chan struct{})
	h := tells([]int{0}, none)
	first := h.batch
	h.batch = func(ctx context.Context, b *link.Batch) ([]link.Answer, error) {
		_, _ = first(ctx, b)
		close(begun)
		<-goOn
		b.Tell(1, &link.Answer{Result: tool.Result{Value: b.Calls[1].Args[0]}})
		return nil, nil
	}
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Handler: h})
	stop := b.connect()
	done := make(chan outcome, 1)
	go func() { done <- runBatch(t.Context(), b.process, batchOf("a", "b")) }()
	<-begun
	stop()
	b.connect()
	close(goOn)
	require.Equal(t, outcome{map[int]string{0: "a", 1: "b"}, true, nil}, <-done)
}

func TestAnAnswerToABatchThatBreaksTheProtocolEndsTheLink(t *testing.T) {
	t.Parallel()
	one := &bridgepb.ToolCallResponse{Success: true}
	answer := func(places []uint32, answers ...*bridgepb.ToolCallResponse) *bridgepb.Frame {
		return &bridgepb.Frame{CallId: 1, Body: &bridgepb.Frame_BatchResult{BatchResult: &bridgepb.BatchExecuteToolsResponse{Success: true, Responses: answers, Places: places}}}
	}
	ended := &bridgepb.Frame{CallId: 1, Body: &bridgepb.Frame_Chunk{Chunk: &bridgepb.ToolStreamChunk{Content: &bridgepb.ToolStreamContent{
		Kind: &bridgepb.ToolStreamContent_Complete{Complete: &bridgepb.CompleteSignal{}},
	}}}}
	never := answer(nil, one)
	never.CallId = 3
	for what, c := range map[string]struct {
		frames []*bridgepb.Frame
		says   string
	}{
		"an item that does not exist":    {[]*bridgepb.Frame{answer([]uint32{2}, one)}, "item 2"},
		"an item far beyond":             {[]*bridgepb.Frame{answer([]uint32{1<<32 - 1}, one)}, "does not exist"},
		"more than there are":            {[]*bridgepb.Frame{answer(nil, one, one, one)}, "item 2"},
		"an item twice":                  {[]*bridgepb.Frame{answer([]uint32{1}, one), answer([]uint32{1}, one)}, "answered before"},
		"places that are not enough":     {[]*bridgepb.Frame{answer([]uint32{1}, one, one)}, "names 1"},
		"places that are too many":       {[]*bridgepb.Frame{answer([]uint32{1, 0}, one)}, "names more"},
		"a batch that was never made":    {[]*bridgepb.Frame{never}, "never issued"},
		"a result as if it were a call":  {[]*bridgepb.Frame{resultFrame(1)}, "is a batch"},
		"a chunk as if it were a stream": {[]*bridgepb.Frame{ended}, "is a batch"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				there, back := link.Pipe(t.Context())
				p := link.NewProcess(link.ProcessConfig{Identity: "p"})
				ran := make(chan error, 1)
				go func() { ran <- p.Run(t.Context(), there) }()
				_, err := back.Recv()
				require.NoError(t, err)
				send := func(frames ...*bridgepb.Frame) {
					require.NoError(t, back.Send(link.Message{marshal(t, &bridgepb.LinkMessage{Frames: frames})}, nil))
				}
				send(&bridgepb.Frame{Body: &bridgepb.Frame_Welcome{Welcome: &bridgepb.Welcome{Revision: 1, Incarnation: "i", Capabilities: []string{"batches"}}}})
				synctest.Wait()
				done := make(chan outcome, 1)
				go func() { done <- runBatch(t.Context(), p, batchOf("a", "b")) }()
				synctest.Wait()
				send(c.frames...)
				require.ErrorContains(t, <-ran, c.says)
				back.Close()
				require.NoError(t, p.Close(context.Background()))
				require.Equal(t, tool.WorkerLost, tool.CodeOf((<-done).err))
			})
		})
	}
}
