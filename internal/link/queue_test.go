package link

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestQueue_knows_that_a_message_of_many_frames_has_no_room_for_the_pieces_that_would_fill_it(t *testing.T) {
	t.Parallel()
	q := &queue{}
	for range maxFrames - 1 {
		q.add(1, frameChunk, []byte("a short chunk"))
	}
	q.addBulk(3, frameChunk, nil, make([]byte, 1<<20), nil)

	_, full := q.ready()

	require.False(t, full, "it would leave although the window for such messages is closed")
	require.False(t, q.take().full())
}

func TestQueue_knows_before_it_packs_a_message_whether_it_will_be_full(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		q := &queue{}
		for range rapid.IntRange(0, 8).Draw(rt, "bulks") {
			var c *credit
			if rapid.Bool().Draw(rt, "needs credit") {
				c = &credit{left: rapid.Int64Range(0, 400<<10).Draw(rt, "credit")}
			}
			q.addBulk(1, frameChunk, nil, make([]byte, rapid.IntRange(maxPiece+1, 5*maxPiece).Draw(rt, "size")), c)
		}
		for range rapid.IntRange(0, 2*maxFrames).Draw(rt, "frames") {
			q.add(1, frameChunk, make([]byte, rapid.IntRange(0, 600).Draw(rt, "bytes")))
		}
		for some, full := q.ready(); some; some, full = q.ready() {
			if p := q.take(); p.full() != full {
				rt.Fatalf("ready said full %v of a message with %d bytes in %d frames", full, p.size, p.frames)
			}
		}
	})
}
