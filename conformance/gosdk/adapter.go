package gosdk

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Adapter does what requests say. Each request has a goroutine of its own.
type Adapter struct {
	address string

	writing sync.Mutex
	out     *json.Encoder

	mu      sync.Mutex
	clients map[string]*client
	running map[int64]context.CancelFunc
}

// client is what one of a scenario's clients keeps.
type client struct {
	sdk *toolbridge.Client

	mu       sync.Mutex
	sessions map[string]*toolbridge.Session
	workers  []*worker
}

// request is a line of the input. Verbs use the fields that they need.
type request struct {
	ID      int64
	Do      string
	Client  string
	Session string
	Of      int64
	callFields
	sessionFields
	variableFields
	agentFields
	toolFields
}

// outcome are the members of an answer.
type outcome map[string]any

type verb func(ctx context.Context, a *Adapter, c *client, r *request) (outcome, error)

func verbs() map[string]verb {
	return map[string]verb{
		"initialize": initialize, "cleanup": cleanup, "get_session": getSession, "sessions": listSessions,
		"tools": listTools, "register_tools": registerTools, "unregister_tools": unregisterTools, "offer": offer, "withdraw": withdraw,
		"call": call, "stream": stream, "batch": batch, "batch_stream": batchStream,
		"set": set, "get": get, "delete": deleteVariable, "variables": listVariables, "update": update, "watch": watch,
		"create_agent": createAgent, "agents": listAgents, "delete_agent": deleteAgent, "run_agent": runAgent,
		"cancel": cancel,
	}
}

// Serve answers requests for the bridge at an address until the input ends.
func Serve(address string, in io.Reader, out io.Writer) error {
	ctx, stop := context.WithCancel(context.Background())
	a := &Adapter{address: address, out: json.NewEncoder(out), clients: map[string]*client{}, running: map[int64]context.CancelFunc{}}
	a.out.SetEscapeHTML(false)
	table := verbs()
	names := make([]string, 0, len(table))
	for name := range table {
		names = append(names, name)
	}
	a.write(map[string]any{"verbs": names})
	var doing sync.WaitGroup
	err := a.read(ctx, in, func(r *request) {
		doing.Go(func() { a.answer(ctx, table[r.Do], r) })
	})
	stop()
	doing.Wait()
	return errors.Join(err, a.close())
}

func (a *Adapter) read(ctx context.Context, in io.Reader, begin func(*request)) error {
	lines := bufio.NewReader(in)
	for ctx.Err() == nil {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read a request: %w", err)
		}
		r := &request{}
		if err := json.Unmarshal(line, r); err != nil {
			return fmt.Errorf("read a request: %w", err)
		}
		begin(r)
	}
	return nil
}

func (a *Adapter) answer(ctx context.Context, do verb, r *request) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.mu.Lock()
	a.running[r.ID] = cancel
	a.mu.Unlock()
	c, err := a.client(ctx, r.Client)
	out := outcome{}
	if err == nil {
		out, err = do(ctx, a, c, r)
	}
	if out == nil {
		out = outcome{}
	}
	if err != nil {
		out["error"] = failure(err)
	}
	a.write(map[string]any{"id": r.ID, "outcome": out})
	a.mu.Lock()
	delete(a.running, r.ID)
	a.mu.Unlock()
}

// event tells of something that came before the outcome.
func (a *Adapter) event(r *request, event any) {
	a.write(map[string]any{"id": r.ID, "event": event})
}

func (a *Adapter) write(line any) {
	a.writing.Lock()
	defer a.writing.Unlock()
	_ = a.out.Encode(line) // who reads has left, and the input will end as well
}

func (a *Adapter) client(ctx context.Context, name string) (*client, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.clients[name]; c != nil {
		return c, nil
	}
	sdk, err := toolbridge.Dial(context.WithoutCancel(ctx), a.address)
	if err != nil {
		return nil, err
	}
	c := &client{sdk: sdk, sessions: map[string]*toolbridge.Session{}}
	a.clients[name] = c
	return c, nil
}

func (a *Adapter) close() error {
	var errs []error
	for _, c := range a.clients {
		errs = append(errs, c.leave(), c.sdk.Close())
	}
	return errors.Join(errs...)
}

// cancel ends another request that is under way.
func cancel(_ context.Context, a *Adapter, _ *client, r *request) (outcome, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if stop := a.running[r.Of]; stop != nil {
		stop()
	}
	return nil, nil
}

// session is the client's session of that id, as it was initialized.
func (c *client) session(id string) (*toolbridge.Session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sessions[id]
	if s == nil {
		return nil, fmt.Errorf("session %q was not initialized by this client: a scenario cannot use it", id)
	}
	return s, nil
}

// failure is an error as scenarios see it.
func failure(err error) map[string]any {
	var e *tool.Error
	if !errors.As(err, &e) {
		return map[string]any{"code": "", "message": err.Error()}
	}
	out := map[string]any{"code": e.Code, "message": e.Message, "retryable": e.Retryable, "details": details(e.Details)}
	if e.RetryAfter > 0 {
		out["retry_after"] = e.RetryAfter.Seconds()
	}
	if e.Class != "" {
		out["class_name"] = e.Class
	}
	if !e.Exception.IsZero() {
		out["exception"] = encodedJSON(e.Exception)
	}
	return out
}

func details(of map[string]string) map[string]string {
	if of == nil {
		return map[string]string{}
	}
	return of
}
