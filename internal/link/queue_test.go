package link

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestQueue_knows_that_a_message_of_many_frames_has_no_room_for_the_pieces_that_would_fill_it(t *testing.T) {
	t.Parallel()
	q := &queue{}
	for range maxFrames - 1 {
		q.add(1, frameChunk, written([]byte("a short chunk")))
	}
	q.addBulk(3, frameChunk, written(make([]byte, 1<<20)), nil)

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
			q.addBulk(1, frameChunk, written(make([]byte, rapid.IntRange(maxPiece+1, 5*maxPiece).Draw(rt, "size"))), c)
		}
		for range rapid.IntRange(0, 2*maxFrames).Draw(rt, "frames") {
			q.add(1, frameChunk, written(make([]byte, rapid.IntRange(0, 600).Draw(rt, "bytes"))))
		}
		for some, full := q.ready(); some; some, full = q.ready() {
			if p := q.take(); p.full() != full {
				rt.Fatalf("ready said full %v of a message with %d bytes in %d frames", full, p.size, p.frames)
			}
		}
	})
}

// arrivals are the frames of each call as a reader of the messages sees them: by the first byte of their bodies, in the order in
// which they are whole.
type arrivals struct {
	order map[uint64][]byte
	parts map[uint64][]byte
}

func newArrivals() *arrivals {
	return &arrivals{order: make(map[uint64][]byte), parts: make(map[uint64][]byte)}
}

// read takes the next message.
func (a *arrivals) read(t require.TestingT, p *pack) {
	_, err := decodeMessage(p.message(0).bytes(), func(b []byte) error {
		var fr, cut frame
		err := decodeFrame(b, &fr)
		if err != nil || fr.kind != frameFragment {
			a.order[fr.callID] = append(a.order[fr.callID], fr.body[:min(1, len(fr.body))]...)
			return err
		}
		piece, err := decodeFragment(fr.body)
		if err != nil {
			return err
		}
		whole := slices.Concat(a.parts[piece.id], piece.data.bytes())
		a.parts[piece.id] = whole
		if decodeFrame(whole, &cut) == nil {
			a.order[cut.callID] = append(a.order[cut.callID], cut.body[0])
			delete(a.parts, piece.id)
		}
		return nil
	})
	require.NoError(t, err)
}

// body is that of a frame with a name.
func body(name byte, size int) []byte {
	b := make([]byte, size)
	b[0] = name
	return b
}

func TestQueue_does_not_let_a_cut_frame_overtake_a_short_one_of_its_call(t *testing.T) {
	t.Parallel()
	const backlog, stream = 1, 3
	for name, c := range map[string]struct{ frames, size int }{
		"behind a message that is full":                  {5, 60_000},
		"behind messages of as many frames as they hold": {2 * maxFrames, 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &queue{}
			for range c.frames {
				q.add(backlog, frameResult, written(body('x', c.size)))
			}
			q.add(stream, frameChunk, written(body('a', 10)))
			q.addBulk(stream, frameChunk, written(body('b', maxPiece+1)), &credit{left: 1 << 20})

			got := newArrivals()
			for !q.empty() {
				some, full := q.ready()
				require.True(t, some)
				p := q.take()
				require.Equal(t, full, p.full())
				got.read(t, p)
			}

			require.Equal(t, "ab", string(got.order[stream]))
		})
	}
}

func TestQueue_keeps_the_frames_of_each_call_in_order_and_loses_none(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		q := &queue{}
		var sent [4][]byte
		var cut [4]*bulk // of each call, which queues nothing until it has left
		got := newArrivals()
		take := func() bool {
			some, full := q.ready()
			if !some {
				return false
			}
			p := q.take()
			require.Equal(rt, full, p.full(), "ready said so")
			got.read(rt, p)
			return true
		}
		queued := func(call int) byte {
			name := byte(len(sent[call]))
			sent[call] = append(sent[call], name)
			return name
		}
		calls := rapid.IntRange(0, len(sent)-1)
		rt.Repeat(map[string]func(*rapid.T){
			"short frames": func(rt *rapid.T) {
				call := calls.Draw(rt, "call")
				if cut[call] != nil && cut[call].taken < cut[call].size() {
					return
				}
				size := rapid.SampledFrom([]int{1, 1000, 60_000}).Draw(rt, "size")
				for range rapid.IntRange(1, min(600, 300_000/size)).Draw(rt, "frames") {
					q.add(uint64(call), frameChunk, written(body(queued(call), size)))
				}
			},
			"cut frame": func(rt *rapid.T) {
				call := calls.Draw(rt, "call")
				if cut[call] != nil && cut[call].taken < cut[call].size() {
					return
				}
				var c *credit
				if rapid.Bool().Draw(rt, "needs credit") {
					c = &credit{left: rapid.Int64Range(0, 300<<10).Draw(rt, "credit")}
				}
				cut[call] = q.addBulk(uint64(call), frameChunk, written(body(queued(call), rapid.IntRange(maxPiece, 300<<10).Draw(rt, "size"))), c)
			},
			"credit": func(rt *rapid.T) {
				if b := cut[calls.Draw(rt, "call")]; b != nil && b.credit != nil {
					b.credit.left += rapid.Int64Range(1, 300<<10).Draw(rt, "credit")
					q.unpark(b.credit)
				}
			},
			"drop": func(rt *rapid.T) {
				call := calls.Draw(rt, "call")
				if b := cut[call]; b != nil && b.taken == 0 {
					q.drop(b)
					sent[call], cut[call] = sent[call][:len(sent[call])-1], nil
				}
			},
			"message": func(*rapid.T) { take() },
		})
		for _, b := range cut {
			if b != nil && b.credit != nil {
				b.credit.left = maxFrame
				q.unpark(b.credit)
			}
		}
		for take() {
			continue
		}
		for call, names := range sent {
			require.Equal(rt, string(names), string(got.order[uint64(call)]), "call %d", call)
		}
		require.True(rt, q.empty())
		require.Zero(rt, q.bytes+q.cut)
	})
}

// written is a body of which nothing is shared.
func written(b []byte) content { return content{written: b, size: len(b)} }
