package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// The mix of the load test, that of test/load/locustfile.py.
const (
	executeWeight  = 70
	streamWeight   = 20
	batchWeight    = 10
	mostLoadChunks = 100
	leastBatch     = 5
	mostBatch      = 15
)

type benchLoad struct {
	Users    int           `short:"u" default:"50" placeholder:"N" help:"How many users, each with a session and a link. Defaults to 50."`
	Duration time.Duration `short:"d" default:"60s" placeholder:"DURATION" help:"How long. Defaults to 60s."`
	MinWait  time.Duration `default:"100ms" placeholder:"DURATION" help:"Least time that a user waits between two requests. Defaults to 100ms."`
	MaxWait  time.Duration `default:"500ms" placeholder:"DURATION" help:"Greatest. Defaults to 500ms."`
}

// Validate refuses what cannot be run. The parser calls it.
func (v *benchLoad) Validate() error {
	switch {
	case v.Users < 1 || v.Users > maxAtOnce:
		return usage("--users is %d: want 1 to %d", v.Users, maxAtOnce)
	case v.Duration <= 0:
		return usage("--duration is %s: want more than 0", v.Duration)
	case v.MinWait < 0 || v.MaxWait < v.MinWait:
		return usage("--min-wait is %s and --max-wait %s: want 0 or more, and the latter not below the former", v.MinWait, v.MaxWait)
	}
	return nil
}

// Run lets the users do their work. A single failure is one of the whole.
func (v *benchLoad) Run(ctx context.Context, s *shell, common *common) error {
	shown := newCountdown(s, v.Duration)
	users := make([]*loadUser, v.Users)
	end := time.Now().Add(v.Duration)
	prefix := fmt.Sprintf("load_test_%06d_", dice(1_000_000))
	var running sync.WaitGroup
	for i := range users {
		users[i] = &loadUser{benchLoad: v, end: end, wait: common.Timeout}
		running.Go(func() {
			alone := *common
			alone.Session, alone.Timeout = "", 0
			err := alone.dial(ctx, s, func(ctx context.Context, client *toolbridge.Client) error {
				return users[i].work(ctx, client, fmt.Sprint(prefix, i))
			})
			if err != nil && ctx.Err() == nil {
				users[i].rows[sessionRow].failures.add(err)
			}
		})
	}
	running.Wait()
	shown.end()
	all := &users[0].rows
	for _, u := range users[1:] {
		for i := range all {
			all[i].answered.merge(&u.rows[i].answered)
			all[i].failed.merge(&u.rows[i].failed)
			all[i].failures.merge(&u.rows[i].failures)
		}
	}
	return errors.Join(v.print(s, all), context.Cause(ctx), totalOf(all))
}

// The rows of the report.
const (
	sessionRow = iota
	executeRow
	streamRow
	batchRow
	loadRows
)

func loadNames() [loadRows]string { return [...]string{"session", "execute", "stream", "batch"} }

// loadRow is what one kind of request came to.
type loadRow struct {
	answered latencies
	failed   latencies
	failures failures
}

// loadUser is one user. One goroutine uses it.
type loadUser struct {
	*benchLoad
	end     time.Time
	wait    time.Duration // time limit of a request; 0 for none of its own
	session *toolbridge.Session
	rows    [loadRows]loadRow
}

// work makes requests until time is over.
func (u *loadUser) work(ctx context.Context, client *toolbridge.Client, id string) error {
	u.note(ctx, sessionRow, func() (err error) {
		u.session, err = client.Session(ctx, id)
		return err
	})
	if u.session == nil {
		return nil
	}
	u.session = u.session.With(toolbridge.Timeout(u.wait))
	for time.Now().Before(u.end) && ctx.Err() == nil {
		switch n := dice(executeWeight + streamWeight + batchWeight); {
		case n < executeWeight:
			u.note(ctx, executeRow, func() error { return u.execute(ctx) })
		case n < executeWeight+streamWeight:
			u.note(ctx, streamRow, func() error { return u.stream(ctx) })
		default:
			u.note(ctx, batchRow, func() error { return u.batch(ctx) })
		}
		rest := u.MinWait + time.Duration(dice(int(u.MaxWait-u.MinWait)+1))
		pause(ctx, min(rest, time.Until(u.end)))
	}
	_, err := u.session.End(ctx, toolbridge.Force())
	return err
}

// note counts a request.
func (u *loadUser) note(ctx context.Context, row int, request func() error) {
	began := time.Now()
	err := request()
	took := time.Since(began)
	switch {
	case err == nil:
		u.rows[row].answered.add(took)
	case ctx.Err() == nil:
		u.rows[row].failed.add(took)
		u.rows[row].failures.add(err)
	}
}

// dice is a number from 0 to below sides.
func dice(sides int) int { return rand.IntN(sides) } //nolint:gosec // it chooses what users do next, and keeps no secret

func anyTool() string { return [...]string{"search", "calculate", "process"}[dice(3)] }

func (u *loadUser) execute(ctx context.Context) error {
	option := [...]string{"A", "B", "C"}[dice(3)]
	_, err := u.session.Call(ctx, anyTool(), 1+dice(100), toolbridge.Kw{"option": option})
	return err
}

func (u *loadUser) stream(ctx context.Context) error {
	chunks := 0
	for _, err := range u.session.Stream(ctx, "stream_data") {
		if err != nil {
			return err
		}
		if chunks++; chunks > mostLoadChunks {
			return nil
		}
	}
	if chunks == 0 {
		return tool.Errorf(tool.Internal, "tool \"stream_data\" ended without a chunk")
	}
	return nil
}

func (u *loadUser) batch(ctx context.Context) error {
	items := make([]toolbridge.Item, leastBatch+dice(mostBatch-leastBatch+1))
	for i := range items {
		items[i] = toolbridge.ItemOf(anyTool(), i)
	}
	results, err := u.session.Batch(ctx, items)
	if err == nil && len(results) != len(items) {
		return tool.Errorf(tool.Internal, "a batch of %d calls had %d results", len(items), len(results))
	}
	for _, r := range results {
		err = errors.Join(err, r.Err)
	}
	return err
}

func (v *benchLoad) print(s *shell, rows *[loadRows]loadRow) error {
	if s.json {
		out := map[string]any{"users": v.Users, "seconds": v.Duration.Seconds()}
		for i, name := range loadNames() {
			r := &rows[i]
			out[name] = map[string]any{
				"requests": r.answered.count + r.failures.count, "answered": r.answered.count, "answered_ms": r.answered.document(),
				"failed": r.failures.count, "failed_ms": r.failed.document(), "failures": r.failures.document(),
			}
		}
		return s.document(out)
	}
	if err := s.line("%d users for %s", v.Users, v.Duration); err != nil {
		return err
	}
	t := table{heading: append([]string{"REQUEST", "COUNT", "/s"}, latencyHeading()...), right: map[int]bool{}}
	for i := 1; i < len(t.heading); i++ {
		t.right[i] = true
	}
	for i, name := range loadNames() {
		r := &rows[i]
		t.add(v.line(name+" answered", r.answered.count, &r.answered)...)
		if r.failures.count > 0 {
			t.add(v.line(name+" failed", r.failures.count, &r.failed)...)
		}
	}
	return t.print(s.stdout)
}

// line is what a kind of requests came to, of those that were answered, or failed.
func (v *benchLoad) line(what string, count int, took *latencies) []string {
	return append([]string{what, number(count), fmt.Sprintf("%.1f", float64(count)/v.Duration.Seconds())}, took.cells()...)
}

// totalOf says what failed in all.
func totalOf(rows *[loadRows]loadRow) error {
	var all failures
	for i := range rows {
		all.merge(&rows[i].failures)
	}
	return all.err()
}
