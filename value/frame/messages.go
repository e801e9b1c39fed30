package frame

import (
	"io"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// alignment is where the numbers of a body have to stand: the longest that the library reads as one has 8 bytes.
const alignment = 8

// messages are those of a stream that is there as a whole, and was checked. The arrays that the library reads from them stand in the bytes
// of the stream, but for those that are compressed. It is an ipc.MessageReader.
type messages struct {
	all    []wholeMessage
	next   int
	limit  int64 // of rows
	turned bool  // the library turns the bytes of numbers round where they stand
	memory memory.Allocator

	unpacker unpacker
}

// wholeMessage is the metadata and the body of a message. What is compressed is unpacked when it is read.
type wholeMessage struct {
	head, body []byte
	unpacked   *unpacked
}

// add adds a message whose metadata was checked, and checks its body.
func (m *messages) add(found message, head, body []byte, views *views) error {
	if !found.compressed() {
		_, err := found.check(body, m.limit)
		m.all = append(m.all, wholeMessage{head: head, body: body})
		return err
	}
	u, err := found.unpack(&m.unpacker, head, 0, body, m.limit, views)
	if err != nil {
		return err
	}
	m.all = append(m.all, wholeMessage{head: u.head, unpacked: u})
	return nil
}

// Message implements ipc.MessageReader.
func (m *messages) Message() (*ipc.Message, error) {
	if m.next == len(m.all) {
		return nil, io.EOF
	}
	message := m.all[m.next]
	m.next++
	body, err := m.body(message)
	if err != nil {
		return nil, err
	}
	return ipc.NewMessage(memory.NewBufferBytes(message.head), memory.NewBufferBytes(body)), nil
}

func (m *messages) body(of wholeMessage) (body []byte, err error) {
	switch {
	case of.unpacked != nil:
		body = m.memory.Allocate(int(of.unpacked.message.body))
		return body, of.unpacked.into(body)
	case m.turned || uintptr(unsafe.Pointer(unsafe.SliceData(of.body)))%alignment != 0: //nolint:gosec // where they stand is asked, no more
		body = m.memory.Allocate(len(of.body))
		copy(body, of.body)
		return body, nil
	}
	return of.body, nil
}

// Retain implements ipc.MessageReader; memory is the garbage collector's.
func (m *messages) Retain() {}

// Release implements ipc.MessageReader.
func (m *messages) Release() {}
