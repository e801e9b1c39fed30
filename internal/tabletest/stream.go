// Package tabletest makes tables for tests that pass them on without reading them: Arrow IPC streams as far as their messages have
// lengths, with noise for metadata and batches, of any size that is asked for.
package tabletest

import (
	"encoding/binary"
	"math/rand/v2"
)

const (
	// batchBytes is how long the messages are that SDKs make of a table.
	batchBytes = 1 << 20
	// leading is what stands before a body here: two lengths, and the least metadata that says how long the body is.
	leading = 8 + 32
)

// Stream returns a stream of exactly so many bytes, at least 4, in batches of 1 MiB.
func Stream(size int) []byte { return Batches(size, batchBytes) }

// Batches returns a stream of exactly so many bytes, at least 4, in batches of at most so many bytes and a few.
func Batches(size, batch int) []byte {
	out := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(out)
	if size < leading { // the mark of the end; what follows does not count
		binary.LittleEndian.PutUint32(out, 0)
		return out
	}
	for at := 0; at < size; {
		n := min(size-at, max(batch, leading))
		if size-at-n < leading {
			n = size - at
		}
		lead(out[at:], n-leading)
		at += n
	}
	return out
}

// lead writes what stands before a body: the continuation, the length of the metadata, and a FlatBuffers table whose field 3 is the
// length of the body.
func lead(b []byte, body int) {
	for i, number := range []uint32{
		0xffffffff, leading - 8, // lengths
		16,           // where the table is
		12 | 16<<16,  // its list of fields: how long it is, how long the table is,
		0, 0 | 8<<16, // and where the fields 0 to 3 are
		12, 0, // the table: how far back its list of fields is, nothing,
		uint32(body), 0, // and the length
	} {
		binary.LittleEndian.PutUint32(b[4*i:], number)
	}
}
