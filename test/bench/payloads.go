package main

import (
	"context"
	"fmt"
)

// sizes are those of the payloads that are compared, in bytes.
func sizes() map[string]int { return map[string]int{"10 KiB": 10 << 10, "1 MiB": 1 << 20} }

// payloads are larger calls against the same ones through a raw gRPC relay: three processes on either side.
func payloads() scene {
	c := scene{name: "payloads", open: payloadGroups}
	for _, size := range []string{"10 KiB", "1 MiB"} {
		for _, width := range []int{1, 8} {
			c.rows = append(c.rows, row{
				name: fmt.Sprintf("%s there and back, Go → bridge → Go worker, against a raw gRPC relay", size), group: "payload " + size, width: width,
				of: megabytes(2 * sizes()[size]), unit: "MB/s", ours: "link", theirs: "relay", reach: 0.8,
			})
		}
	}
	return c
}

func payloadGroups(ctx context.Context, s *stage) (all []group) {
	c := startCast(ctx, s)
	if s.err != nil {
		return nil
	}
	for _, name := range []string{"10 KiB", "1 MiB"} {
		size := sizes()[name]
		sides := []side{
			{"relay", loop(rawText(c.relayed, size)), []*process{c.relay, c.rawGo}},
			{"link", loop(linkText(c.session, goEcho, size)), []*process{c.bridge, c.goWorker}},
		}
		for _, width := range []int{1, 8} {
			all = append(all, group{name: "payload " + name, width: width, sides: sides})
		}
	}
	return all
}
