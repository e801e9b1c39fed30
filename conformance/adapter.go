package conformance

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

// stopTime is how long an adapter may take to leave after its input has ended.
const stopTime = 15 * time.Second

// Adapter is a program, or a part of this one, that does what steps say by one face. It reads a request a line and
// writes answers, a line each; see README.md. Its methods may be called by any goroutine.
type Adapter struct {
	// Face is what it says that it is.
	Face string

	verbs map[string]bool
	in    io.WriteCloser
	wait  func() error
	ended chan struct{} // closed when nothing more will be read

	mu      sync.Mutex
	lastID  int
	broken  error
	running map[string]*Pending
}

// Pending is a step under way.
type Pending struct {
	id string

	mu      sync.Mutex
	events  []any
	outcome Object
	changed chan struct{} // closed and replaced at each change
}

// StartCommand starts an adapter that is a program. The bridge's addresses are in its environment.
func StartCommand(ctx context.Context, face string, command []string, bridge *Bridge) (*Adapter, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // running it is what it was named for
	cmd.Env = append(os.Environ(), bridge.Environment()...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("adapter of face %q: %w", face, err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("adapter of face %q: %w", face, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("adapter of face %q: %w", face, err)
	}
	return newAdapter(face, in, out, cmd.Wait)
}

// StartFunc starts an adapter that is a function. It ends when its input does.
func StartFunc(face string, serve func(in io.Reader, out io.Writer) error) (*Adapter, error) {
	in, toAdapter := io.Pipe()
	fromAdapter, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := serve(in, out)
		_ = in.Close()
		out.CloseWithError(err)
		done <- err
	}()
	return newAdapter(face, toAdapter, fromAdapter, func() error { return <-done })
}

func newAdapter(face string, in io.WriteCloser, out io.Reader, wait func() error) (*Adapter, error) {
	a := &Adapter{Face: face, verbs: map[string]bool{}, in: in, wait: wait, ended: make(chan struct{}), running: map[string]*Pending{}}
	lines := bufio.NewReaderSize(out, 1<<16)
	first, err := lines.ReadBytes('\n')
	if err != nil {
		_ = in.Close()
		return nil, fmt.Errorf("adapter of face %q said nothing: %w", face, errors.Join(err, wait()))
	}
	var hello struct{ Verbs []string }
	if err := json.Unmarshal(first, &hello); err != nil || len(hello.Verbs) == 0 {
		_ = in.Close()
		return nil, fmt.Errorf(`adapter of face %q: its first line must be {"verbs": […]}, not %.100q`, face, first)
	}
	for _, verb := range hello.Verbs {
		a.verbs[verb] = true
	}
	go a.read(lines)
	return a, nil
}

// Can reports whether the adapter knows a verb.
func (a *Adapter) Can(verb string) bool { return a.verbs[verb] }

// Begin sends a request; its id is added.
func (a *Adapter) Begin(request Object) (*Pending, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken != nil {
		return nil, a.broken
	}
	a.lastID++
	p := &Pending{id: strconv.Itoa(a.lastID), changed: make(chan struct{})}
	line, err := Marshal(append(Object{{"id", json.Number(p.id)}}, request...))
	if err != nil {
		return nil, err
	}
	a.running[p.id] = p
	if _, err := a.in.Write(append(line, '\n')); err != nil {
		return nil, fmt.Errorf("adapter of face %q does not read: %w", a.Face, err)
	}
	return p, nil
}

// Close ends the adapter and says how it ended.
func (a *Adapter) Close() error {
	_ = a.in.Close()
	select {
	case <-a.ended:
	case <-time.After(stopTime):
		return fmt.Errorf("adapter of face %q goes on %s after its input has ended", a.Face, stopTime)
	}
	if err := a.wait(); err != nil {
		return fmt.Errorf("adapter of face %q: %w", a.Face, err)
	}
	return nil
}

func (a *Adapter) read(lines *bufio.Reader) {
	defer close(a.ended)
	for {
		line, err := lines.ReadBytes('\n')
		if err == nil {
			err = a.take(line)
		}
		if err != nil {
			a.breakWith(fmt.Errorf("adapter of face %q has left: %w", a.Face, err))
			return
		}
	}
}

func (a *Adapter) take(line []byte) error {
	answer, err := parseObject(line)
	if err != nil {
		return fmt.Errorf("%w in %.200q", err, line)
	}
	id := fmt.Sprint(answer.Get("id"))
	outcome, is := answer.Get("outcome").(Object)
	a.mu.Lock()
	p := a.running[id]
	if is {
		delete(a.running, id)
	}
	a.mu.Unlock()
	switch {
	case p == nil:
		return fmt.Errorf("nothing of id %s is under way: %.200q", id, line)
	case answer.Has("outcome") && !is:
		return fmt.Errorf("the outcome is no object: %.200q", line)
	case !is && !answer.Has("event"):
		return fmt.Errorf("want a member \"event\" or \"outcome\": %.200q", line)
	case is:
		p.change(nil, outcome)
	default:
		p.change(answer.Get("event"), nil)
	}
	return nil
}

func (a *Adapter) breakWith(why error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.broken = why
	for _, p := range a.running {
		p.change(nil, Object{{"adapter", why.Error()}})
	}
}

func (p *Pending) change(event any, outcome Object) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if outcome != nil {
		p.outcome = outcome
	} else {
		p.events = append(p.events, event)
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Pending) state() (events []any, outcome Object, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.events, p.outcome, p.changed
}

// Outcome waits for the end of the step.
func (p *Pending) Outcome(ctx context.Context) (Object, error) {
	for {
		events, outcome, changed := p.state()
		if outcome != nil {
			return outcome, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("no outcome after %d events, the last %s: %w", len(events), last(events), context.Cause(ctx))
		}
	}
}

// Event waits until there is an event at place from or later that wanted accepts, and returns it with its place.
func (p *Pending) Event(ctx context.Context, from int, wanted func(any) string) (any, int, error) {
	why := "there was none"
	for {
		events, outcome, changed := p.state()
		for ; from < len(events); from++ {
			wrong := wanted(events[from])
			if wrong == "" {
				return events[from], from, nil
			}
			why = wrong
		}
		if outcome != nil {
			return nil, from, fmt.Errorf("it ended with %s before the event came; of the last one: %s", shown(outcome), why)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, from, fmt.Errorf("the event did not come; of the last one: %s: %w", why, context.Cause(ctx))
		}
	}
}

func last(events []any) string {
	if len(events) == 0 {
		return "none"
	}
	return shown(events[len(events)-1])
}
