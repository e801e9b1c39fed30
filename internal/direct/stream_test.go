package direct_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/internal/direct"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
)

// content is what the n-th message of a size consists of.
func content(n, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(n + i*7 + i>>8)
	}
	return b
}

// inParts divides a message at places that depend on n.
func inParts(n int, b []byte) link.Message {
	var m link.Message
	for cut := n%5 + 1; len(b) > cut && len(m) < 20; cut *= n%3 + 2 {
		m, b = append(m, b[:cut]), b[cut:]
	}
	return append(m, b)
}

// sendAll sends messages of these sizes, and ends this side.
func sendAll(s link.Stream, sizes []int) error {
	for n, size := range sizes {
		if err := s.Send(inParts(n, content(n, size)), nil); err != nil {
			return err
		}
	}
	return s.CloseSend()
}

// recvAll receives messages of these sizes, and nothing else before the end.
func recvAll(s link.Stream, sizes []int) error {
	for n, size := range sizes {
		m, err := s.Recv()
		if err != nil {
			return err
		}
		if !bytes.Equal(content(n, size), joined(m)) {
			return status.Errorf(codes.DataLoss, "message %d is not the one of %d bytes that was sent", n, size)
		}
	}
	m, err := s.Recv()
	if err == nil {
		return status.Errorf(codes.DataLoss, "a message of %d bytes beyond the last", len(joined(m)))
	}
	return endOf(err)
}

// bothWays sends messages of these sizes from the process and back, at once.
func bothWays(t require.TestingT, dialed func(serve) *direct.Stream, there, back []int) {
	s := dialed(func(_ context.Context, s *direct.Stream) error {
		sent := make(chan error, 1)
		go func() { sent <- sendAll(s, back) }()
		return errors.Join(recvAll(s, there), <-sent)
	})
	defer s.Close()
	sent := make(chan error, 1)
	go func() { sent <- sendAll(s, there) }()
	require.NoError(t, recvAll(s, back))
	require.NoError(t, <-sent)
}

func TestMessagesArriveAsTheyWereSentInBothDirectionsAtOnce(t *testing.T) {
	t.Parallel()
	sizes := rapid.SliceOfN(rapid.OneOf(
		rapid.IntRange(0, 20), rapid.IntRange(4<<10-20, 4<<10+20), rapid.IntRange(8<<10-20, 8<<10+20), rapid.IntRange(16<<10-20, 16<<10+20),
		rapid.IntRange(64<<10-40, 64<<10+40), rapid.IntRange(256<<10-20, 256<<10+20), rapid.IntRange(0, 1<<20),
	), 0, 30)
	rapid.Check(t, func(rt *rapid.T) {
		there, back := sizes.Draw(rt, "there"), sizes.Draw(rt, "back")
		bothWays(rt, func(serve serve) *direct.Stream {
			b := listen(t, serve)
			return dial(t, b.address)
		}, there, back)
	})
}

func TestTheLongestMessagesPassInBothDirectionsAtOnce(t *testing.T) {
	t.Parallel()
	const longest = 16 << 20
	sizes := []int{longest, 0, longest - 1, 1, longest, 1 << 20}
	bothWays(t, func(serve serve) *direct.Stream { return dial(t, listen(t, serve).address) }, sizes, sizes)
}

func TestAMessageBeyondTheLongestIsRefusedBeforeItIsRead(t *testing.T) {
	t.Parallel()
	// given
	b := listen(t, func(_ context.Context, s *direct.Stream) error { return drain(s) })
	s := dial(t, b.address)
	// when
	sent := begin(t, func() error { return s.Send(link.Message{make([]byte, 16<<20+1)}, nil) })
	// then
	_, err := s.Recv()
	require.Contains(t, []codes.Code{codes.Unavailable, codes.Internal}, status.Code(err), err) // the connection may end before the reason has passed
	require.Error(t, returns(t, sent))
}

func TestBothDirectionsMayBeFullAtOnce(t *testing.T) {
	t.Parallel()
	// given: both sides send more than any socket holds, before either reads
	sizes := make([]int, 32)
	for i := range sizes {
		sizes[i] = 1 << 20
	}
	read := make(chan struct{})
	b := listen(t, func(_ context.Context, s *direct.Stream) error {
		sent := make(chan error, 1)
		go func() { sent <- sendAll(s, sizes) }()
		<-read
		return errors.Join(recvAll(s, sizes), <-sent)
	})
	s := dial(t, b.address)
	sent := begin(t, func() error { return sendAll(s, sizes) })
	require.Empty(t, sent, "it cannot have been sent")
	// when
	close(read)
	// then
	require.NoError(t, recvAll(s, sizes))
	require.NoError(t, returns(t, sent))
}

// answer is what comes back for a message that is sent meanwhile.
func answer(t *testing.T, s *direct.Stream, m link.Message, release func()) []byte {
	t.Helper()
	sent := begin(t, func() error { return s.Send(m, release) })
	got, err := s.Recv()
	require.NoError(t, err)
	b := joined(got)
	require.NoError(t, returns(t, sent))
	return b
}

func TestEveryMessageIsReleasedExactlyOnce(t *testing.T) {
	t.Parallel()
	b := listen(t, echo)
	s := dial(t, b.address)
	for name, m := range map[string]link.Message{
		"empty": {}, "an empty part": {nil}, "short": text("a"), "long": {make([]byte, 1<<20), make([]byte, 5)},
	} {
		var released atomic.Int32
		require.True(t, bytes.Equal(joined(m), answer(t, s, m, func() { released.Add(1) })), name)
		require.EqualValues(t, 1, released.Load(), name)
	}
	for name, end := range map[string]func(){"after the end of this side": func() { _ = s.CloseSend() }, "after Close": s.Close} {
		end()
		var released atomic.Int32
		require.Error(t, s.Send(text("a"), func() { released.Add(1) }), name)
		require.EqualValues(t, 1, released.Load(), name)
	}
}

func TestAMessageIsWrittenFromWhereItLiesAndStaysAsItWas(t *testing.T) {
	t.Parallel()
	b := listen(t, echo)
	s := dial(t, b.address)
	m := link.Message{content(1, 10), nil, content(2, 100_000), content(3, 300_000)}
	before := joined(m)
	require.True(t, bytes.Equal(before, answer(t, s, m, nil)))
	require.True(t, bytes.Equal(before, joined(m)))
	require.Len(t, m[2], 100_000)
}

func TestTheEndOfAServedStreamReachesTheProcess(t *testing.T) {
	t.Parallel()
	detailed, err := status.New(codes.FailedPrecondition, "a reason").WithDetails(structpb.NewStringValue("a detail"))
	require.NoError(t, err)
	verbose, err := status.New(codes.Internal, "short").WithDetails(structpb.NewStringValue(strings.Repeat("d", 100_000)))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		given error
		code  codes.Code
		says  string
	}{
		"a status":                    {status.Error(codes.ResourceExhausted, "too much"), codes.ResourceExhausted, "too much"},
		"a text that needs escapes":   {status.Error(codes.NotFound, "50 % of \"Bücher\"\n\x7f%41"), codes.NotFound, "50 % of \"Bücher\"\n\x7f%41"},
		"a text of several thousands": {status.Error(codes.NotFound, "x"+strings.Repeat("ü", 10_000)), codes.NotFound, "x" + strings.Repeat("ü", 2047)},
		"details":                     {detailed.Err(), codes.FailedPrecondition, "a reason"},
		"details that are too long":   {verbose.Err(), codes.Internal, "short"},
		"an error of its own":         {errors.New("odd"), codes.Unknown, "odd"},
		"the end of a context":        {context.DeadlineExceeded, codes.DeadlineExceeded, "context deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// given
			b := listen(t, func(_ context.Context, s *direct.Stream) error {
				_, _ = s.Recv()
				return c.given
			})
			s := dial(t, b.address)
			// when
			require.NoError(t, s.Send(text("go"), nil))
			_, err := s.Recv()
			// then
			got := status.Convert(err)
			require.Equal(t, c.code, got.Code())
			require.Equal(t, c.says, got.Message())
			if name == "details" {
				require.Equal(t, "a detail", got.Details()[0].(*structpb.Value).GetStringValue()) //nolint:forcetypeassert // require fails
			}
			_, again := s.Recv()
			require.Equal(t, err, again)
			<-s.Context().Done()
		})
	}
}

func TestAProcessThatEndsItsSideStillReceives(t *testing.T) {
	t.Parallel()
	// given
	b := listen(t, func(_ context.Context, s *direct.Stream) error {
		for {
			if _, err := s.Recv(); err != nil {
				return errors.Join(endOf(err), s.CloseSend(), s.Send(text("good-bye"), nil))
			}
		}
	})
	s := dial(t, b.address)
	// when
	require.NoError(t, s.Send(text("hello"), nil))
	require.NoError(t, s.CloseSend())
	require.NoError(t, s.CloseSend(), "a second time changes nothing")
	// then
	says(t, s, "good-bye")
	_, err := s.Recv()
	require.ErrorIs(t, err, io.EOF)
	require.ErrorIs(t, s.Send(text("more"), nil), io.ErrClosedPipe)
}

func TestCloseOnTheServersSideHasNoEffectSoThatTheStatusArrives(t *testing.T) {
	t.Parallel()
	b := listen(t, func(ctx context.Context, s *direct.Stream) error {
		_, err := s.Recv()
		s.Close()
		if err := errors.Join(err, ctx.Err(), s.Send(text("last"), nil)); err != nil {
			return err
		}
		return status.Error(codes.Aborted, "why")
	})
	s := dial(t, b.address)
	require.NoError(t, s.Send(text("go"), nil))
	says(t, s, "last")
	_, err := s.Recv()
	require.Equal(t, codes.Aborted, status.Code(err))
	require.Contains(t, err.Error(), "why")
}

// ends are the ways in which a process ends its stream by itself.
func ends() map[string]func(s *direct.Stream, cancel context.CancelFunc) {
	return map[string]func(s *direct.Stream, cancel context.CancelFunc){
		"Close":       func(s *direct.Stream, _ context.CancelFunc) { s.Close() },
		"the context": func(_ *direct.Stream, cancel context.CancelFunc) { cancel() },
	}
}

func TestWhoeverEndsAStreamFreesThoseThatWait(t *testing.T) {
	t.Parallel()
	for name, end := range ends() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// given: one that receives, and one that sends to somebody who reads nothing
			over := make(chan error, 1)
			b := listen(t, func(ctx context.Context, s *direct.Stream) error {
				_, err := s.Recv()
				<-ctx.Done()
				over <- err
				return nil
			})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s, err := direct.Dial(ctx, target(b.address))
			require.NoError(t, err)
			defer s.Close()
			sending := make(chan struct{})
			received := begin(t, func() error { _, err := s.Recv(); return err })
			sent := begin(t, func() error {
				defer close(sending)
				for range 64 {
					if err := s.Send(link.Message{make([]byte, 1<<20)}, nil); err != nil {
						return err
					}
				}
				return nil
			})
			// when
			end(s, cancel)
			// then
			require.Error(t, returns(t, received))
			require.Error(t, returns(t, sent))
			require.Error(t, s.Context().Err())
			<-sending
		})
	}
}

func TestAProcessThatGoesAwayEndsWhatIsServed(t *testing.T) {
	t.Parallel()
	// given
	served := make(chan error, 1)
	b := listen(t, func(ctx context.Context, s *direct.Stream) error {
		err := drain(s)
		<-ctx.Done()
		served <- err
		return err
	})
	s := dial(t, b.address)
	require.NoError(t, s.Send(text("hello"), nil))
	// when
	s.Close()
	// then
	require.Equal(t, codes.Unavailable, status.Code(returns(t, served)))
}
