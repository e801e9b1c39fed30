package broker

import (
	"strconv"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// watched lets progress count as activity before it is passed on.
func (r *run) watched(next func(tool.Progress)) func(tool.Progress) {
	return func(p tool.Progress) {
		r.progress()
		if next != nil {
			next(p)
		}
	}
}

// pass hands a chunk on to the caller. The idle clock stands while the caller takes it.
func (r *run) pass(c tool.Chunk) error {
	if r.sendErr != nil {
		return r.sendErr
	}
	if r.Err() != nil {
		return r.over(r.where())
	}
	if n := c.Value.Size(); n > r.maxChunk {
		r.sendErr = tooLarge("a chunk of tool "+strconv.Quote(r.call.Tool), n, r.maxChunk).With("started", "true")
		return r.sendErr
	}
	r.activity.Store(sending)
	err := r.send(c)
	r.activity.Store(int64(time.Since(r.began)))
	if err != nil {
		if r.Err() != nil { // which is why
			err = r.over(r.where())
		}
		r.sendErr = err
		return err
	}
	if r.chunks == 0 {
		r.flowing.Store(true)
	}
	r.chunks++
	r.streamed += c.Value.Size()
	return nil
}
