package frame

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/memory"
)

const (
	// inflation is how many times its own length reading a stream may take; compressed streams grow when they are read.
	inflation = 64
	// leeway is what every stream may take besides.
	leeway = 1 << 16
	// allowance is what the streams of one value, or a batch of a table that is read batch by batch, may take beyond that: what repeats
	// itself becomes much shorter than a 64th.
	allowance = 10 << 20
)

// bounded is an allocator with a bound on what it gives in all. It panics beyond it, as the library's own do; Read
// recovers.
type bounded struct {
	memory.Allocator
	size int   // of the stream or the message
	left int64 // negative by as much as is out of proportion
	more int64 // of the allowance

	refused bool
}

// newBounded returns an allocator for a stream of a size, where so much of the allowance was taken before.
func newBounded(size int, taken *int64) *bounded {
	return &bounded{
		Allocator: memory.NewGoAllocator(), size: size, left: inflation*int64(size) + leeway, more: max(0, allowance-*taken),
	}
}

// begin lets the allocator give what the next message of a size is worth.
func (b *bounded) begin(size int) {
	b.size, b.left, b.more = size, inflation*int64(size)+leeway, allowance
}

// settle adds what was taken out of proportion.
func (b *bounded) settle(taken *int64) { *taken += max(0, -b.left) }

func (b *bounded) take(n int) {
	if n < 0 || b.left-int64(n) < -b.more {
		b.refused = true
		panic(fmt.Sprintf("decompressed, its %d bytes are more than %d times as many and %d: send it in parts, or not compressed",
			b.size, inflation, b.more))
	}
	b.left -= int64(n)
}

// Allocate implements memory.Allocator.
func (b *bounded) Allocate(n int) []byte {
	b.take(n)
	return b.Allocator.Allocate(n)
}

// Reallocate implements memory.Allocator.
func (b *bounded) Reallocate(n int, old []byte) []byte {
	b.take(n - min(n, len(old)))
	return b.Allocator.Reallocate(n, old)
}
