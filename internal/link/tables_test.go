package link_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/internal/tabletest"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const (
	frameURL = "type.googleapis.com/pandas.DataFrame"
	pieceURL = "type.googleapis.com/dspex.bridge.TablePiece"
)

// cargo are the tables of a call as a caller has them.
type cargo struct {
	out     [][]byte
	in      tool.TableBuffer
	kind    string // of the result's table
	current int
	sent    int
	pieces  atomic.Int64
	// gate is called before each piece is given or taken; may be nil.
	gate func(ctx context.Context) error
}

func (c *cargo) Count() int  { return len(c.out) }
func (c *cargo) Takes() bool { return true }
func (c *cargo) Moved() bool { return c.pieces.Load() > 0 }

func (c *cargo) Next(ctx context.Context) ([]byte, error) {
	if c.current == len(c.out) {
		return nil, io.EOF
	}
	if c.gate != nil {
		if err := c.gate(ctx); err != nil {
			return nil, err
		}
	}
	c.pieces.Add(1)
	rest := c.out[c.current][c.sent:]
	if len(rest) == 0 {
		c.current, c.sent = c.current+1, 0
		return nil, nil
	}
	n := min(len(rest), tool.TablePieceBytes)
	c.sent += n
	return rest[:n], nil
}

func (c *cargo) Put(ctx context.Context, kind string, piece []byte) error {
	if c.gate != nil {
		if err := c.gate(ctx); err != nil {
			return err
		}
	}
	c.pieces.Add(1)
	c.kind = kind
	c.in.Limit = tool.DefaultTableBytes
	return c.in.Add(piece)
}

// random is a table's bytes.
func random(size int) []byte { return tabletest.Stream(size) }

// tableCall is a call whose arguments are tables in pieces.
func tableCall(tables ...[]byte) (*tool.Call, *cargo) {
	c := &cargo{out: tables}
	made := call("tables")
	for i := range tables {
		made.Args = append(made.Args, tool.StreamedTable(tool.Value{TypeURL: frameURL, Bytes: tables[i]}, i))
	}
	made.Tables = c
	return made, c
}

// reassembled is a host that answers with the first table in pieces.
func reassembled() handler {
	return handler{call: func(ctx context.Context, call *tool.Call) (tool.Result, error) {
		whole, err := tool.WithTables(ctx, call)
		if err != nil {
			return tool.Result{}, err
		}
		first := whole.Args[0]
		if err := tool.PutTable(first.Bytes, func(piece []byte) error { return call.Tables.Put(ctx, "pandas.DataFrame", piece) }); err != nil {
			return tool.Result{}, err
		}
		return tool.Result{Value: tool.StreamedTable(first, 0)}, nil
	}, stream: func(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
		whole, err := tool.WithTables(ctx, call)
		if err != nil {
			return tool.Metrics{}, err
		}
		return tool.Metrics{}, send(tool.Chunk{Value: value(string(whole.Args[0].Bytes[:3]))})
	}}
}

func withTables(t *testing.T, process, bridge handler) *bundle {
	t.Helper()
	b := setup(t, link.ProcessConfig{Handler: process, Capabilities: []string{"tables"}}, link.BridgeConfig{Handler: bridge})
	b.connect()
	return b
}

func TestTablesInPiecesTravelBothWaysInBothDirections(t *testing.T) {
	t.Parallel()
	b := withTables(t, reassembled(), reassembled())
	for name, host := range map[string]link.Handler{"to the bridge": b.process, "to the process": b.end()} {
		for _, sizes := range [][]int{{4}, {tool.TablePieceBytes - 1}, {tool.TablePieceBytes}, {tool.TablePieceBytes + 1}, {3 << 20, 4, 2 << 20}} {
			var tables [][]byte
			for _, size := range sizes {
				tables = append(tables, random(size))
			}
			made, got := tableCall(tables...)
			result, err := host.Call(soon(t), made)
			require.NoError(t, err, "%s %v", name, sizes)
			require.Equal(t, "pandas.DataFrame", got.kind)
			require.NoError(t, got.in.Fill(&result.Value))
			require.Equal(t, frameURL, result.Value.TypeURL)
			require.True(t, bytes.Equal(tables[0], result.Value.Bytes), "%s %v", name, sizes)
		}
	}
}

func TestAStreamTakesTablesInPiecesToo(t *testing.T) {
	t.Parallel()
	b := withTables(t, reassembled(), reassembled())
	made, _ := tableCall(random(6))
	var got []tool.Value
	_, err := b.process.Stream(soon(t), made, func(c tool.Chunk) error {
		got = append(got, c.Value)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, []tool.Value{value("\x00\x00\x00")}, got)
}

// inFlight is how many pieces may be under way before the first credit, and a few that are being handed on.
const inFlight = (1<<20)/tool.TablePieceBytes + 2

func TestATableWaitsForAHostThatDoesNotReadIt(t *testing.T) {
	t.Parallel()
	reads := make(chan struct{})
	b := withTables(t, echo(), handler{call: func(ctx context.Context, call *tool.Call) (tool.Result, error) {
		<-reads
		return reassembled().call(ctx, call)
	}})
	table := random(5 << 20)
	made, sent := tableCall(table)
	done := make(chan error, 1)
	go func() {
		_, err := b.process.Call(soon(t), made)
		done <- err
	}()

	require.Eventually(t, func() bool { return sent.pieces.Load() >= inFlight-3 }, 10*time.Second, time.Millisecond)
	_, err := b.process.Ping(soon(t)) // what could be sent has been
	require.NoError(t, err)
	require.LessOrEqual(t, sent.pieces.Load(), int64(inFlight))
	require.Less(t, b.end().Stats().Queued, 1<<20)

	close(reads)
	require.NoError(t, <-done)
}

func TestAHostWaitsForACallerThatDoesNotTakeItsTable(t *testing.T) {
	t.Parallel()
	var put atomic.Int64
	b := withTables(t, echo(), handler{call: func(ctx context.Context, call *tool.Call) (tool.Result, error) {
		err := tool.PutTable(random(5<<20), func(piece []byte) error {
			put.Add(1)
			return call.Tables.Put(ctx, "pandas.DataFrame", piece)
		})
		return tool.Result{Value: tool.StreamedTable(tool.Value{TypeURL: frameURL}, 0)}, err
	}})
	takes := make(chan struct{})
	got := &cargo{gate: func(context.Context) error { <-takes; return nil }}
	made := call("make")
	made.Tables = got
	done := make(chan error, 1)
	go func() {
		_, err := b.process.Call(soon(t), made)
		done <- err
	}()

	require.Eventually(t, func() bool { return put.Load() >= inFlight-3 }, 10*time.Second, time.Millisecond)
	_, err := b.process.Ping(soon(t))
	require.NoError(t, err)
	require.LessOrEqual(t, put.Load(), int64(inFlight))

	close(takes)
	require.NoError(t, <-done)
}

func TestACallThatEndsWhileItsTableTravelsLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	failed := tool.Errorf(tool.SerializationError, "row 7 cannot be written")
	for name, c := range map[string]struct {
		host handler
		gate func(n int64, cancel context.CancelFunc) error
		want tool.Code
	}{
		"the host answers without reading": {
			host: handler{call: func(context.Context, *tool.Call) (tool.Result, error) {
				return tool.Result{}, tool.Errorf(tool.ValidationError, "not this one")
			}},
			want: tool.ValidationError,
		},
		"the caller cancels": {host: reassembled(), gate: func(n int64, cancel context.CancelFunc) error { cancel(); return nil }, want: tool.Cancelled},
		"the table fails":    {host: reassembled(), gate: func(n int64, _ context.CancelFunc) error { return failed }, want: tool.SerializationError},
		"the host only cancels": {host: handler{call: func(ctx context.Context, _ *tool.Call) (tool.Result, error) {
			<-ctx.Done()
			return tool.Result{}, ctx.Err()
		}}, gate: func(n int64, cancel context.CancelFunc) error { cancel(); return nil }, want: tool.Cancelled},
		"the result is not wanted": {host: reassembled(), gate: func(n int64, _ context.CancelFunc) error {
			if n > 90 { // the table has 86 pieces
				return failed
			}
			return nil
		}, want: tool.SerializationError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := withTables(t, echo(), c.host)
			ctx, cancel := context.WithCancel(soon(t))
			defer cancel()
			made, sent := tableCall(random(5 << 20))
			sent.gate = func(context.Context) error {
				if n := sent.pieces.Load(); c.gate != nil && n > 10 {
					return c.gate(n, cancel)
				}
				return nil
			}
			_, err := b.process.Call(ctx, made)
			require.Equal(t, c.want, tool.CodeOf(err), "%v", err)
			require.Eventually(t, func() bool {
				s := b.end().Stats()
				return s.Running == 0 && s.Queued == 0 && b.process.Stats().Waiting == 0
			}, 10*time.Second, time.Millisecond)
			_, err = b.process.Ping(soon(t)) // the link goes on
			require.NoError(t, err)
		})
	}
}

func TestTheDeadlinePassesWhileATableWaits(t *testing.T) {
	t.Parallel()
	b := withTables(t, echo(), handler{call: func(ctx context.Context, _ *tool.Call) (tool.Result, error) {
		<-ctx.Done()
		return tool.Result{}, ctx.Err()
	}})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	made, _ := tableCall(random(5 << 20))
	_, err := b.process.Call(ctx, made)
	require.Equal(t, tool.DeadlineExceeded, tool.CodeOf(err))
}

func TestATableGoesOnOverTheNextConnection(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{Capabilities: []string{"tables"}}, link.BridgeConfig{Handler: reassembled()})
	cut := b.connect()
	table := random(8 << 20)
	made, sent := tableCall(table)
	broke := make(chan struct{})
	sent.gate = func(context.Context) error {
		if n := sent.pieces.Load(); n == 40 || n == 200 {
			sent.pieces.Add(1)
			broke <- struct{}{}
		}
		return nil
	}
	done := make(chan struct{})
	var result tool.Result
	var err error
	go func() {
		defer close(done)
		result, err = b.process.Call(soon(t), made)
	}()
	for range 2 {
		<-broke
		cut()
		cut = b.connect()
	}
	<-done
	require.NoError(t, err)
	require.NoError(t, sent.in.Fill(&result.Value))
	require.True(t, bytes.Equal(table, result.Value.Bytes))
}

func TestALinkThatIsLostForGoodEndsTheCallWithItsTable(t *testing.T) {
	t.Parallel()
	b := setup(t, link.ProcessConfig{Capabilities: []string{"tables"}}, link.BridgeConfig{Handler: reassembled(), ReattachGrace: 20 * time.Millisecond})
	cut := b.connect()
	made, sent := tableCall(random(8 << 20))
	broke := make(chan struct{}, 1)
	sent.gate = func(context.Context) error {
		if sent.pieces.Load() == 40 {
			sent.pieces.Add(1)
			broke <- struct{}{}
		}
		return nil
	}
	done := make(chan error, 1)
	go func() {
		_, err := b.process.Call(soon(t), made)
		done <- err
	}()
	<-broke
	cut()
	require.Equal(t, tool.WorkerLost, tool.CodeOf(<-done))
}

func TestTablesOverTheLimitAreRefusedOnBothWays(t *testing.T) {
	t.Parallel()
	limits := wire.DefaultLimits()
	limits.MaxTableBytes = 1 << 20
	b := setup(t, link.ProcessConfig{Handler: reassembled(), Capabilities: []string{"tables"}}, link.BridgeConfig{Limits: limits, Handler: reassembled()})
	b.connect()
	check := func(err error) {
		t.Helper()
		var e *tool.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, tool.MessageTooLarge, e.Code)
		require.Equal(t, "1048576", e.Details["limit"])
	}

	made, _ := tableCall(random(1<<20), random(4))
	_, err := b.process.Call(soon(t), made)
	check(err)

	made, _ = tableCall(random(4))
	b2 := setup(t, link.ProcessConfig{Capabilities: []string{"tables"}, Handler: handler{call: func(ctx context.Context, call *tool.Call) (tool.Result, error) {
		return tool.Result{}, tool.PutTable(random(1<<20+1), func(piece []byte) error { return call.Tables.Put(ctx, "pandas.DataFrame", piece) })
	}}}, link.BridgeConfig{Limits: limits})
	b2.connect()
	_, err = b2.end().Call(soon(t), made)
	check(err)
}

func TestABatchOverTheLimitIsRefusedByWhoeverReceivesIt(t *testing.T) {
	t.Parallel()
	limits := wire.DefaultLimits()
	limits.MaxValueBytes = 1 << 20
	long := append(tabletest.Batches(500, 500), tabletest.Batches(3<<20, 2<<20)...)
	b := setup(t, link.ProcessConfig{Handler: reassembled(), Capabilities: []string{"tables"}}, link.BridgeConfig{Limits: limits, Handler: reassembled()})
	b.connect()
	made := setup(t, link.ProcessConfig{Handler: giving(long), Capabilities: []string{"tables"}}, link.BridgeConfig{Limits: limits, Handler: giving(long)})
	made.connect()
	for name, c := range map[string]struct {
		host   link.Handler
		tables [][]byte
	}{
		"arguments, by the bridge":         {b.process, [][]byte{random(2 << 20), long}},
		"arguments, by a process":          {b.end(), [][]byte{long}},
		"a result, by the bridge":          {made.end(), nil},
		"a result, by the calling process": {made.process, nil},
	} {
		call, _ := tableCall(c.tables...)
		_, err := c.host.Call(soon(t), call)
		var e *tool.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, tool.MessageTooLarge, e.Code, name)
		require.Equal(t, "1048576", e.Details["limit"], name)
		require.Contains(t, e.Message, "the limit of a batch is 1048576", name)
	}
}

// giving is a host that answers with a table in pieces.
func giving(table []byte) handler {
	return handler{call: func(ctx context.Context, call *tool.Call) (tool.Result, error) {
		err := tool.PutTable(table, func(piece []byte) error { return call.Tables.Put(ctx, "pandas.DataFrame", piece) })
		return tool.Result{Value: tool.StreamedTable(tool.Value{TypeURL: frameURL}, 0)}, err
	}}
}

func TestTablesAreOfferedOnlyToThoseWhoTakeThem(t *testing.T) {
	t.Parallel()
	limits := wire.DefaultLimits()
	limits.MaxTableBytes = 0
	b := setup(t, link.ProcessConfig{}, link.BridgeConfig{Limits: limits})
	b.connect()
	for name, host := range map[string]link.Handler{"process worker-1": b.end(), "the bridge": b.process} {
		made, sent := tableCall([]byte("table"))
		_, err := host.Call(soon(t), made)
		require.Equal(t, tool.MessageTooLarge, tool.CodeOf(err))
		require.ErrorContains(t, err, name+" does not take those in pieces")
		require.False(t, sent.Moved())
	}
}

func pieceFrame(id uint64, url string, data []byte) *bridgepb.Frame {
	return &bridgepb.Frame{CallId: id, Body: &bridgepb.Frame_Chunk{Chunk: &bridgepb.ToolStreamChunk{
		Content: &bridgepb.ToolStreamContent{Kind: &bridgepb.ToolStreamContent_Data{Data: &anypb.Any{TypeUrl: url, Value: data}}},
	}}}
}

func TestEveryViolationWithPiecesOfTablesIsNamedAndEndsTheLink(t *testing.T) {
	t.Parallel()
	stuck := handler{call: func(ctx context.Context, _ *tool.Call) (tool.Result, error) {
		<-ctx.Done()
		return tool.Result{}, ctx.Err()
	}}
	announced := callFrame(1, &bridgepb.ToolCallRequest{Tables: 1, Args: []*anypb.Any{{TypeUrl: "stream.dspex.bridge/pandas.DataFrame"}}})
	long := make([]byte, tool.TablePieceBytes)
	for name, c := range map[string]struct {
		frames []*bridgepb.Frame
		flood  int
		says   string
	}{
		"a piece that was not announced": {frames: []*bridgepb.Frame{callFrame(1, &bridgepb.ToolCallRequest{}), pieceFrame(1, pieceURL, long)}, says: "did not announce"},
		"a piece behind the last table":  {frames: []*bridgepb.Frame{announced, pieceFrame(1, pieceURL, nil), pieceFrame(1, pieceURL, []byte("x"))}, says: "did not announce"},
		"a chunk that is no piece":       {frames: []*bridgepb.Frame{announced, pieceFrame(1, frameURL, []byte("x"))}, says: "where a piece of a table is due"},
		"a piece that is too long":       {frames: []*bridgepb.Frame{announced, pieceFrame(1, pieceURL, make([]byte, tool.TablePieceBytes+1))}, says: "the limit is 61440"},
		"a piece of a call never made":   {frames: []*bridgepb.Frame{pieceFrame(7, pieceURL, long)}, says: "never issued"},
		"more than the credit":           {frames: []*bridgepb.Frame{announced, pieceFrame(1, pieceURL, long)}, flood: 16, says: "credit overrun"},
		"a piece that is cut": {frames: []*bridgepb.Frame{
			announced,
			fragmentFrame(1, 1, mustMarshal(pieceFrame(1, pieceURL, []byte("x"))), uint64(len(mustMarshal(pieceFrame(1, pieceURL, []byte("x")))))),
		}, says: "never cut"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(t, link.BridgeConfig{Handler: stuck})
			s.send(0, c.frames...)
			for i := range c.flood {
				s.send(uint64(i), pieceFrame(1, pieceURL, long), pingFrame(1))
				s.frame(func(f *bridgepb.Frame) bool { return f.GetPong() != nil })
			}
			if c.flood > 0 {
				s.send(uint64(c.flood), pieceFrame(1, pieceURL, long))
			}
			says := s.violation()
			require.Contains(t, says, "ProtocolError")
			require.Contains(t, says, c.says)
			require.Equal(t, link.Gone, s.bridge.State())
		})
	}
}

func TestMoreTablesThanArgumentsAreRefused(t *testing.T) {
	t.Parallel()
	s := play(t, link.BridgeConfig{})
	s.send(0, callFrame(1, &bridgepb.ToolCallRequest{Tables: 2, Args: []*anypb.Any{wireValue(nil)}}))
	f := s.frame(func(f *bridgepb.Frame) bool { return f.GetResult() != nil })
	require.Equal(t, "ValidationError", f.GetResult().GetError().GetType())
}

func TestPiecesOfACallThatHasEndedAreDropped(t *testing.T) {
	t.Parallel()
	s := play(t, link.BridgeConfig{Handler: handler{call: func(context.Context, *tool.Call) (tool.Result, error) {
		return tool.Result{}, errors.New("no")
	}}})
	s.send(0, callFrame(1, &bridgepb.ToolCallRequest{Tables: 1, Args: []*anypb.Any{{TypeUrl: "stream.dspex.bridge/pandas.DataFrame"}}}))
	s.frame(func(f *bridgepb.Frame) bool { return f.GetResult() != nil })
	s.send(1, pieceFrame(1, pieceURL, []byte("late")), pingFrame(3))
	require.NotNil(t, s.frame(func(f *bridgepb.Frame) bool { return f.GetPong() != nil }))
	require.Equal(t, uint64(1), s.bridge.Stats().LateFrames)
}

// TestAResultInPiecesThatWasNotAskedForIsAViolation plays a worker against a Bridge.
func TestAResultInPiecesThatWasNotAskedForIsAViolation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tables tool.Tables
		frames func(id uint64) []*bridgepb.Frame
		says   string
	}{
		"the caller takes none": {frames: func(id uint64) []*bridgepb.Frame {
			return []*bridgepb.Frame{pieceFrame(id, pieceURL, []byte("x"))}
		}, says: "does not take tables"},
		"a chunk that is no piece": {tables: &cargo{}, frames: func(id uint64) []*bridgepb.Frame {
			return []*bridgepb.Frame{pieceFrame(id, frameURL, []byte("x"))}
		}, says: "where a piece of a table is due"},
		"a piece behind the result": {tables: &cargo{gate: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}, frames: func(id uint64) []*bridgepb.Frame {
			return []*bridgepb.Frame{pieceFrame(id, pieceURL, []byte("x")), resultFrame(id), pieceFrame(id, pieceURL, []byte("x"))}
		}, says: "behind the result"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(t, link.BridgeConfig{})
			done := make(chan error, 1)
			go func() {
				made := call("make")
				made.Tables = c.tables
				_, err := s.bridge.Call(soon(t), made)
				done <- err
			}()
			f := s.frame(func(f *bridgepb.Frame) bool { return f.GetCall() != nil })
			s.send(1, c.frames(f.GetCallId())...)
			require.Contains(t, s.violation(), c.says)
			require.Error(t, <-done)
		})
	}
}

func mustMarshal(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}
