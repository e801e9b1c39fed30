package main

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/grpc-tool-bridge/toolbridge"
)

// writers is how many write at a time.
const writers = 64

// durable are writes that are on the disk before they are answered, against puts into a bare embedded etcd, which collects
// garbage as the bridge with its own does. What is judged has as many clients as writers; one client for all of them packs what
// they ask into few messages, and is there to be looked at.
func durable() scene {
	return scene{name: "durable", rows: []row{
		{name: "sessions created by 64 clients, synced, against puts into a bare embedded etcd", group: "durable", width: writers, of: rate, unit: "writes/s", ours: "session", theirs: "etcd", reach: 0.5},
		{name: "variables put by 64 clients, synced, against puts into a bare embedded etcd", group: "durable", width: writers, of: rate, unit: "writes/s", ours: "variable", theirs: "etcd", reach: 0.4},
		{name: "sessions created by one client, 64 at a time, synced, against puts into a bare embedded etcd", group: "durable", width: writers, of: rate, unit: "writes/s", ours: "session of one client", theirs: "etcd", look: true},
		{name: "variables put by one client, 64 at a time, synced, against puts into a bare embedded etcd", group: "durable", width: writers, of: rate, unit: "writes/s", ours: "variable of one client", theirs: "etcd", look: true},
	}, open: func(ctx context.Context, s *stage) []group {
		etcd := s.partIn(ctx, []string{bridgeGarbage}, "etcd", s.folder())
		bridge := s.serve(ctx, "--data", s.folder())
		clients := s.clients(ctx, bridge, writers)
		if s.err != nil {
			return nil
		}
		one, peers := clients[:1], []*process{bridge}
		return []group{{name: "durable", width: writers, main: true, slices: 4, sides: []side{
			{"etcd", measuredBy(etcd, "puts"), []*process{etcd}},
			{"session", loop(createSessions(clients)), peers}, {"session of one client", loop(createSessions(one)), peers},
			{"variable", loop(putVariables(clients)), peers}, {"variable of one client", loop(putVariables(one)), peers},
		}}}
	}}
}

// inTurn gives one after the other, over and over, and how many were given before.
func inTurn[T any](all []T) func() (one T, before int64) {
	var given atomic.Int64
	return func() (T, int64) {
		before := given.Add(1) - 1
		return all[before%int64(len(all))], before
	}
}

// createSessions creates new ones; the callers take the clients in turn.
func createSessions(clients []*toolbridge.Client) caller {
	var count atomic.Int64
	next := inTurn(clients)
	run := time.Now().UnixNano()
	return func(ctx context.Context) (func() error, func(), error) {
		client, _ := next()
		return func() error {
			_, err := client.Session(ctx, fmt.Sprintf("bench-%d-%d", run, count.Add(1)))
			return err
		}, func() {}, nil
	}
}

// putVariables puts into a session of each caller's own; the callers take the clients in turn.
func putVariables(clients []*toolbridge.Client) caller {
	next := inTurn(clients)
	text := payload()
	return func(ctx context.Context) (func() error, func(), error) {
		client, own := next()
		session, err := client.Session(ctx, "writer-"+strconv.FormatInt(own%writers, 10))
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
		return sample{Value: took.Seconds() * 1000, Calls: 1, elsewhere: true}, err
	}
}
