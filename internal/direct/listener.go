package direct

import (
	"cmp"
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// Config says what a Listener does with the connections of links.
type Config struct {
	// Path is that of the method whose streams are served: "/package.Service/Method".
	Path string
	// Serve serves a stream. The error is the status that the stream ends with. The context is the stream's.
	Serve func(ctx context.Context, s *Stream) error
	// Silence is after how long without a byte a process is asked for one, Patience how long it may take to answer. Both default to 20 s.
	Silence, Patience time.Duration
}

const (
	// openingTimeout is how long a connection may take to say what it is.
	openingTimeout = 10 * time.Second
	// lingerTimeout is how long a connection stays when all was said, so that the last words are read.
	lingerTimeout  = time.Second
	defaultSilence = 20 * time.Second
	// maxOpening bounds the settings that a connection begins with.
	maxOpening = len(preface) + frameHead + 32*settingLen
)

// Listener serves the connections that carry nothing but a link, and hands on the others.
type Listener struct {
	net.Listener
	config Config
	ctx    context.Context //nolint:containedctx // of the connections, which outlive any call
	cancel context.CancelFunc

	others   chan net.Conn
	failures chan error
	closed   chan struct{}
	serving  sync.WaitGroup // begun with mu held, and not after it is over

	mu        sync.Mutex
	open      map[net.Conn]bool // that are looked at, or served if true
	accepting bool
	over      bool // closed is closed
}

// Listen begins to keep connections from a listener, once Accept is called.
func Listen(l net.Listener, cfg Config) *Listener {
	cfg.Silence, cfg.Patience = cmp.Or(cfg.Silence, defaultSilence), cmp.Or(cfg.Patience, defaultSilence)
	ctx, cancel := context.WithCancel(context.Background())
	return &Listener{
		Listener: l, config: cfg, ctx: ctx, cancel: cancel,
		others: make(chan net.Conn), failures: make(chan error), closed: make(chan struct{}), open: map[net.Conn]bool{},
	}
}

// Accept returns the next connection that is not a link's alone.
func (l *Listener) Accept() (net.Conn, error) {
	l.begin()
	select {
	case conn := <-l.others:
		return conn, nil
	case err := <-l.failures:
		return nil, err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *Listener) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.accepting && !l.over {
		l.accepting = true
		l.serving.Go(l.accept)
	}
}

// Close accepts nothing more, and closes the connections that have not said yet what they are. What is served goes on until Stop.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return nil
	}
	l.over = true
	close(l.closed)
	for conn, served := range l.open {
		if !served {
			_ = conn.Close()
		}
	}
	return l.Listener.Close()
}

// Stop accepts nothing more, waits until every stream that is served here has ended, or until ctx does, and closes the connections.
func (l *Listener) Stop(ctx context.Context) {
	_ = l.Close()
	ended := make(chan struct{})
	go func() {
		l.serving.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	l.cancel() // which closes the connections
	<-ended
}

// accept looks at each connection on a goroutine of its own. Errors are the business of whoever calls Accept.
func (l *Listener) accept() {
	for {
		conn, err := l.Listener.Accept()
		if err == nil {
			l.serving.Go(func() { l.sort(conn) })
			continue
		}
		select {
		case l.failures <- err:
		case <-l.closed:
			return
		}
	}
}

// keep notes that a connection is looked at, or served. It reports false once nothing more is accepted.
func (l *Listener) keep(conn net.Conn, served bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.open[conn] = served
	}
	return !l.over
}

func (l *Listener) drop(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, conn)
}

// sort serves a connection, or hands it on.
func (l *Listener) sort(conn net.Conn) {
	if !l.keep(conn, false) {
		_ = conn.Close()
		return
	}
	_ = conn.SetReadDeadline(time.Now().Add(openingTimeout))
	read, sole, err := readOpening(conn)
	_ = conn.SetReadDeadline(time.Time{})
	if sole && l.keep(conn, true) {
		l.serve(conn, read)
	}
	l.drop(conn)
	if sole || len(read) == 0 && err != nil {
		_ = conn.Close()
		return
	}
	select {
	case l.others <- &replayed{Conn: conn, read: read}:
	case <-l.closed:
		_ = conn.Close()
	}
}

// readOpening reads the beginning of a connection until it is known whether it carries one stream only. What it has read is for whoever
// goes on with the connection, also where it is not what was expected, or an error.
func readOpening(conn io.Reader) (read []byte, sole bool, err error) {
	read = make([]byte, 0, firstBuffer)
	for {
		if verdict, known := judge(read); known {
			return read, verdict, nil
		}
		n, err := conn.Read(read[len(read):cap(read)])
		read = read[:len(read)+n]
		if err != nil {
			sole, _ := judge(read)
			return read, sole, err
		}
	}
}

// judge says whether a connection that begins so carries one stream only, as soon as that is known.
func judge(b []byte) (sole, known bool) {
	n := min(len(b), len(preface))
	if string(b[:n]) != preface[:n] {
		return false, true
	}
	if len(b) < len(preface)+frameHead {
		return false, false
	}
	h := readHead(b[len(preface):])
	whole := len(preface) + frameHead + h.size
	switch {
	case h.kind != kindSettings || h.has(flagAck) || h.stream != 0 || h.size%settingLen != 0 || whole > maxOpening:
		return false, true
	case len(b) < whole:
		return false, false
	}
	for payload := b[len(preface)+frameHead : whole]; len(payload) >= settingLen; payload = payload[settingLen:] {
		if setting(binary.BigEndian.Uint16(payload)) == settingSole && binary.BigEndian.Uint32(payload[2:]) == 1 {
			return true, true
		}
	}
	return false, true
}

// replayed is a connection of which something was read already.
type replayed struct {
	net.Conn
	read []byte
}

// Read implements net.Conn.
func (r *replayed) Read(b []byte) (int, error) {
	if len(r.read) == 0 {
		return r.Conn.Read(b)
	}
	n := copy(b, r.read)
	if r.read = r.read[n:]; len(r.read) == 0 {
		r.read = nil
	}
	return n, nil
}

// serve serves the one stream of a connection.
func (l *Listener) serve(conn net.Conn, read []byte) {
	s := newStream(l.ctx, conn, true, liveness{l.config.Silence, l.config.Patience})
	defer s.shut()
	s.in.begin(read[len(preface):])
	opening := appendSettings(nil, uint32(settingMaxStreams), 1, uint32(settingInitialWindow), window, uint32(settingMaxFrame), maxFrame,
		uint32(settingMaxHeaders), maxHeaders)
	s.control = appendWindowUpdate(opening, 0, window-firstWindow)
	_ = conn.SetReadDeadline(time.Now().Add(openingTimeout))
	s.watch()
	request, err := s.awaitRequest()
	_ = conn.SetReadDeadline(time.Time{})
	if err != nil {
		return
	}
	s.mu.Lock()
	s.control = responseHeaders(s.control) // leaves with the first message
	s.mu.Unlock()
	if request[":path"] != l.config.Path {
		err = unimplemented(request[":path"])
	} else {
		err = l.config.Serve(s.incomingContext(request), s)
	}
	s.finish(err)
}

// incomingContext is what a handler of gRPC finds in its context.
func (s *Stream) incomingContext(request fields) context.Context {
	md := make(metadata.MD, len(request))
	for name, value := range request {
		md.Set(name, value)
	}
	return metadata.NewIncomingContext(peer.NewContext(s.ctx, &peer.Peer{Addr: s.conn.RemoteAddr(), LocalAddr: s.conn.LocalAddr()}), md)
}

// finish ends a server's stream: the last words are its status, which the other side is given time to read.
func (s *Stream) finish(why error) {
	_ = s.conn.SetDeadline(time.Now().Add(lingerTimeout)) // also of a Recv that still waits
	if err := s.end(trailers(nil, why)); err != nil {
		return
	}
	if c, is := s.conn.(interface{ CloseWrite() error }); is {
		_ = c.CloseWrite()
	}
	s.reading.Lock()
	defer s.reading.Unlock()
	_, _ = io.Copy(io.Discard, s.conn)
}
