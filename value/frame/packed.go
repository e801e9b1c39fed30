package frame

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// The Arrow library does not look whether a compressed buffer ends where it says, and makes room for any window that a frame of zstd asks
// for. So it is given batches all of whose buffers say that they are not compressed, as single ones may in Arrow.

const (
	codecLZ4, codecZstd = 0, 1
	// notPacked is what stands for its length before a buffer that is not compressed, for it would not become shorter.
	notPacked = -1
	// packedLimit is more than a buffer can hold that there is room for, and so little that those of a batch have a sum.
	packedLimit = 1 << 40
)

// packed is a buffer of a compressed batch.
type packed struct {
	part  *part
	from  []byte // behind its length
	plain bool   // not compressed
	holds int64
}

// packed checks a buffer that may be compressed, behind the length that it has otherwise. It returns what it holds if it is not.
func (l *laid) packed(p *part, own []byte, needed need, rows int64) (plain []byte, err error) {
	if len(own) < 8 {
		return nil, p.bad("want a compressed buffer behind its length, got %d bytes", len(own))
	}
	found := packed{part: p, from: own[8:], holds: int64(binary.LittleEndian.Uint64(own))}
	switch {
	case found.holds == notPacked:
		found.plain, found.holds, plain = true, int64(len(found.from)), found.from
	case found.holds < 0 || found.holds > packedLimit:
		return nil, p.bad("a compressed buffer says that it holds %d bytes", found.holds)
	}
	l.packs = append(l.packs, found)
	return plain, p.long(needed, rows, found.holds)
}

// unpacker decompresses what the batches of a stream hold.
type unpacker struct {
	zstd *zstd.Decoder
	lz4  *lz4.Reader
}

// unpacked is a compressed message as it is when its buffers are not. Its body is read once.
type unpacked struct {
	*unpacker
	message // as it is then
	head    []byte
	packs   []packed
	limit   int64 // of rows
	read    bool
}

// unpack makes a message plain that was checked: its lengths and metadata, which begin at a place of these bytes, and its body.
func (m message) unpack(by *unpacker, head []byte, at int, body []byte, limit int64, found *views) (*unpacked, error) {
	packs, err := m.check(body, limit)
	if err != nil {
		return nil, err
	}
	u := &unpacked{unpacker: by, head: bytes.Clone(head), packs: packs, limit: limit}
	end, metadata := int64(0), u.head[at:]
	for i, p := range packs {
		size := int64(0)
		if p.from != nil {
			size = 8 + p.holds
		}
		binary.LittleEndian.PutUint64(metadata[m.laid.listed+16*i:], uint64(end))
		binary.LittleEndian.PutUint64(metadata[m.laid.listed+16*i+8:], uint64(size))
		end += (size + 7) &^ 7
	}
	if at := m.laid.lengthAt; at != 0 {
		binary.LittleEndian.PutUint64(metadata[at:], uint64(end))
	}
	u.message, err = verifyMessage(metadata, found) // in which one thing may have stood where another does
	return u, err
}

// Read implements io.Reader for who asks for the whole body at once, as the library does: it is decompressed where it is to stand.
func (u *unpacked) Read(p []byte) (n int, err error) {
	switch size := u.message.body; {
	case u.read:
		return 0, io.EOF
	case int64(len(p)) < size:
		return 0, io.ErrShortBuffer
	default:
		u.read = true
		if err := u.into(p[:size]); err != nil {
			return 0, err // who has a whole body does not ask for its error
		}
		return int(size), nil
	}
}

// into decompresses the body, and checks it.
func (u *unpacked) into(body []byte) error {
	rest := body
	for _, p := range u.packs {
		if p.from == nil {
			continue
		}
		binary.LittleEndian.PutUint64(rest, 1<<64-1) // notPacked
		if err := u.buffer(p, rest[8:8+p.holds:8+p.holds]); err != nil {
			return p.part.bad("%s", err)
		}
		end := (8 + p.holds + 7) &^ 7
		clear(rest[8+p.holds : end])
		rest = rest[end:]
	}
	_, err := u.message.check(body, u.limit)
	return err
}

func (u *unpacked) buffer(p packed, to []byte) error {
	switch {
	case p.plain:
		copy(to, p.from)
		return nil
	case u.laid.codec == codecZstd:
		return u.fromZstd(p.from, to)
	default:
		return u.fromLZ4(p.from, to)
	}
}

// fromZstd decompresses at once, for which the decoder makes no room but that it is given.
func (u *unpacker) fromZstd(from, to []byte) (err error) {
	if u.zstd == nil {
		if u.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true)); err != nil {
			return err
		}
	}
	got, err := u.zstd.DecodeAll(from, to[:0])
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return holdsMore(to)
	}
	return holds(len(got), to, err)
}

func (u *unpacker) fromLZ4(from, to []byte) error {
	if !endsLZ4(from) { // which the decoder takes for the end
		return errUnpacked
	}
	if u.lz4 == nil {
		u.lz4 = lz4.NewReader(nil)
	}
	u.lz4.Reset(bytes.NewReader(from))
	n, err := io.ReadFull(u.lz4, to)
	if err == nil {
		if more, _ := u.lz4.Read(make([]byte, 1)); more > 0 {
			return holdsMore(to)
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return holds(n, to, err)
}

var errUnpacked = errors.New("a compressed buffer has no end, or more behind it")

func holdsMore(to []byte) error {
	return fmt.Errorf("a compressed buffer says that it holds %d bytes, and holds more", len(to))
}

// holds checks that a buffer has as many bytes as it says, if it can be decompressed at all.
func holds(n int, to []byte, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("a compressed buffer cannot be read: %w", err)
	case n < len(to):
		return fmt.Errorf("a compressed buffer says that it holds %d bytes, and holds %d", len(to), n)
	}
	return nil
}

// endsLZ4 reports whether a frame of LZ4 ends with the bytes, as its format says.
func endsLZ4(frame []byte) bool {
	const magic, dictionary, checksum, length, checksums = 0x184d2204, 1 << 0, 1 << 2, 1 << 3, 1 << 4
	if len(frame) < 7 || binary.LittleEndian.Uint32(frame) != magic {
		return false
	}
	flags, at := frame[4], 7
	if flags&length != 0 {
		at += 8
	}
	if flags&dictionary != 0 {
		at += 4
	}
	for len(frame) >= at+4 {
		size := binary.LittleEndian.Uint32(frame[at:])
		at += 4
		switch {
		case size == 0 && flags&checksum != 0:
			return len(frame) == at+4
		case size == 0:
			return len(frame) == at
		case flags&checksums != 0:
			at += 4
		}
		at += int(size &^ (1 << 31)) // the bit of blocks that are not compressed
	}
	return false
}
