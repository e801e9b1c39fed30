package link

import (
	"sync"
	"time"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// delivery is what one message brings. Its reader keeps it for the next message. What is to be done without the engine's
// mutex is collected and done in the end.
type delivery struct {
	ack      uint64
	size     int       // of the frames alone
	at       time.Time // when it came; zero until somebody asks
	arrivals []arrival
	arena    arena

	calls []*inCall
	ready []*outCall
	later []func()

	joined []byte // a piece of a table that came in several parts of the message
}

// deliveries are kept for later messages, of whatever link.
//
//nolint:gochecknoglobals // a pool of buffers
var deliveries = sync.Pool{New: func() any { return new(delivery) }}

func (d *delivery) reset() {
	clear(d.arrivals)
	clear(d.calls)
	clear(d.ready)
	clear(d.later)
	d.arrivals, d.calls, d.ready, d.later = d.arrivals[:0], d.calls[:0], d.ready[:0], d.later[:0]
}

// decode reads a message. The bytes may be changed afterwards.
func (d *delivery) decode(e *engine, message Message) (err error) {
	d.reset()
	d.size, d.at = 0, time.Time{}
	if size := message.size(); size > maxMessage {
		return tool.Errorf(tool.ProtocolError, "message has %d bytes; the limit is %d", size, maxMessage)
	}
	if len(message) == 1 {
		d.ack, err = decodeMessage(message[0], func(b []byte) error {
			a, err := d.arrival(len(b))
			if err != nil {
				return err
			}
			return a.decode(e, b, &d.arena)
		})
	} else {
		parts := readMessage(message)
		d.ack, err = parts.frames(func(frame Message) error {
			a, err := d.arrival(frame.size())
			if err != nil {
				return err
			}
			return d.decodeParts(e, a, frame)
		})
	}
	if err != nil {
		return undecodable(err)
	}
	return nil
}

// arrival makes room for a frame of so many bytes.
func (d *delivery) arrival(size int) (*arrival, *tool.Error) {
	if len(d.arrivals) == maxFrames {
		return nil, tool.Errorf(tool.ProtocolError, "message has more than %d frames", maxFrames)
	}
	d.size += size
	d.arrivals = append(d.arrivals, arrival{})
	return &d.arrivals[len(d.arrivals)-1], nil
}

// decodeParts reads a Frame that may lie in several parts. It is put together at the place where it stays, except a piece of a frame,
// which is left where it is.
func (d *delivery) decodeParts(e *engine, a *arrival, frame Message) error {
	switch {
	case len(frame) == 1:
		return a.decode(e, frame[0], &d.arena)
	case a.decodeFragment(frame):
		return nil
	case mayBeTablePiece(frame):
		d.joined = frame.appendTo(d.joined[:0])
		return a.decode(e, d.joined, &d.arena)
	case isChunk(frame):
		return a.decodeChunk(e, frame)
	default:
		return a.decodeWhole(e, frame)
	}
}

// now is when the message came.
func (d *delivery) now() time.Time {
	if d.at.IsZero() {
		d.at = time.Now()
	}
	return d.at
}

// apply takes what a message brings into the state, all of it at once. An error is a violation.
func (d *delivery) apply(e *engine) *tool.Error {
	for i := range d.arrivals {
		if m, ok := d.arrivals[i].cold.(*bridgepb.ProtocolError); ok {
			return theirs(m) // the last message, which the window does not bind
		}
	}
	progress, err := e.window.heard(d.ack)
	if err != nil {
		return err
	}
	if progress {
		e.blockedSince = 0
	}
	e.heardFrom()
	if len(d.arrivals) > 0 {
		if err := e.window.count(d.size); err != nil {
			return err
		}
	}
	for i := range d.arrivals {
		if err := d.take(e, &d.arrivals[i]); err != nil {
			return err
		}
		if e.gone != nil {
			break
		}
	}
	if waiting := e.queue.bytes + e.queue.cut; waiting > maxBacklog {
		return tool.Errorf(tool.ProtocolError, "%d bytes of answers wait because they are not read; the limit is %d", waiting, maxBacklog)
	}
	if !e.queue.empty() || e.window.owesAck() {
		e.wake()
	}
	return nil
}

// take takes one frame into the state.
func (d *delivery) take(e *engine, a *arrival) *tool.Error {
	switch a.kind {
	case frameCall:
		return d.takeCall(e, a)
	case frameBatch:
		return d.takeBatch(e, a)
	case frameBatchResult:
		return d.takeBatchResult(e, a)
	case frameResult:
		return d.takeResult(e, a)
	case frameChunk:
		return d.takeChunk(e, a, false)
	case frameCredit, frameCancel:
		return d.takeForHost(e, a)
	case frameFragment:
		return d.takePiece(e, a)
	case frameProgress, frameLog:
		return d.takeAside(e, a)
	case framePing:
		e.send(0, framePong, appendNumber(nil, a.number))
	case framePong:
		d.takeReply(e, a.number, nil, nil)
	default:
		return d.takeLink(e, a)
	}
	return nil
}

// takeLink takes a frame of the link itself.
func (d *delivery) takeLink(e *engine, a *arrival) *tool.Error {
	switch m := a.cold.(type) {
	case *bridgepb.Drain:
		e.draining = true
		e.tell(false, nil)
		e.wakeAll()
	case *bridgepb.ProtocolError: // from pieces
		return theirs(m)
	case *bridgepb.Hello, *bridgepb.Welcome:
		return tool.Errorf(tool.ProtocolError, "a link is opened once a connection, by its first messages")
	case *bridgepb.Registered:
		var err *tool.Error
		if m.GetError() != nil {
			err = wire.ErrorFromProto(m.GetError())
		}
		d.takeReply(e, m.GetId(), m.GetToolIds(), err)
	case *bridgepb.ToolsChanged:
		if e.onToolsChanged != nil {
			d.later = append(d.later, func() { e.onToolsChanged(m.GetSessionId(), m.GetRevision()) })
		}
	case *bridgepb.Register, *bridgepb.Unregister, *bridgepb.Authenticate:
		if !e.process {
			return e.control(m, a.size)
		}
		return tool.Errorf(tool.ProtocolError, "only a process sends frames of kind %d", a.kind)
	}
	return nil
}

// otherSideError marks a ProtocolError that the other side sent: it is not sent back.
type otherSideError struct{}

func (otherSideError) Error() string { return "the other side closed the link" }

func theirs(m *bridgepb.ProtocolError) *tool.Error {
	why := wire.ErrorFromProto(m.GetError())
	why.Cause = otherSideError{}
	return why
}

// wrongSide is the violation of a frame whose call id has the parity of the wrong side.
func wrongSide(a *arrival) *tool.Error {
	return tool.Errorf(tool.ProtocolError, "frame of kind %d has call id %d, which is one of the other side's calls", a.kind, a.callID)
}

func neverIssued(a *arrival) *tool.Error {
	return tool.Errorf(tool.ProtocolError, "frame of kind %d has call id %d, which was never issued", a.kind, a.callID)
}

// finish does what was collected, without the mutex.
func (d *delivery) finish(e *engine) {
	if len(d.calls) > 0 {
		e.workers.run(d.calls)
	}
	for _, f := range d.later {
		f() // before the callers wake: progress is heard before the result that came with it
	}
	for _, c := range d.ready {
		c.signal()
	}
}
