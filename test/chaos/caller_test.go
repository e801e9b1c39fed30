package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// caller asks questions and tells each outcome as soon as it is known; the channel is as large as what can be told.
type caller interface {
	ask(t *testing.T, q question) <-chan outcome
}

// way is how a caller reaches the bridge.
type way string

const (
	link  way = "link"
	plain way = "plain" // RPCs
)

// goCaller calls with the Go SDK, in this process.
type goCaller struct {
	name    string
	client  *toolbridge.Client
	session *toolbridge.Session
}

func newGoCaller(t *testing.T, name, address string, over way) *goCaller {
	t.Helper()
	var options []toolbridge.DialOption
	if over == plain {
		options = append(options, toolbridge.WithoutLink())
	}
	client, err := toolbridge.Dial(t.Context(), address, options...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() }) // the wire may be broken
	s, err := client.Session(t.Context(), name)
	require.NoError(t, err)
	return &goCaller{name, client, s}
}

// ask asks every kind in a goroutine of its own, which ends with its time.
func (c *goCaller) ask(t *testing.T, q question) <-chan outcome {
	t.Helper()
	told := make(chan outcome, 2*len(q.Kinds))
	var asking sync.WaitGroup
	for _, k := range q.Kinds {
		asking.Go(func() { told <- c.one(q, k, told) })
	}
	t.Cleanup(asking.Wait)
	return told
}

// one asks one kind.
func (c *goCaller) one(q question, k kind, told chan<- outcome) outcome {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(q.Seconds*float64(time.Second)))
	defer cancel()
	o := outcome{Caller: c.name, Name: q.Name, Kind: k, Limit: q.Seconds}
	began := time.Now()
	var err error
	switch k {
	case unary:
		o.Value, err = toolbridge.Call[string](ctx, c.session, q.Prefix+"_echo", q.Name)
	case large:
		var text string
		text, err = toolbridge.Call[string](ctx, c.session, q.Prefix+"_echo", strings.Repeat("x", largeBytes))
		o.Value = float64(len(text))
	case once:
		o.Value, err = toolbridge.Call[float64](ctx, c.session, q.Prefix+"_once", q.Name)
	case stream:
		o.Value, err = c.stream(ctx, q, func() { told <- outcome{Caller: c.name, Name: q.Name, Kind: k, Began: true} })
	case batch:
		var results []toolbridge.ItemResult
		results, err = c.session.Batch(ctx, items(q))
		o.Value = places(results)
	case finished:
		o.Value, err = c.finished(ctx, q)
	case variable:
		if _, err = c.session.Set(ctx, q.Name, q.Name); err == nil {
			o.Value, err = toolbridge.Get[string](ctx, c.session, q.Name)
		}
	case session:
		o.Value, err = c.anotherSession(ctx, q.Name)
	}
	o.Seconds = time.Since(began).Seconds()
	if err != nil {
		o.Error, o.Message = name(err), err.Error()
	}
	return o
}

// name is the code of an error; of one that is not ours, its type.
func name(err error) string {
	var known *tool.Error
	if !errors.As(err, &known) {
		return "an error that is none of ours"
	}
	return string(known.Code)
}

func (c *goCaller) stream(ctx context.Context, q question, began func()) (any, error) {
	chunks := []any{}
	for chunk, err := range toolbridge.Stream[float64](ctx, c.session, q.Prefix+"_count", chunkCount, int(chunkPause/time.Millisecond)) {
		if err != nil {
			return chunks, err
		}
		if len(chunks) == 0 {
			began()
		}
		chunks = append(chunks, chunk)
	}
	return chunks, nil
}

// items are the calls of a batch: each wants its place back.
func items(q question) []toolbridge.Item {
	items := make([]toolbridge.Item, batchItems)
	for i := range items {
		items[i] = toolbridge.ItemOf(q.Prefix+"_echo", i)
	}
	return items
}

// finished reads a batch as its items finish.
func (c *goCaller) finished(ctx context.Context, q question) (any, error) {
	results := make([]toolbridge.ItemResult, batchItems)
	for r, err := range c.session.BatchStream(ctx, items(q)) {
		if err != nil {
			return nil, err
		}
		results[r.Index] = r
	}
	return places(results), nil
}

// places are what came of each item: its place, or the name of its error.
func places(results []toolbridge.ItemResult) []any {
	values := []any{}
	for _, r := range results {
		var place float64
		if err := r.Into(&place); err != nil {
			values = append(values, name(err))
			continue
		}
		values = append(values, place)
	}
	return values
}

func (c *goCaller) anotherSession(ctx context.Context, id string) (any, error) {
	s, err := c.client.Session(ctx, id)
	if err != nil {
		return nil, err
	}
	info, err := s.Info(ctx)
	if err != nil {
		return nil, err
	}
	_, err = s.End(ctx)
	return info.Key.ID, err
}

// pyCaller calls with the Python SDK, in a process of its own. The mutex guards what stands below it.
type pyCaller struct {
	process *process

	mu     sync.Mutex
	asking map[string]chan outcome // by the question's name
}

func newPyCaller(t *testing.T, name, address string, over way) *pyCaller {
	t.Helper()
	c := &pyCaller{asking: map[string]chan outcome{}}
	c.process = start(t, name, c.take, python(t, "caller.py", name, address, string(over)))
	c.process.await("ready")
	return c
}

// take gets each line of the process that is JSON.
func (c *pyCaller) take(line []byte) {
	var o outcome
	if json.Unmarshal(line, &o) != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if told := c.asking[o.Name]; told != nil {
		told <- o
	}
}

func (c *pyCaller) ask(t *testing.T, q question) <-chan outcome {
	t.Helper()
	told := make(chan outcome, 2*len(q.Kinds))
	c.mu.Lock()
	c.asking[q.Name] = told
	c.mu.Unlock()
	line, err := json.Marshal(q)
	require.NoError(t, err)
	_, err = c.process.stdin.Write(append(line, '\n'))
	require.NoError(t, err)
	return told
}
