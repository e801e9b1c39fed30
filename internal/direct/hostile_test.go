package direct_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpc-tool-bridge/toolbridge/internal/alloctest"
	"github.com/grpc-tool-bridge/toolbridge/internal/direct"
)

// wrong is what neither side may say once a stream is open, and what the error of the other side says of it.
var wrong = map[string]struct {
	say  func(p *peer)
	code codes.Code
	says string
}{
	"a frame that is too long":  {func(p *peer) { _ = p.WriteData(1, false, make([]byte, 256<<10+1)) }, codes.Internal, "the limit is 262144"},
	"a frame of another stream": {func(p *peer) { _ = p.WriteData(3, false, nil) }, codes.Internal, "there is only 1"},
	"a reset of another stream": {func(p *peer) { _ = p.WriteRSTStream(3, http2.ErrCodeCancel) }, codes.Internal, "there is only 1"},
	"data of no stream":         {func(p *peer) { _ = p.WriteData(0, false, nil) }, codes.Internal, "data before the headers"},
	"headers of no stream": {func(p *peer) {
		_ = p.WriteHeaders(http2.HeadersFrameParam{BlockFragment: p.fields("a", "b"), EndHeaders: true})
	}, codes.Internal, "headers of stream 0"},
	"headers of another stream": {func(p *peer) {
		_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 5, BlockFragment: p.fields("a", "b"), EndHeaders: true})
	}, codes.Internal, "there is only 1"},
	"more headers":          {func(p *peer) { p.headers(false, "a", "b") }, codes.Internal, ""},
	"headers that are none": {func(p *peer) { _ = p.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 1, []byte{0xff}) }, codes.Internal, "headers:"},
	"headers of an entry that is none": {func(p *peer) {
		_ = p.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 1, []byte{0xff, 0xff, 0xff, 0x0f})
	}, codes.Internal, "headers:"},
	"headers that are all padding":    {func(p *peer) { _ = p.WriteRawFrame(http2.FrameHeaders, 0xc, 1, []byte{9, 0}) }, codes.Internal, "with 9 of padding"},
	"padded headers without a length": {func(p *peer) { _ = p.WriteRawFrame(http2.FrameHeaders, 0xc, 1, nil) }, codes.Internal, "of padding"},
	"a priority that is cut":          {func(p *peer) { _ = p.WriteRawFrame(http2.FrameHeaders, 0x24, 1, []byte{0, 0}) }, codes.Internal, "headers of 2 bytes"},
	"headers that are long": {func(p *peer) {
		_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: make([]byte, 60_000)})
		_ = p.WriteContinuation(1, false, make([]byte, 10_000))
	}, codes.Internal, "more than 65536"},
	"one frame of headers that is long": {func(p *peer) { _ = p.WriteRawFrame(http2.FrameHeaders, 0, 1, make([]byte, 100_000)) }, codes.Internal, "65536 for others"},
	"continuations of nothing without end": {func(p *peer) {
		_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1})
		for range 10_000 {
			_ = p.WriteContinuation(1, false, nil)
		}
	}, codes.Internal, "more than 65536"},
	"a continuation alone": {func(p *peer) { _ = p.WriteContinuation(1, true, nil) }, codes.Internal, "a continuation without headers"},
	"a continuation of no stream": {func(p *peer) {
		_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1})
		_ = p.WriteContinuation(0, true, nil)
	}, codes.Internal, "a continuation without headers"},
	"a ping between headers": {func(p *peer) {
		_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1})
		_ = p.WritePing(false, [8]byte{})
	}, codes.Internal, "between headers"},
	"a promise":                  {func(p *peer) { _ = p.WriteRawFrame(http2.FramePushPromise, 4, 1, make([]byte, 4)) }, codes.Internal, "a promise"},
	"settings of a stream":       {func(p *peer) { _ = p.WriteRawFrame(http2.FrameSettings, 0, 1, nil) }, codes.Internal, "settings of stream 1"},
	"settings that are cut":      {func(p *peer) { _ = p.WriteRawFrame(http2.FrameSettings, 0, 0, make([]byte, 7)) }, codes.Internal, "settings of 7 bytes"},
	"a window that is too large": {func(p *peer) { _ = p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 31}) }, codes.Internal, "the limit is 2147483647"},
	"frames that are too short":  {func(p *peer) { _ = p.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1<<14 - 1}) }, codes.Internal, "want 16384"},
	"frames that are too large":  {func(p *peer) { _ = p.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 24}) }, codes.Internal, "want 16384"},
	"a window that flows over":   {func(p *peer) { _ = p.WriteWindowUpdate(0, 1<<31-1) }, codes.Internal, "the limit is 2147483647"},
	"a stream's that flows over": {func(p *peer) { _ = p.WriteWindowUpdate(1, 1<<31-1) }, codes.Internal, "the limit is 2147483647"},
	"settings that let one flow over": {func(p *peer) {
		_ = p.WriteWindowUpdate(1, 1<<30)
		_ = p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
	}, codes.Internal, "the limit is 2147483647"},
	"an update of nothing":          {func(p *peer) { _ = p.WriteWindowUpdate(1, 0) }, codes.Internal, "a window update of nothing"},
	"an update that is cut":         {func(p *peer) { _ = p.WriteRawFrame(http2.FrameWindowUpdate, 0, 1, []byte{1}) }, codes.Internal, "a window update of 1 bytes"},
	"a ping that is cut":            {func(p *peer) { _ = p.WriteRawFrame(http2.FramePing, 0, 0, []byte{1}) }, codes.Internal, "a ping of 1 bytes"},
	"a ping of a stream":            {func(p *peer) { _ = p.WriteRawFrame(http2.FramePing, 0, 1, make([]byte, 8)) }, codes.Internal, "a ping of 8 bytes on stream 1"},
	"a reset that is cut":           {func(p *peer) { _ = p.WriteRawFrame(http2.FrameRSTStream, 0, 1, []byte{1}) }, codes.Internal, "a reset of 1 bytes"},
	"a reset of no stream":          {func(p *peer) { _ = p.WriteRSTStream(0, http2.ErrCodeCancel) }, codes.Internal, "of stream 0"},
	"a farewell that is cut":        {func(p *peer) { _ = p.WriteRawFrame(http2.FrameGoAway, 0, 0, make([]byte, 7)) }, codes.Internal, "a farewell of 7 bytes"},
	"a farewell of a stream":        {func(p *peer) { _ = p.WriteRawFrame(http2.FrameGoAway, 0, 1, make([]byte, 8)) }, codes.Internal, "on stream 1"},
	"padding longer than its frame": {func(p *peer) { _ = p.WriteRawFrame(http2.FrameData, 8, 1, []byte{5, 0, 0}) }, codes.Internal, "with 5 of padding"},
	"padding without a length":      {func(p *peer) { _ = p.WriteRawFrame(http2.FrameData, 8, 1, nil) }, codes.Internal, "without its padding's length"},
	"a compressed message":          {func(p *peer) { _ = p.WriteData(1, false, []byte{1, 0, 0, 0, 3, 1, 2, 3}) }, codes.Internal, "a compressed message"},
	"a message that is too long":    {func(p *peer) { _ = p.WriteData(1, false, []byte{0, 0xff, 0xff, 0xff, 0xff, 0}) }, codes.Internal, "a message of 4294967295 bytes"},
	"its length in two parts": {func(p *peer) {
		_ = p.WriteData(1, false, []byte{0, 1})
		_ = p.WriteData(1, false, []byte{0, 0, 1})
	}, codes.Internal, "the limit is 16777216"},
	"an end within a message":       {func(p *peer) { _ = p.WriteData(1, true, message(10)[:7]) }, codes.Internal, "within a message"},
	"an end within a prefix":        {func(p *peer) { _ = p.WriteData(1, true, message(10)[:3]) }, codes.Internal, "within a message"},
	"a reset that cancels":          {func(p *peer) { _ = p.WriteRSTStream(1, http2.ErrCodeCancel) }, codes.Canceled, "cancelled"},
	"a reset":                       {func(p *peer) { _ = p.WriteRSTStream(1, http2.ErrCodeEnhanceYourCalm) }, codes.Unavailable, "error 11"},
	"a reset for no reason":         {func(p *peer) { _ = p.WriteRSTStream(1, http2.ErrCodeNo) }, codes.Unavailable, "error 0"},
	"the end of the connection":     {func(p *peer) { _ = p.conn.Close() }, codes.Unavailable, ""},
	"the end within a frame's head": {func(p *peer) { _, _ = p.conn.Write([]byte{0, 0, 9, 0}); _ = p.conn.Close() }, codes.Unavailable, ""},
	"the end within data":           {func(p *peer) { _, _ = p.conn.Write([]byte{0, 0, 9, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}); _ = p.conn.Close() }, codes.Unavailable, ""},
	"the end within a ping":         {func(p *peer) { _, _ = p.conn.Write([]byte{0, 0, 8, 6, 0, 0, 0, 0, 0, 1}); _ = p.conn.Close() }, codes.Unavailable, ""},
	"garbage":                       {func(p *peer) { _, _ = p.conn.Write([]byte("GET / HTTP/1.1\r\nHost: here\r\n\r\n")) }, codes.Internal, "HTTP/2"},
}

func TestWhatMayNotBeSaidEndsTheStreamOfAProcess(t *testing.T) {
	t.Parallel()
	for name, c := range wrong {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, s := answering(t)
			begin(t, func() error { c.say(p); return nil })
			_, err := s.Recv()
			require.Equal(t, c.code, status.Code(err), err)
			require.Contains(t, err.Error(), c.says)
			_, again := s.Recv()
			require.Equal(t, err, again)
			<-s.Context().Done()
			require.Error(t, s.Send(text("more"), nil))
		})
	}
}

func TestWhatMayNotBeSaidEndsAServedStream(t *testing.T) {
	t.Parallel()
	for name, c := range wrong {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			served := make(chan error, 1)
			p := begun(t, func(ctx context.Context, s *direct.Stream) error {
				err := drain(s)
				served <- err
				<-ctx.Done()
				return err
			})
			begin(t, func() error { c.say(p); return nil })
			err := returns(t, served)
			require.Equal(t, c.code, status.Code(err), err)
			require.Contains(t, err.Error(), c.says)
		})
	}
}

// answers are those of which a process learns at once that there is no stream.
func TestAnAnswerThatIsNoStreamSaysWhatItIs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		say  func(p *peer)
		code codes.Code
		says string
	}{
		"trailers alone": {func(p *peer) {
			p.headers(true, ":status", "200", "content-type", "application/grpc", "grpc-status", "12", "grpc-message", "unknown service")
		}, codes.Unimplemented, "unknown service"},
		"trailers that are not escaped": {func(p *peer) {
			p.headers(true, ":status", "200", "content-type", "application/grpc", "grpc-status", "5", "grpc-message", "100 % odd")
		}, codes.NotFound, "100 % odd"},
		"details that are none": {func(p *peer) {
			p.headers(true, ":status", "200", "content-type", "application/grpc", "grpc-status", "5", "grpc-message", "m", "grpc-status-details-bin", "!!")
		}, codes.NotFound, "m"},
		"details of something else": {func(p *peer) {
			p.headers(true, ":status", "200", "content-type", "application/grpc", "grpc-status", "5", "grpc-message", "m", "grpc-status-details-bin", "CAc=")
		}, codes.NotFound, "m"},
		"HTTP's error": {func(p *peer) { p.headers(true, ":status", "502", "content-type", "text/html") }, codes.Unavailable, `"502"`},
		"a page":       {func(p *peer) { p.headers(false, ":status", "200", "content-type", "text/html") }, codes.Unavailable, `"text/html"`},
		"no status":    {func(p *peer) { p.headers(true, ":status", "200", "content-type", "application/grpc") }, codes.Unavailable, "want a number"},
		"a status of letters": {func(p *peer) {
			p.headers(true, ":status", "200", "content-type", "application/grpc", "grpc-status", "ok")
		}, codes.Unavailable, `"ok"`},
		"data before headers": {func(p *peer) { _ = p.WriteData(1, false, message(1)) }, codes.Internal, "data before the headers"},
		"an end without trailers": {func(p *peer) {
			p.headers(false, ":status", "200", "content-type", "application/grpc")
			_ = p.WriteData(1, true, nil)
		}, codes.Unavailable, "without a status"},
		"trailers within a message": {func(p *peer) {
			p.headers(false, ":status", "200", "content-type", "application/grpc")
			_ = p.WriteData(1, false, message(10)[:7])
			p.headers(true, "grpc-status", "8", "grpc-message", "enough")
		}, codes.ResourceExhausted, "enough"},
		"an end within a message": {func(p *peer) {
			p.headers(false, ":status", "200", "content-type", "application/grpc")
			_ = p.WriteData(1, false, message(10)[:7])
			p.headers(true, "grpc-status", "0")
		}, codes.Internal, "within a message"},
		"a farewell before": {func(p *peer) { _ = p.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, []byte("calm")) }, codes.Unavailable, `"calm"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, s := bridgePeer(t)
			require.NoError(t, p.WriteSettings())
			c.say(p)
			_, err := s.Recv()
			require.Equal(t, c.code, status.Code(err), err)
			require.Contains(t, err.Error(), c.says)
		})
	}
}

func TestAServerOfSomethingElseIsNotTakenForABridge(t *testing.T) {
	t.Parallel()
	for _, said := range []string{"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "SSH-2.0-OpenSSH_9.9\r\n", "\x00\x00\x00\x04\x01\x00\x00\x00\x00", "\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678"} {
		p, s := bridgePeer(t)
		_, err := io.WriteString(p.conn, said)
		require.NoError(t, err)
		_, err = s.Recv()
		require.Equal(t, codes.Internal, status.Code(err), said)
		require.Contains(t, err.Error(), "want settings", said)
		s.Close()
	}
}

// floods are what somebody may say without end who reads nothing.
var floods = map[string]func(b []byte) []byte{
	"pings": func(b []byte) []byte { return append(b, "\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678"...) },
	"settings": func(b []byte) []byte {
		return append(b, 0, 0, 0, 4, 0, 0, 0, 0, 0)
	},
}

// flood writes without end, and returns when the other side has closed the connection.
func flood(conn net.Conn, frame func(b []byte) []byte) (written int) {
	var many []byte
	for len(many) < 32<<10 {
		many = frame(many)
	}
	for {
		n, err := conn.Write(many)
		if written += n; err != nil {
			return written
		}
	}
}

func TestWhoAsksForMoreAnswersThanHeReadsIsEnded(t *testing.T) {
	t.Parallel()
	for name, frame := range floods {
		for _, opened := range []string{"before its stream", "on its stream"} {
			t.Run(name+" "+opened, func(t *testing.T) {
				t.Parallel()
				// given
				served := make(chan error, 1)
				b := listenOn(t, socket(t, "unix", filepath.Join(t.TempDir(), "s")), func(_ context.Context, s *direct.Stream) error {
					err := drain(s)
					served <- err
					return err
				})
				conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", b.address) // where the end comes through also to who reads nothing
				require.NoError(t, err)
				p := newPeer(t, conn)
				p.preface()
				if opened == "on its stream" {
					p.request()
				}
				// when
				written := begin(t, func() int { return flood(conn, frame) })
				// then
				returns(t, written)
				if opened == "on its stream" {
					err := returns(t, served)
					require.Equal(t, codes.Unavailable, status.Code(err))
					require.Contains(t, err.Error(), "asks for more answers than it reads")
				}
			})
		}
	}
	t.Run("a bridge", func(t *testing.T) {
		t.Parallel()
		p, s := answering(t)
		begin(t, func() int { return flood(p.conn, floods["pings"]) })
		_, err := s.Recv()
		require.Equal(t, codes.Unavailable, status.Code(err), err)
	})
}

func TestABlockOfHeadersThatPointsToItselfCostsNoMemory(t *testing.T) {
	t.Parallel()
	// given: an entry of nearly 4 KiB, which each byte of a long block names anew
	p := processPeer(t, echo)
	p.preface()
	block := p.fields(":method", "POST", ":path", path)
	block = append(block, 0x40, 1, 'x', 0x7f)
	block = append(hpackInt(block, 4000-127), strings.Repeat("v", 4000)...)
	block = append(block, []byte(strings.Repeat("\xbe", 50_000))...)
	before := alloctest.SoFar()
	// when
	_ = p.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 1, block)
	_ = p.WriteData(1, true, message(3))
	end := until(p, func(f *http2.MetaHeadersFrame) bool { return f.StreamEnded() })
	// then
	requireStatus(t, end, codes.OK)
	took := alloctest.SoFar() - before
	require.Less(t, took, uint64(150<<20), "not 200 MB") // other tests run at the same time
}

// hpackInt appends the rest of a number that did not fit into its first byte.
func hpackInt(b []byte, n int) []byte {
	for ; n >= 128; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

func TestADeclaredMessageTakesNoMemoryBeforeItComes(t *testing.T) {
	t.Parallel()
	b := listen(t, func(_ context.Context, s *direct.Stream) error { return drain(s) })
	const peers = 50
	before := alloctest.SoFar()
	for range peers {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", b.address)
		require.NoError(t, err)
		p := newPeer(t, conn)
		p.preface()
		p.request()
		_ = p.WriteData(1, false, binary.BigEndian.AppendUint32([]byte{0}, 16<<20))
		_ = p.WritePing(false, [8]byte{})
		until(p, func(f *http2.PingFrame) bool { return f.IsAck() })
	}
	took := alloctest.SoFar() - before
	require.Less(t, took, uint64(peers*8<<20), "half of what was declared")
}

func TestAStreamThatDoesNotBeginWithWhatIsServedIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		say  func(p *peer)
		code codes.Code
	}{
		"another method": {func(p *peer) { p.headers(false, ":method", "POST", ":path", "/grpc.health.v1.Health/Watch") }, codes.Unimplemented},
		"no method":      {func(p *peer) { p.headers(true, "a", "b") }, codes.Unimplemented},
		"an end at once": {func(p *peer) { p.headers(true, ":method", "POST", ":path", path) }, codes.OK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := processPeer(t, echo)
			p.preface()
			c.say(p)
			requireStatus(t, until(p, func(f *http2.MetaHeadersFrame) bool { return f.StreamEnded() }), c.code)
			_, err := p.ReadFrame()
			require.ErrorIs(t, err, io.EOF, "nothing follows")
		})
	}
}

func TestWhatAProcessSaysInItsHeadersReachesTheHandler(t *testing.T) {
	t.Parallel()
	said := make(chan []string, 1)
	p := processPeer(t, func(ctx context.Context, _ *direct.Stream) error {
		said <- append(metadataOf(ctx)["x-token"], peerOf(ctx))
		return nil
	})
	p.preface()
	p.headers(false, ":method", "POST", ":path", path, "x-token", "secret")
	require.Equal(t, []string{"secret", p.conn.LocalAddr().String()}, returns(t, said))
}

func TestAnyTableOfHeadersThatTheOtherSideRefusesIsNotUsed(t *testing.T) {
	t.Parallel()
	p := begun(t, echo, http2.Setting{ID: http2.SettingHeaderTableSize, Val: 0})
	p.ReadMetaHeaders = hpack.NewDecoder(0, nil)
	require.NoError(t, p.WriteData(1, true, message(3)))
	requireStatus(t, until(p, func(f *http2.MetaHeadersFrame) bool { return f.StreamEnded() }), codes.OK)
}

func TestAProcessThatReadsNothingDoesNotHoldUpTheEnd(t *testing.T) {
	t.Parallel()
	// given: a handler that leaves while what it sends does not get through
	ended := make(chan error, 1)
	p := begun(t, func(_ context.Context, s *direct.Stream) error {
		go func() {
			for {
				if err := s.Send(text(strings.Repeat("x", 100_000)), nil); err != nil {
					ended <- err
					return
				}
			}
		}()
		_, err := s.Recv()
		return err
	}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
	require.NoError(t, p.WriteWindowUpdate(0, 1<<31-1-1<<16))
	// when
	require.NoError(t, p.WriteData(1, false, message(1)))
	// then
	select {
	case err := <-ended:
		require.Error(t, err)
	case <-time.After(patience):
		require.Fail(t, "it is still being served")
	}
}
