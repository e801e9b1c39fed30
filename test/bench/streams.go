package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/grpc-tool-bridge/toolbridge"
)

// chunks are streams of 64 KiB chunks from a tool in the bridge and from one in a worker, against a raw server stream.
func chunks() scene {
	var rows []row
	for _, caller := range []string{"Go", "Python"} {
		for _, from := range []struct {
			name, side string
			reach      float64
		}{{"bridge", "bridge", 0.8}, {"Go worker", "worker", 0.4}} {
			rows = append(rows, row{
				name:  fmt.Sprintf("64 KiB chunks, %s ← %s, against a raw server stream", caller, from.name),
				group: "chunks " + caller, width: 1, of: megabytes(chunkCount * chunkBytes), unit: "MB/s", ours: from.side, theirs: "raw", reach: from.reach,
			})
		}
	}
	return scene{name: "chunks", rows: rows, open: func(ctx context.Context, s *stage) []group {
		c := startCast(ctx, s)
		if s.err != nil {
			return nil
		}
		inGo := []side{
			{"raw", loop(rawChunks(c.toGo)), []*process{c.rawGo}},
			{"bridge", loop(toolChunks(c.session, demoChunks)), []*process{c.bridge}},
			{"worker", loop(toolChunks(c.session, goChunks)), []*process{c.bridge, c.goWorker}},
		}
		inPython := []side{
			{"raw", measuredBy(c.caller, "chunks raw"), []*process{c.rawGo, c.caller}},
			{"bridge", measuredBy(c.caller, "chunks bridge"), []*process{c.bridge, c.caller}},
			{"worker", measuredBy(c.caller, "chunks worker"), []*process{c.bridge, c.caller, c.goWorker}},
		}
		return []group{
			{name: "chunks Go", width: 1, sides: inGo, main: true}, {name: "chunks Python", width: 1, sides: inPython, main: true},
		}
	}}
}

// rawChunks reads a raw server stream to its end.
func rawChunks(conn grpc.ClientConnInterface) caller {
	return simple(func(ctx context.Context) error {
		stream, err := conn.NewStream(ctx, chunksDesc(), chunksMethod)
		if err != nil {
			return err
		}
		if err := errors.Join(stream.SendMsg(wrapperspb.Int64(chunkCount)), stream.CloseSend()); err != nil {
			return err
		}
		for received := 0; ; {
			chunk := new(wrapperspb.BytesValue)
			if err := stream.RecvMsg(chunk); errors.Is(err, io.EOF) {
				return sized(received, chunkCount*chunkBytes)
			} else if err != nil {
				return err
			}
			received += len(chunk.GetValue())
		}
	})
}

// toolChunks reads a tool's stream to its end.
func toolChunks(session *toolbridge.Session, name string) caller {
	return simple(func(ctx context.Context) error {
		received := 0
		for chunk, err := range toolbridge.Stream[[]byte](ctx, session, name, chunkCount) {
			if err != nil {
				return err
			}
			received += len(chunk)
		}
		return sized(received, chunkCount*chunkBytes)
	})
}

// firstChunk is how long a streaming tool's first chunk takes, against a call that carries nothing.
func firstChunk() scene {
	return scene{name: "first chunk", rows: []row{{
		name: "first chunk of a streaming tool of a Go worker, against an empty call", group: "first chunk", width: 1, of: p50, unit: "p50 ms",
		ours: "stream", theirs: "empty call", reach: 1.5, atMost: true,
	}}, open: func(ctx context.Context, s *stage) []group {
		c := startCast(ctx, s)
		if s.err != nil {
			return nil
		}
		peers := []*process{c.bridge, c.goWorker}
		call := simple(func(ctx context.Context) error { _, err := c.session.Call(ctx, goEmpty); return err })
		first := func(ctx context.Context) (time.Duration, error) { return untilFirst(ctx, c.session, goFirst) }
		return []group{{name: "first chunk", width: 1, sides: []side{{"empty call", loop(call), peers}, {"stream", timed(first), peers}}}}
	}}
}

// untilFirst reads a stream to its end and says when its first chunk came.
func untilFirst(ctx context.Context, session *toolbridge.Session, name string) (first time.Duration, err error) {
	began := time.Now()
	for _, err := range session.Stream(ctx, name) {
		if err != nil {
			return 0, err
		}
		if first == 0 {
			first = time.Since(began)
		}
	}
	if first == 0 {
		return 0, fmt.Errorf("tool %q yielded nothing", name)
	}
	return first, nil
}
