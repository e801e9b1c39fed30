package direct

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"google.golang.org/grpc/status"

	"github.com/grpc-tool-bridge/toolbridge/internal/alloctest"
)

// tape is a connection on which so many bytes come at once, and where whatever is said is forgotten.
type tape struct {
	net.Conn // nil: nothing else is called
	bytes    []byte
	piece    int
}

func (c *tape) Read(b []byte) (int, error) {
	if len(c.bytes) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), c.piece)], c.bytes)
	c.bytes = c.bytes[n:]
	return n, nil
}

func (*tape) Write(b []byte) (int, error) { return len(b), nil }
func (*tape) Close() error                { return nil }
func (*tape) RemoteAddr() net.Addr        { return &net.UnixAddr{Name: "there", Net: "unix"} }

// play is what somebody receives who is told these bytes, and why it ended.
func play(t *testing.T, server bool, said []byte, piece int) (messages [][]byte, why string) {
	t.Helper()
	s := newStream(t.Context(), &tape{bytes: said, piece: piece}, server, liveness{time.Hour, time.Hour})
	defer s.shut()
	for {
		m, err := s.Recv()
		if err != nil {
			_, again := s.Recv()
			require.Equal(t, err, again)
			require.True(t, errors.Is(err, io.EOF) || status.Code(err) != 0)
			return messages, err.Error()
		}
		messages = append(messages, bytes.Join(m, nil))
	}
}

// What a stream costs before it has heard a byte, and for each.
const (
	fuzzMemory        = 4 << 20
	fuzzMemoryPerByte = 100
)

// fuzzStream says arbitrary bytes to a stream: whatever they are it ends, allocates in proportion, and hears the same however the bytes are cut.
func fuzzStream(f *testing.F, server bool) {
	f.Helper()
	for _, said := range sayings(server) {
		f.Add(said, uint16(7))
	}
	f.Fuzz(func(t *testing.T, said []byte, piece uint16) {
		before := alloctest.SoFar()
		whole, why := play(t, server, said, 1<<20)
		require.Less(t, alloctest.SoFar()-before, uint64(fuzzMemory+fuzzMemoryPerByte*len(said)))
		total := 0
		for _, m := range whole {
			total += len(m) + prefixSize
		}
		require.LessOrEqual(t, total, len(said))
		cut, whyCut := play(t, server, said, 1+int(piece))
		require.Equal(t, whole, cut)
		require.Equal(t, why, whyCut)
	})
}

// FuzzProcess plays a bridge to a process's side.
func FuzzProcess(f *testing.F) { fuzzStream(f, false) }

// FuzzBridge plays a process to a bridge's side.
func FuzzBridge(f *testing.F) { fuzzStream(f, true) }

// sayings are what a side says that does as it should, in many forms.
func sayings(server bool) [][]byte {
	head := appendSettings(nil, uint32(settingInitialWindow), 100, uint32(settingMaxFrame), 1<<15)
	if server {
		head = requestHeaders(head, "/x/Link", "http", "here")
	} else {
		head = responseHeaders(head)
	}
	message := appendPrefix(nil, 300)
	message = append(message, strings.Repeat("m", 300)...)
	frame := func(flags uint8, payload []byte) []byte {
		return append(appendHead(nil, len(payload), kindData, flags, streamID), payload...)
	}
	all := func(parts ...[]byte) []byte { return append(bytes.Clone(head), bytes.Join(parts, nil)...) }
	last := trailers(nil, nil)
	return [][]byte{
		all(frame(0, message), frame(0, message), last),
		all(frame(0, message[:3]), frame(0, message[3:100]), frame(0, nil), frame(flagEndStream, message[100:])),
		all(frame(0, append(bytes.Clone(message), message...)), frame(0, make([]byte, prefixSize)), frame(flagEndStream, nil)),
		all(frame(flagPadded, append(append([]byte{3}, message...), 0, 0, 0)), appendWindowUpdate(nil, 0, 5), appendWindowUpdate(nil, 1, 5), last),
		all(append(appendHead(nil, 8, kindPing, 0, 0), "12345678"...), appendHead(nil, 0, kindSettings, flagAck, 0), appendHead(nil, 5, kindPriority, 0, 3), []byte("12345")),
		all(append(appendHead(nil, 4, kindReset, 0, streamID), 0, 0, 0, 8), frame(0, message)),
		all(append(appendHead(nil, 8, kindGoAway, 0, 0), 0, 0, 0, 1, 0, 0, 0, 0), frame(0, message)),
		append(appendHead(appendSettings(nil), 3, kindHeaders, 0, streamID), append([]byte{0x88, 0x40, 1}, appendHead(nil, 1, kindContinuation, flagEndHeaders, streamID)...)...),
		{}, []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), head[:20],
	}
}

// FuzzOpening reads arbitrary beginnings of connections: what is a link's alone does not depend on how the bytes are cut, and is what another reader of
// HTTP/2 finds; and what was read is what was said.
func FuzzOpening(f *testing.F) {
	for _, said := range [][]byte{
		soleOpening(), append(soleOpening(), "more"...), soleOpening()[:30], []byte(preface), []byte("GET / HTTP/1.1\r\n\r\n"), {},
		appendSettings([]byte(preface)), appendSettings([]byte(preface), 3, 1, uint32(settingSole), 0), appendHead([]byte(preface), 1<<14, kindSettings, 0, 0),
		appendHead([]byte(preface), 0, kindSettings, flagAck, 0), appendSettings([]byte(preface), 3, 1, uint32(settingSole), 0, uint32(settingSole), 1),
	} {
		f.Add(said)
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		read, sole, err := readOpening(bytes.NewReader(said))
		require.True(t, bytes.HasPrefix(said, read))
		require.True(t, err == nil || errors.Is(err, io.EOF) && len(read) == len(said))
		byByte, again, _ := readOpening(iotest.OneByteReader(bytes.NewReader(said)))
		require.Equal(t, sole, again)
		require.True(t, bytes.HasPrefix(read, byByte))
		require.Equal(t, soleFor(said), sole)
	})
}

// soleFor is whether a connection that begins so carries a link alone, as another reader of HTTP/2 sees it.
func soleFor(said []byte) (sole bool) {
	rest, is := strings.CutPrefix(string(said), preface)
	if !is || len(rest) >= frameHead && readHead([]byte(rest)).size > 32*settingLen {
		return false
	}
	frame, err := http2.NewFramer(io.Discard, strings.NewReader(rest)).ReadFrame()
	settings, is := frame.(*http2.SettingsFrame)
	if err != nil || !is || settings.IsAck() {
		return false
	}
	_ = settings.ForeachSetting(func(s http2.Setting) error {
		sole = sole || s.ID == http2.SettingID(settingSole) && s.Val == 1
		return nil
	})
	return sole
}

func TestATapeOfEachKindIsHeardTheSameInEveryCut(t *testing.T) {
	t.Parallel()
	deadline := time.Now().Add(time.Minute)
	for _, server := range []bool{false, true} {
		for n, said := range sayings(server) {
			whole, why := play(t, server, said, 1<<20)
			for piece := 1; piece < 60 && time.Now().Before(deadline); piece++ {
				cut, whyCut := play(t, server, said, piece)
				require.Equal(t, whole, cut, "%v %d %d", server, n, piece)
				require.Equal(t, why, whyCut, "%v %d %d", server, n, piece)
			}
		}
	}
}

func TestAStreamThatIsCutAtAnyByteEndsWithAnError(t *testing.T) {
	t.Parallel()
	for _, server := range []bool{false, true} {
		said := sayings(server)[1]
		for n := range said {
			_, why := play(t, server, said[:n], 1<<20)
			require.NotEqual(t, io.EOF.Error(), why, n)
		}
	}
}
