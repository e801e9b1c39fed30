package etcdstore

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Every record is one byte of format, the length of a JSON header as a varint, the header, and a body of raw bytes (the
// value of a variable; empty for all else). Unknown fields of a header are ignored, so fields can be added; a change
// that older bridges would misread needs a new format byte and a new dataFormat.
const recordFormat = 1

var errTruncated = errors.New("record is truncated")

func encode(header any, body []byte) ([]byte, error) {
	head, err := json.Marshal(header)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", header, err)
	}
	return recordOf(head, body), nil
}

func recordOf(head, body []byte) []byte {
	record := make([]byte, 0, 1+binary.MaxVarintLen32+len(head)+len(body))
	record = append(record, recordFormat)
	record = binary.AppendUvarint(record, uint64(len(head)))
	record = append(record, head...)
	return append(record, body...)
}

// decode fills header and returns the body, which shares record's memory.
func decode(record []byte, header any) (body []byte, err error) {
	if len(record) == 0 {
		return nil, errTruncated
	}
	if record[0] != recordFormat {
		return nil, fmt.Errorf("record has format %d, this bridge reads %d: use a newer bridge", record[0], recordFormat)
	}
	length, n := binary.Uvarint(record[1:])
	rest := record[1:]
	if n <= 0 || length > uint64(len(rest)-n) {
		return nil, errTruncated
	}
	rest = rest[n:]
	if session, ok := header.(*sessionHeader); ok && session.parse(rest[:length]) {
		return rest[length:], nil
	}
	if err := json.Unmarshal(rest[:length], header); err != nil {
		return nil, fmt.Errorf("decode %T: %w", header, err)
	}
	return rest[length:], nil
}

// storeHeader describes the data as a whole.
type storeHeader struct {
	// Format is the layout of keys and records.
	Format int `json:"format"`
	// Generation is random.
	Generation uint64 `json:"generation"`
}

// sessionHeader is a session. Its key says whose.
type sessionHeader struct {
	Epoch    uint64            `json:"epoch"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Created  int64             `json:"created"`
	TTL      time.Duration     `json:"ttl"`
	// Write names the write that created it.
	Write uint64 `json:"write"`
}

// parse reads a header without metadata in the very form in which encode writes it, several times as fast as JSON in general:
// a start reads one for every session. It reports whether this was one; otherwise nothing is changed.
func (h *sessionHeader) parse(head []byte) bool {
	in := numbers{rest: head}
	found := sessionHeader{
		Epoch:   in.unsigned(`{"epoch":`),
		Created: in.signed(`,"created":`),
		TTL:     time.Duration(in.signed(`,"ttl":`)),
		Write:   in.unsigned(`,"write":`),
	}
	if in.strange || string(in.rest) != "}" {
		return false
	}
	*h = found
	return true
}

// numbers reads numbers that stand behind known names in JSON.
type numbers struct {
	rest []byte
	// strange says that something else stood there.
	strange bool
}

func (n *numbers) unsigned(name string) uint64 {
	number, err := strconv.ParseUint(string(n.next(name)), 10, 64)
	n.strange = n.strange || err != nil
	return number
}

func (n *numbers) signed(name string) int64 {
	number, err := strconv.ParseInt(string(n.next(name)), 10, 64)
	n.strange = n.strange || err != nil
	return number
}

// next returns what stands behind a name, up to a comma or the end.
func (n *numbers) next(name string) []byte {
	value, found := bytes.CutPrefix(n.rest, []byte(name))
	end := bytes.IndexAny(value, ",}")
	if !found || end < 0 {
		n.strange = true
		return nil
	}
	n.rest = value[end:]
	return value[:end]
}

func (h *sessionHeader) session(key tool.SessionKey, revision string) tool.Session {
	return tool.Session{
		Key:       key,
		Epoch:     h.Epoch,
		Metadata:  h.Metadata,
		CreatedAt: time.Unix(0, h.Created),
		TTL:       h.TTL,
		Revision:  revision,
	}
}

// encodeSession is encode for a session's header: without metadata, which need JSON's rules for texts, several times as fast.
func encodeSession(h *sessionHeader) ([]byte, error) {
	if len(h.Metadata) > 0 {
		return encode(h, nil)
	}
	var room [128]byte
	head := strconv.AppendUint(append(room[:0], `{"epoch":`...), h.Epoch, 10)
	head = strconv.AppendInt(append(head, `,"created":`...), h.Created, 10)
	head = strconv.AppendInt(append(head, `,"ttl":`...), int64(h.TTL), 10)
	head = append(strconv.AppendUint(append(head, `,"write":`...), h.Write, 10), '}')
	return recordOf(head, nil), nil
}

func headerOf(s *tool.Session, write uint64) *sessionHeader {
	return &sessionHeader{Epoch: s.Epoch, Metadata: s.Metadata, Created: s.CreatedAt.UnixNano(), TTL: s.TTL, Write: write}
}

// tombstoneHeader is the end of a session.
type tombstoneHeader struct {
	Epoch uint64 `json:"epoch"`
}

// variableHeader is a variable without its name (which is its key) and its value (which is the body).
type variableHeader struct {
	TypeURL  string            `json:"type,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Updated  int64             `json:"updated"`
	// Request is the id of the request that wrote it.
	Request string `json:"request,omitempty"`
	// Write names the write itself, so that one with an unknown outcome can be found again.
	Write uint64 `json:"write"`
}

// encodeVariable is encode for a variable's header: without metadata and with texts that JSON writes as they are, several times as fast.
func encodeVariable(h *variableHeader, value []byte) ([]byte, error) {
	if len(h.Metadata) > 0 || !unescaped(h.TypeURL) || !unescaped(h.Request) {
		return encode(h, value)
	}
	var room [256]byte
	head := append(room[:0], '{')
	if h.TypeURL != "" {
		head = append(append(append(head, `"type":"`...), h.TypeURL...), `",`...)
	}
	head = strconv.AppendInt(append(head, `"updated":`...), h.Updated, 10)
	if h.Request != "" {
		head = append(append(append(head, `,"request":"`...), h.Request...), '"')
	}
	head = append(strconv.AppendUint(append(head, `,"write":`...), h.Write, 10), '}')
	return recordOf(head, value), nil
}

// unescaped reports whether JSON writes a text as it is.
func unescaped(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// batchHeader is a change in several steps that is under way.
type batchHeader struct {
	ID string `json:"id"`
	// Committed says that it is visible and only waits for being put in place; otherwise it may still be given up.
	Committed bool `json:"committed,omitempty"`
}

// stageHeader is one part of such a change; the body is the record to put.
type stageHeader struct {
	Key    []byte `json:"key"`
	Delete bool   `json:"delete,omitempty"`
}

// encodeAlive writes when a session was last used: often, so it is as small as can be.
func encodeAlive(at time.Time) []byte {
	return binary.BigEndian.AppendUint64([]byte{recordFormat}, uint64(at.UnixNano()))
}

func decodeAlive(record []byte) (time.Time, error) {
	if len(record) < 9 || record[0] != recordFormat {
		return time.Time{}, errTruncated
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(record[1:]))), nil
}
