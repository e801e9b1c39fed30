package main

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/grpc-tool-bridge/toolbridge"
)

// durable are writes that are on the disk before they are answered, against puts into a bare embedded etcd.
func durable() scene {
	return scene{name: "durable", rows: []row{
		{name: "sessions created by 64 clients, synced, against puts into a bare embedded etcd", group: "durable", width: 64, of: rate, unit: "writes/s", ours: "session", theirs: "etcd", reach: 0.5},
		{name: "variables put by 64 clients, synced, against puts into a bare embedded etcd", group: "durable", width: 64, of: rate, unit: "writes/s", ours: "variable", theirs: "etcd", reach: 0.4},
	}, open: func(ctx context.Context, s *stage) []group {
		etcd := s.part(ctx, "etcd", s.folder())
		bridge := s.serve(ctx, "--data", s.folder())
		client := s.client(ctx, bridge)
		if s.err != nil {
			return nil
		}
		return []group{{name: "durable", width: 64, main: true, slices: 4, sides: []side{
			{"etcd", measuredBy(etcd, "puts"), []*process{etcd}},
			{"session", loop(createSessions(client)), []*process{bridge}},
			{"variable", loop(putVariables(client)), []*process{bridge}},
		}}}
	}}
}

func createSessions(client *toolbridge.Client) caller {
	var count atomic.Int64
	run := time.Now().UnixNano()
	return simple(func(ctx context.Context) error {
		_, err := client.Session(ctx, fmt.Sprintf("bench-%d-%d", run, count.Add(1)))
		return err
	})
}

// putVariables puts into a session of each caller's own.
func putVariables(client *toolbridge.Client) caller {
	var sessions atomic.Int64
	text := payload()
	return func(ctx context.Context) (func() error, func(), error) {
		session, err := client.Session(ctx, "writer-"+strconv.FormatInt(sessions.Add(1)%64, 10))
		count := 0
		return func() error {
			count++
			_, err := session.Set(ctx, "v"+strconv.Itoa(count%1000), text)
			return err
		}, func() {}, err
	}
}

// starting is how long a bridge takes from nothing until it answers.
func starting() scene {
	return scene{name: "start", rows: []row{
		{name: "from start to ready, in a fresh data folder", group: "start", of: single, unit: "ms", ours: "fresh", reach: 300, atMost: true},
		{name: "from start to ready, with 100,000 sessions", group: "start", of: single, unit: "ms", ours: "100,000 sessions", reach: 1000, atMost: true},
	}, open: func(ctx context.Context, s *stage) []group {
		s.long = true
		full := s.folder()
		bridge := s.serve(ctx, "--data", full)
		s.part(ctx, "sessions", bridge.at(), strconv.Itoa(s.plan.scaled(100_000)))
		s.end(bridge)
		return []group{{name: "start", main: true, sides: []side{
			{"fresh", startTime(s, s.folder), nil}, {"100,000 sessions", startTime(s, func() string { return full }), nil},
		}}}
	}}
}

// startTime starts a bridge until it has answered a first question, and ends it.
func startTime(s *stage, folder func() string) measuring {
	return func(ctx context.Context, _ int, _ time.Duration) (sample, error) {
		data := folder()
		began := time.Now()
		bridge := s.serve(ctx, "--data", data)
		if s.err != nil {
			return sample{}, s.err
		}
		client, err := toolbridge.Dial(ctx, bridge.at())
		took := time.Since(began)
		if err == nil {
			err = client.Close()
		}
		s.end(bridge)
		if err == nil {
			err = s.err
		}
		return sample{Value: took.Seconds() * 1000, Calls: 1}, err
	}
}
