// Package memory keeps memory for long values that pass through a process one after another, so that a stream of them leaves the garbage
// collector nothing to do.
package memory

import "sync"

const (
	// Least is from how many bytes on memory is worth being kept.
	Least = 8 << 10
	// Most is how many bytes a block has at most: a value of 64 KiB, with what stands around it.
	Most = 72 << 10
)

// sizes are those of blocks; at most half of one is left empty.
var sizes = [...]int{18 << 10, 36 << 10, Most}

// blocks that nobody uses, by size. The garbage collector takes those that nobody comes for.
//
//nolint:gochecknoglobals // a pool of buffers
var blocks [len(sizes)]sync.Pool

// Block is memory for one value.
type Block struct {
	bytes []byte
	class int
	// Release gives the memory back, once: nobody may read it afterwards. A block that is not released is left to the garbage collector.
	Release func()
}

// Get returns a block of at least so many bytes, whose contents are anything; nil if it would be too small or too large to be kept.
func Get(n int) *Block {
	if n < Least || n > Most {
		return nil
	}
	class := 0
	for n > sizes[class] {
		class++
	}
	b, ok := blocks[class].Get().(*Block)
	if !ok {
		b = &Block{bytes: make([]byte, sizes[class]), class: class}
		b.Release = b.release
	}
	return b
}

// Bytes is the memory, empty, with the capacity that the block has.
func (b *Block) Bytes() []byte { return b.bytes[:0] }

func (b *Block) release() {
	spoil(b.bytes)
	blocks[b.class].Put(b)
}
