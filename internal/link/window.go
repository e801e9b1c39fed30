package link

import "github.com/grpc-tool-bridge/toolbridge/tool"

// sentMessage is a counted message that the other side has not acknowledged.
type sentMessage struct {
	pack *pack
	full bool
	size int // of its frames alone
}

// window counts messages in both directions. It belongs to the incarnation, not to the connection, is part of engine
// and guarded by its mutex.
type window struct {
	// sent and acked are how many counted messages this side has sent, and how many of them the other has read.
	sent, acked uint64
	// unacked are the messages in between, oldest first.
	unacked []sentMessage
	// small is how many of them are not full, large how many bytes of frames the others have.
	small, large int
	// read is how many counted messages this side has read, told what the other side was last told of it.
	read, told uint64
	// readSmall and readLarge are what the other side has sent beyond told.
	readSmall, readLarge int
	// lastAck is the last acknowledgement on this connection.
	lastAck uint64
	// written says that the stream had no use any more for the newest message when it was acknowledged, bare that an acknowledgement alone
	// has left since.
	written, bare bool
}

// clear reports whether nothing is under way: the other side has read every message, and the stream, which does not only take the other
// side's word for it, has written them all.
func (w *window) clear() bool { return len(w.unacked) == 0 && w.written && !w.bare }

// allows reports whether one more message may leave now.
func (w *window) allows(full bool) bool {
	if full {
		return w.large+maxMessage <= windowFull
	}
	return w.small < windowMessages
}

// add counts a message that leaves and keeps it.
func (w *window) add(p *pack) {
	m := sentMessage{pack: p, full: p.full(), size: p.size}
	w.sent++
	w.written, w.bare = false, false
	w.unacked = append(w.unacked, m)
	if m.full {
		w.large += m.size
	} else {
		w.small++
	}
}

// ack forgets the messages up to the nth. It reports whether there were any.
func (w *window) ack(n uint64) bool {
	progress := n > w.acked
	for ; w.acked < n; w.acked++ {
		m := &w.unacked[0]
		if m.full {
			w.large -= m.size
		} else {
			w.small--
		}
		w.written = m.pack.free()
		*m = sentMessage{}
		w.unacked = w.unacked[1:]
	}
	if len(w.unacked) == 0 {
		w.unacked = nil
	}
	return progress
}

// tell notes that the other side is told how much was read, and returns it.
func (w *window) tell() uint64 {
	w.told, w.readSmall, w.readLarge = w.read, 0, 0
	return w.read
}

// owesAck reports whether an acknowledgement is to be sent, alone if need be.
func (w *window) owesAck() bool { return w.read-w.told >= ackOwed }

// heard takes the acknowledgement of a message.
func (w *window) heard(ack uint64) (bool, *tool.Error) {
	if ack > w.sent {
		return false, tool.Errorf(tool.ProtocolError, "message acknowledges %d messages, but only %d were sent", ack, w.sent)
	}
	if ack < w.lastAck {
		return false, tool.Errorf(tool.ProtocolError, "message acknowledges %d messages after an earlier one acknowledged %d", ack, w.lastAck)
	}
	w.lastAck = ack
	return w.ack(ack), nil
}

// count counts a message with frames that was read. Its size is that of the frames alone, as the sender counts it.
func (w *window) count(size int) *tool.Error {
	w.read++
	if size >= fullMessage {
		w.readLarge += size
	} else {
		w.readSmall++
	}
	if w.readSmall > windowMessages || w.readLarge > windowFull {
		return tool.Errorf(tool.ProtocolError,
			"window overrun: %d messages and %d bytes of full messages are unacknowledged; at most %d and %d are allowed",
			w.readSmall, w.readLarge, windowMessages, windowFull)
	}
	return nil
}

// attach begins a connection on which the other side said that it has read so many messages.
func (w *window) attach(received uint64) *tool.Error {
	if received < w.acked || received > w.sent {
		return tool.Errorf(tool.ProtocolError, "cannot resume: the other side says that it has read %d messages, but it acknowledged %d and was sent %d",
			received, w.acked, w.sent)
	}
	w.ack(received)
	w.lastAck, w.written = 0, false // of this connection nothing is known
	w.tell()
	return nil
}
