package direct_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"

	"github.com/grpc-tool-bridge/toolbridge/internal/direct"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
)

// settingSole is what a connection begins with that carries a link alone (docs/protocol.md).
const settingSole http2.SettingID = 0xf71b

// peer is the other side of a connection, frame by frame, as another implementation writes and reads them.
type peer struct {
	t    *testing.T
	conn net.Conn
	*http2.Framer
	block bytes.Buffer
	enc   *hpack.Encoder
}

func newPeer(t *testing.T, conn net.Conn) *peer {
	t.Helper()
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	p := &peer{t: t, conn: conn, Framer: http2.NewFramer(conn, conn)}
	p.AllowIllegalWrites = true
	p.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	p.SetMaxReadFrameSize(1 << 20)
	p.enc = hpack.NewEncoder(&p.block)
	return p
}

// fields is a block of headers, given by name and value in turn.
func (p *peer) fields(pairs ...string) []byte {
	p.block.Reset()
	for i := 0; i < len(pairs); i += 2 {
		require.NoError(p.t, p.enc.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}))
	}
	return bytes.Clone(p.block.Bytes())
}

func (p *peer) headers(end bool, pairs ...string) {
	_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: p.fields(pairs...), EndHeaders: true, EndStream: end})
}

// message is a gRPC message with its prefix.
func message(size int) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(size)), content(0, size)...)
}

// data returns the data that comes next; other frames are read over.
func (p *peer) data(n int) []byte {
	var out []byte
	for len(out) < n {
		f, err := p.ReadFrame()
		require.NoError(p.t, err)
		if d, is := f.(*http2.DataFrame); is {
			out = append(out, d.Data()...)
		}
	}
	return out
}

// until reads frames until one is as wanted.
func until[F http2.Frame](p *peer, want func(F) bool) F {
	for {
		f, err := p.ReadFrame()
		require.NoError(p.t, err)
		if got, is := f.(F); is && want(got) {
			return got
		}
	}
}

// bridgePeer is a bridge of which every byte is said by the test; the stream is a process's.
func bridgePeer(t *testing.T) (*peer, *direct.Stream) {
	t.Helper()
	l := socket(t, "tcp", "127.0.0.1:0")
	defer func() { require.NoError(t, l.Close()) }()
	s := dial(t, l.Addr().String())
	conn, err := l.Accept()
	require.NoError(t, err)
	return newPeer(t, conn), s
}

// answering is a bridge that has said everything that comes before messages.
func answering(t *testing.T, settings ...http2.Setting) (*peer, *direct.Stream) {
	t.Helper()
	p, s := bridgePeer(t)
	require.NoError(t, s.Send(text("hello"), nil))
	magic := make([]byte, len(http2.ClientPreface))
	_, err := io.ReadFull(p.conn, magic)
	require.NoError(t, err)
	require.Equal(t, http2.ClientPreface, string(magic))
	require.NoError(t, p.WriteSettings(settings...))
	p.headers(false, ":status", "200", "content-type", "application/grpc")
	return p, s
}

// processPeer is a process of which every byte is said by the test, at a listener whose streams are served so.
func processPeer(t *testing.T, serve serve) *peer {
	t.Helper()
	b := listen(t, serve)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", b.address)
	require.NoError(t, err)
	return newPeer(t, conn)
}

// preface begins a connection that is a link's alone.
func (p *peer) preface(settings ...http2.Setting) {
	_, err := io.WriteString(p.conn, http2.ClientPreface)
	require.NoError(p.t, err)
	require.NoError(p.t, p.WriteSettings(append(settings, http2.Setting{ID: settingSole, Val: 1})...))
}

func (p *peer) request() {
	p.headers(false, ":method", "POST", ":scheme", "http", ":path", path, "content-type", "application/grpc", "te", "trailers")
}

// begun is a process that has begun its stream.
func begun(t *testing.T, serve serve, settings ...http2.Setting) *peer {
	t.Helper()
	p := processPeer(t, serve)
	p.preface(settings...)
	p.request()
	return p
}

func TestWhatAProcessSaysFirstIsHTTP2(t *testing.T) {
	t.Parallel()
	p, s := answering(t)
	received := begin(t, func() error { return drain(s) })
	settings := until(p, func(f *http2.SettingsFrame) bool { return !f.IsAck() })
	sole, given := settings.Value(settingSole)
	require.True(t, given)
	require.EqualValues(t, 1, sole)
	push, given := settings.Value(http2.SettingEnablePush)
	require.True(t, given)
	require.Zero(t, push)
	request := until(p, func(*http2.MetaHeadersFrame) bool { return true })
	require.Equal(t, path, request.PseudoValue("path"))
	require.Equal(t, "POST", request.PseudoValue("method"))
	require.Equal(t, "http", request.PseudoValue("scheme"))
	require.NotEmpty(t, request.PseudoValue("authority"))
	require.Equal(t, append([]byte{0, 0, 0, 0, 5}, "hello"...), p.data(10))
	until(p, func(f *http2.SettingsFrame) bool { return f.IsAck() })
	s.Close()
	require.Error(t, returns(t, received))
}

// forms are the ways in which frames may carry the same messages.
var forms = map[string]func(p *peer, stream []byte){
	"a frame each of 16 KiB": func(p *peer, stream []byte) { p.cut(stream, 16<<10) },
	"a byte each": func(p *peer, stream []byte) {
		p.cut(stream[:min(len(stream), 3000)], 1)
		p.cut(stream[min(len(stream), 3000):], 100_000)
	},
	"frames of 256 KiB": func(p *peer, stream []byte) { p.cut(stream, 256<<10) },
	"padding": func(p *peer, stream []byte) {
		for n := 0; len(stream) > 0; n++ {
			k := min(len(stream), 1+n*50)
			_ = p.WriteDataPadded(1, false, stream[:k], make([]byte, n%256))
			stream = stream[k:]
		}
	},
	"other frames between": func(p *peer, stream []byte) {
		for len(stream) > 0 {
			k := min(len(stream), 7001)
			_ = p.WriteData(1, false, stream[:k])
			_ = p.WriteData(1, false, nil)
			_ = p.WriteSettings(http2.Setting{ID: 0xabcd, Val: 1})
			_ = p.WriteSettingsAck()
			_ = p.WritePing(false, [8]byte{})
			_ = p.WritePing(true, [8]byte{})
			_ = p.WriteWindowUpdate(0, 1)
			_ = p.WriteWindowUpdate(1, 1)
			_ = p.WritePriority(7, http2.PriorityParam{StreamDep: 3})
			_ = p.WriteRawFrame(0xfa, 0xff, 9, make([]byte, 30))
			_ = p.WriteGoAway(1, http2.ErrCodeNo, []byte("soon"))
			stream = stream[k:]
		}
	},
}

// cut writes frames of so many bytes.
func (p *peer) cut(stream []byte, size int) {
	for len(stream) > 0 {
		k := min(len(stream), size)
		if p.WriteData(1, false, stream[:k]) != nil {
			return
		}
		stream = stream[k:]
	}
}

func TestMessagesArriveHoweverTheyAreDividedIntoFrames(t *testing.T) {
	t.Parallel()
	sizes := []int{0, 1, 3, 0, 0, 5000, 16 << 10, 100, 64<<10 - 14, 64<<10 - 13, 300_000, 0, 2}
	var stream []byte
	for n, size := range sizes {
		stream = append(append(append(stream, 0), binary.BigEndian.AppendUint32(nil, uint32(size))...), content(n, size)...)
	}
	for name, write := range forms {
		t.Run(name+", to a process", func(t *testing.T) {
			t.Parallel()
			p, s := answering(t)
			begin(t, func() error {
				write(p, stream)
				p.headers(true, "grpc-status", "0")
				_, err := io.Copy(io.Discard, p.conn)
				return err
			})
			require.NoError(t, recvAll(s, sizes))
			s.Close()
		})
		t.Run(name+", to a bridge", func(t *testing.T) {
			t.Parallel()
			p := begun(t, func(_ context.Context, s *direct.Stream) error { return recvAll(s, sizes) })
			begin(t, func() error {
				write(p, stream)
				return p.WriteData(1, true, nil)
			})
			end := until(p, func(f *http2.MetaHeadersFrame) bool { return f.StreamEnded() })
			requireStatus(t, end, codes.OK)
		})
	}
}

// requireStatus requires trailers to say how a stream ended.
func requireStatus(t *testing.T, end *http2.MetaHeadersFrame, code codes.Code) {
	t.Helper()
	said := map[string]string{}
	for _, f := range end.RegularFields() {
		said[f.Name] = f.Value
	}
	require.Equal(t, int(code), atoi(t, said["grpc-status"]), said["grpc-message"])
}

func TestHeadersMayComeInSeveralFramesWithPaddingAndPriority(t *testing.T) {
	t.Parallel()
	// given
	p, s := bridgePeer(t)
	require.NoError(t, p.WriteSettings())
	block := p.fields(":status", "200", "content-type", "application/grpc+proto", "x-long", strings.Repeat("v", 40_000))
	// when
	_ = p.WriteHeaders(http2.HeadersFrameParam{
		StreamID: 1, BlockFragment: block[:10], PadLength: 20, Priority: http2.PriorityParam{StreamDep: 0, Weight: 3, Exclusive: true},
	})
	_ = p.WriteContinuation(1, false, block[10:10])
	_ = p.WriteContinuation(1, false, block[10:15_000])
	_ = p.WriteContinuation(1, true, block[15_000:])
	_ = p.WriteData(1, false, message(9))
	_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: p.fields("grpc-status", "0", "x-long", strings.Repeat("v", 4000)), EndStream: true})
	_ = p.WriteContinuation(1, true, nil)
	// then
	m, err := s.Recv()
	require.NoError(t, err)
	require.Equal(t, content(0, 9), joined(m))
	_, err = s.Recv()
	require.ErrorIs(t, err, io.EOF)
}

func TestSmallWindowsAreFilledAndNeverExceeded(t *testing.T) {
	t.Parallel()
	const size = 2000
	for _, window := range []uint32{0, 1, 4, 5, 6, 100} {
		// given: the window holds from the first message on, which is sent before
		p, s := answering(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
		received := begin(t, func() error { return drain(s) })
		until(p, func(f *http2.SettingsFrame) bool { return f.IsAck() })
		sent := begin(t, func() error { return s.Send(inParts(2, content(0, size)), nil) })
		// when
		room := int(window) - 10 // of "hello"
		var got []byte
		if room < 1 {
			require.NoError(t, p.WriteWindowUpdate(1, uint32(1-room)))
			room = 1
		}
		for len(got) < 5+size {
			part := until(p, func(*http2.DataFrame) bool { return true }).Data()
			require.LessOrEqual(t, len(part), room)
			got = append(got, part...)
			if room -= len(part); room == 0 {
				room = max(1, len(got)/10)
				require.NoError(t, p.WriteWindowUpdate(1, uint32(room)))
			}
		}
		// then
		require.True(t, bytes.Equal(message(size), got))
		require.NoError(t, returns(t, sent))
		s.Close()
		require.Error(t, returns(t, received))
	}
}

func TestFramesAreNoLongerThanTheOtherSideReads(t *testing.T) {
	t.Parallel()
	for _, most := range []uint32{1 << 14, 20_000, 1<<24 - 1} {
		p, s := answering(t, http2.Setting{ID: http2.SettingMaxFrameSize, Val: most}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
		p.SetMaxReadFrameSize(most)
		require.NoError(t, p.WriteWindowUpdate(0, 1<<30))
		received := begin(t, func() error { return drain(s) })
		until(p, func(f *http2.SettingsFrame) bool { return f.IsAck() })
		sent := begin(t, func() error { return s.Send(link.Message{content(0, 300_000)}, nil) })
		require.True(t, bytes.Equal(message(300_000), p.data(300_005)))
		require.NoError(t, returns(t, sent))
		s.Close()
		require.Error(t, returns(t, received))
	}
}

func TestWindowsThatShrinkAndGrowAreCounted(t *testing.T) {
	t.Parallel()
	// given: all that the first window allows was sent
	p, s := answering(t)
	received := begin(t, func() error { return drain(s) })
	sent := begin(t, func() error { return s.Send(link.Message{content(0, 100_000)}, nil) })
	const first = 1<<16 - 1
	got := p.data(first - 10)[10:] // without "hello"
	got = append(got, p.data(first-10-len(got))...)
	// when: it is less than that from now on, which has to be made up for
	require.NoError(t, p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000}))
	require.NoError(t, p.WriteWindowUpdate(0, 100_000))
	require.NoError(t, p.WriteWindowUpdate(1, first-1000+1))
	// then
	got = append(got, p.data(1)...)
	require.NoError(t, p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20}))
	got = append(got, p.data(100_005-len(got))...)
	require.True(t, bytes.Equal(message(100_000), got))
	require.NoError(t, returns(t, sent))
	s.Close()
	require.Error(t, returns(t, received))
}

func TestPingsAreAnsweredWithWhatTheySaid(t *testing.T) {
	t.Parallel()
	p, s := answering(t)
	received := begin(t, func() error { return drain(s) })
	for i := range byte(50) {
		require.NoError(t, p.WritePing(false, [8]byte{i, 1}))
		got := until(p, func(f *http2.PingFrame) bool { return f.IsAck() })
		require.Equal(t, [8]byte{i, 1}, got.Data)
	}
	s.Close()
	require.Error(t, returns(t, received))
}

func TestEveryPingOfManyIsAnswered(t *testing.T) {
	t.Parallel()
	for name, busy := range map[string]bool{"while nothing else is sent": false, "while messages are sent": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// given
			p := begun(t, func(_ context.Context, s *direct.Stream) error {
				received := make(chan error, 1)
				go func() { received <- drain(s) }()
				for n := 0; busy && n < 20_000; n++ {
					if s.Send(text("x"), nil) != nil {
						break
					}
				}
				return <-received
			}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
			require.NoError(t, p.WriteWindowUpdate(0, 1<<31-1-1<<16))
			// when
			const pings = 3000
			room := make(chan struct{}, 64)
			begin(t, func() error {
				for range pings {
					room <- struct{}{}
					if err := p.WritePing(false, [8]byte{1}); err != nil {
						return err
					}
				}
				return nil
			})
			// then
			for range pings {
				until(p, func(f *http2.PingFrame) bool { return f.IsAck() })
				<-room
			}
		})
	}
}
