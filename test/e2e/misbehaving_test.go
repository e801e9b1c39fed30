package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/grpc-tool-bridge/toolbridge"
	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// rawWorker is a worker made of the generated stubs alone, which can misbehave.
type rawWorker struct {
	t    *testing.T
	name string
	link grpc.BidiStreamingClient[bridgepb.LinkMessage, bridgepb.LinkMessage]
	read uint64 // counted messages
}

// newRawWorker opens a link and offers one tool of its own name.
func newRawWorker(t *testing.T, address, name string) *rawWorker {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	w := &rawWorker{t: t, name: name}
	w.link, err = bridgepb.NewSnakepitBridgeClient(conn).Link(ctx)
	require.NoError(t, err)
	w.send(&bridgepb.Frame{Body: &bridgepb.Frame_Hello{Hello: &bridgepb.Hello{Revision: 1, MinRevision: 1, Identity: name}}})
	w.await(func(f *bridgepb.Frame) bool { return f.GetWelcome() != nil })
	w.read = 0 // the opening is not counted
	w.send(&bridgepb.Frame{Body: &bridgepb.Frame_Register{Register: &bridgepb.Register{Id: 1, Tools: []*bridgepb.ToolSpec{{Name: name}}}}})
	require.Nil(t, w.await(func(f *bridgepb.Frame) bool { return f.GetRegistered() != nil }).GetRegistered().GetError())
	return w
}

func (w *rawWorker) send(frames ...*bridgepb.Frame) {
	w.t.Helper()
	_ = w.link.Send(&bridgepb.LinkMessage{Ack: w.read, Frames: frames}) // a link that was closed is seen by await
}

func (w *rawWorker) await(wanted func(*bridgepb.Frame) bool) *bridgepb.Frame {
	w.t.Helper()
	for {
		m, err := w.link.Recv()
		require.NoError(w.t, err, w.name)
		if len(m.GetFrames()) > 0 {
			w.read++
		}
		for _, f := range m.GetFrames() {
			if wanted(f) {
				return f
			}
		}
	}
}

// call waits for a call and returns its id.
func (w *rawWorker) call() uint64 {
	w.t.Helper()
	return w.await(func(f *bridgepb.Frame) bool { return f.GetCall() != nil }).GetCallId()
}

// cancelAndCall waits until a call is cancelled and another comes, in either order, and returns the id of that one.
func (w *rawWorker) cancelAndCall(id uint64) (next uint64) {
	w.t.Helper()
	cancelled := false
	w.await(func(f *bridgepb.Frame) bool {
		cancelled = cancelled || f.GetCallId() == id && f.GetCancel() != nil
		if f.GetCall() != nil {
			next = f.GetCallId()
		}
		return cancelled && next > 0
	})
	return next
}

// closed waits until the bridge has closed the link with a ProtocolError.
func (w *rawWorker) closed() {
	w.t.Helper()
	end := w.await(func(f *bridgepb.Frame) bool { return f.GetProtocolError() != nil })
	require.Equal(w.t, string(tool.ProtocolError), end.GetProtocolError().GetError().GetType())
	for {
		if _, err := w.link.Recv(); err != nil {
			return
		}
	}
}

func (w *rawWorker) result(id uint64, text string) *bridgepb.Frame {
	w.t.Helper()
	return &bridgepb.Frame{CallId: id, Body: &bridgepb.Frame_Result{Result: &bridgepb.ToolCallResponse{Success: true, Result: w.text(text)}}}
}

func (w *rawWorker) chunk(id uint64, text string) *bridgepb.Frame {
	w.t.Helper()
	return &bridgepb.Frame{CallId: id, Body: &bridgepb.Frame_Chunk{Chunk: &bridgepb.ToolStreamChunk{
		Content: &bridgepb.ToolStreamContent{Kind: &bridgepb.ToolStreamContent_Data{Data: w.text(text)}},
	}}}
}

func (w *rawWorker) text(s string) *anypb.Any {
	w.t.Helper()
	packed, err := anypb.New(wrapperspb.String(s))
	require.NoError(w.t, err)
	return packed
}

func TestAWorkerThatMisbehavesHarmsNobodyElse(t *testing.T) {
	processes(t)
	b := serve(t, "--memory", "--demo", "--config", impatient(t))
	goWorker(t, b.address, 8)
	s := session(t, b.address, "misbehaving")
	awaitTools(t, s, "go_hold", "add_numbers")

	beside := newHeld(t) // runs through everything that follows
	running := calling(t, s.With(toolbridge.Timeout(2*patience)), "go_hold", beside.path)
	beside.began()

	for name, misbehave := range map[string]func(*rawWorker, uint64){
		"answers_a_foreign_call": func(w *rawWorker, id uint64) { w.send(w.result(id+2000, "x")) },
		"floods": func(w *rawWorker, id uint64) {
			for range 200 {
				w.send(w.chunk(id, string(make([]byte, 60<<10))))
			}
		},
		"sends_a_malformed_frame": func(w *rawWorker, id uint64) {
			broken := &bridgepb.Frame{CallId: id}
			broken.ProtoReflect().SetUnknown([]byte{3<<3 | 2, 2, 0xff, 0xff}) // a result whose body is no message
			w.send(broken)
		},
	} {
		w := newRawWorker(t, b.address, name)
		ended := make(chan error, 1)
		go func() {
			var last error
			for _, err := range s.Stream(t.Context(), name) {
				last = err
			}
			ended <- last
		}()
		misbehave(w, w.call())
		w.closed()
		failed(t, within(t, "the caller hears of it", ended), tool.WorkerLost)
		sum, err := toolbridge.Call[int](t.Context(), s, "add_numbers", 40, 2)
		require.NoError(t, err, name)
		require.Equal(t, 42, sum, name)
	}
	beside.release()
	require.Equal(t, "call is done", within(t, "the call beside them ends", running).value)
}

func TestAWorkerThatAnswersTwiceOrLateIsNotHeard(t *testing.T) {
	processes(t)
	b := serve(t, "--memory")
	s := session(t, b.address, "late")
	w := newRawWorker(t, b.address, "raw")
	first := calling(t, s, "raw")
	id := w.call()
	w.send(w.result(id, "first"), w.result(id, "second"))
	require.Equal(t, "first", within(t, "the call ends", first).value)

	givenTime(t, 100*time.Millisecond, func(limit time.Duration) bool {
		request := "hanging for " + limit.String()
		hanging := calling(t, s.With(toolbridge.Timeout(limit), toolbridge.RequestID(request)), "raw")
		failed(t, within(t, "the call ends", hanging).err, tool.DeadlineExceeded)
		asked := calling(t, s.With(toolbridge.RequestID("after "+request)), "raw") // whatever was sent to the worker is before it
		began := w.await(func(f *bridgepb.Frame) bool { return f.GetCall() != nil })
		if id = began.GetCallId(); began.GetCall().GetRequestId() == request {
			id = w.cancelAndCall(id)
			w.send(w.result(began.GetCallId(), "too late"))
		}
		w.send(w.result(id, "asked"))
		require.Equal(t, "asked", within(t, "the call ends", asked).value)
		return began.GetCall().GetRequestId() == request
	})

	next := calling(t, s, "raw")
	w.send(w.result(w.call(), "next"))
	require.Equal(t, "next", within(t, "the call ends", next).value)
}
