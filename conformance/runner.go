package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"
)

// patience is how long a step may take.
const patience = 60 * time.Second

// Result is what came of a scenario by one face.
type Result struct {
	// Scenario that was run.
	Scenario *Scenario
	// Face by which.
	Face string
	// NotHere says why the scenario does not apply to the face; "" where it does.
	NotHere string
	// Err is why it failed.
	Err error
	// Took is how long it ran.
	Took time.Duration
}

// Runner runs scenarios.
type Runner struct {
	vectors map[string]any
	errors  map[string]row
}

// NewRunner makes a runner; the repository has the error table and the vectors.
func NewRunner(repository fs.FS) (*Runner, error) {
	rows, err := loadErrors(repository)
	if err != nil {
		return nil, err
	}
	vectors, err := loadVectors(repository)
	return &Runner{vectors: vectors, errors: rows}, err
}

// Run runs a scenario by one face.
func (r *Runner) Run(ctx context.Context, s *Scenario, a *Adapter) Result {
	result := Result{Scenario: s, Face: a.Face, NotHere: s.Not[a.Face]}
	if result.NotHere != "" {
		return result
	}
	started := time.Now()
	result.Err = r.run(ctx, s, a)
	result.Took = time.Since(started)
	return result
}

func (r *Runner) run(ctx context.Context, s *Scenario, a *Adapter) error {
	for i, step := range s.Steps {
		if inner, is := s.Case.Get("step").(Object); is && step.Text("do") == "same" {
			step = inner
		}
		if verb := step.Text("do"); !own(verb) && !a.Can(verb) {
			return fmt.Errorf("step %d: the adapter of face %q cannot %q: implement it, or say in the scenario's \"not\" why the face has no part in it", i+1, a.Face, verb)
		}
	}
	session := fmt.Sprintf("cf-%s-%016x", a.Face, rand.Uint64()) //nolint:gosec // a name that is not taken, no secret
	p := &play{
		runner: r, adapter: a, session: session, named: map[string]*Pending{}, seen: map[string]int{},
		filler: filler{known: map[string]any{"s": session, "face": a.Face}, vectors: r.vectors},
	}
	defer p.cleanUp(ctx, s)
	if err := p.prepare(ctx, s); err != nil {
		return err
	}
	for i, step := range s.Steps {
		if err := p.step(ctx, step); err != nil {
			return fmt.Errorf("step %d (%s): %w", i+1, step.Text("do"), err)
		}
	}
	return nil
}

// own reports whether a verb is the runner's and not the adapters'.
func own(verb string) bool { return verb == "await" || verb == "see" || verb == "pause" }

// play is one run of a scenario.
type play struct {
	runner  *Runner
	adapter *Adapter
	session string
	named   map[string]*Pending // steps under way, by name
	seen    map[string]int      // how many events of each have been looked at
	filler  filler
}

// prepare fills in the case's placeholders and begins the scenario's session.
func (p *play) prepare(ctx context.Context, s *Scenario) error {
	for _, m := range s.Case {
		value, err := p.filler.fill(m.Value)
		if err != nil {
			return err
		}
		p.filler.known[m.Name] = value
	}
	if s.NoSession {
		return nil
	}
	outcome, err := p.ask(ctx, Object{{"do", "initialize"}, {"session", p.session}})
	if err == nil && outcome.Has("error") {
		err = fmt.Errorf("%s", shown(outcome))
	}
	if err != nil {
		return fmt.Errorf("initialize the session: %w", err)
	}
	return nil
}

// cleanUp ends what the scenario may have left: sessions, running steps, tools that were offered.
func (p *play) cleanUp(ctx context.Context, s *Scenario) {
	for _, pending := range p.named {
		if _, outcome, _ := pending.state(); outcome == nil {
			_, _ = p.ask(ctx, Object{{"do", "cancel"}, {"of", json.Number(pending.id)}})
		}
	}
	for _, step := range s.Steps {
		if step.Text("do") == "offer" {
			_, _ = p.ask(ctx, append(Object{{"do", "withdraw"}}, step.without("do", "expect", "as", "session", "tools", "save")...))
		}
	}
	if !s.NoSession {
		_, _ = p.ask(ctx, Object{{"do", "cleanup"}, {"session", p.session}, {"force", true}})
	}
}

func (p *play) ask(ctx context.Context, request Object) (Object, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	pending, err := p.adapter.Begin(request)
	if err != nil {
		return nil, err
	}
	return pending.Outcome(ctx)
}

func (p *play) step(ctx context.Context, step Object) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	filled, err := p.filler.fill(step)
	if err != nil {
		return err
	}
	step, is := filled.(Object)
	if !is {
		return fmt.Errorf("the step is no object: %s", shown(filled))
	}
	if inner, is := step.Get("step").(Object); is && step.Text("do") == "same" {
		step = append(append(Object{}, inner...), step.without("do", "step")...)
	}
	switch step.Text("do") {
	case "await":
		pending, err := p.running(step)
		if err != nil {
			return err
		}
		return p.judge(ctx, step, pending)
	case "see":
		return p.see(ctx, step)
	case "pause":
		return pause(ctx, step)
	}
	request, err := p.request(step)
	if err != nil {
		return err
	}
	pending, err := p.adapter.Begin(request)
	if err != nil {
		return err
	}
	if name := step.Text("as"); name != "" {
		p.named[name] = pending
		return nil
	}
	return p.judge(ctx, step, pending)
}

// request is what an adapter is told of a step.
func (p *play) request(step Object) (Object, error) {
	request := step.without("as", "expect", "save", "note")
	if step.Has("of") {
		pending, err := p.running(step)
		if err != nil {
			return nil, err
		}
		request = append(request.without("of"), Member{"of", json.Number(pending.id)})
	}
	if !step.Has("session") {
		request = append(request, Member{"session", p.session})
	}
	return request, nil
}

func (p *play) running(step Object) (*Pending, error) {
	pending := p.named[step.Text("of")]
	if pending == nil {
		return nil, fmt.Errorf("no step has the name %q (\"as\")", step.Text("of"))
	}
	return pending, nil
}

// pause waits where only time makes a difference: for what must not happen.
func pause(ctx context.Context, step Object) error {
	ms, err := number(step.Get("ms"))
	if err != nil {
		return err
	}
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// see waits for events of a step under way, each after the one before; others between them are passed over.
func (p *play) see(ctx context.Context, step Object) error {
	pending, err := p.running(step)
	if err != nil {
		return err
	}
	name := step.Text("of")
	var found []any
	for _, want := range items(step.Get("events")) {
		event, at, err := pending.Event(ctx, p.seen[name], func(got any) string { return Match(want, got) })
		if err != nil {
			return fmt.Errorf("want %s: %w", shown(want), err)
		}
		p.seen[name] = at + 1
		found = append(found, event)
	}
	return p.save(step, found)
}

// judge waits for a step's outcome and compares it with what is expected.
func (p *play) judge(ctx context.Context, step Object, pending *Pending) error {
	outcome, err := pending.Outcome(ctx)
	if err != nil {
		return err
	}
	expected, _ := step.Get("expect").(Object)
	for _, bad := range []string{"error", "broken", "adapter"} {
		if outcome.Has(bad) && !expected.Has(bad) {
			return fmt.Errorf("it failed: %s", shown(Object{{bad, outcome.Get(bad)}}))
		}
	}
	if wrong := Match(expected, outcome); wrong != "" {
		return fmt.Errorf("%s", wrong)
	}
	if failure, is := outcome.Get("error").(Object); is {
		if wrong := lawful(p.adapter.Face, p.runner.errors, failure); wrong != "" {
			return fmt.Errorf("%s: %s", wrong, shown(outcome))
		}
	}
	return p.save(step, outcome)
}

// save keeps parts of an outcome as placeholders for the steps that follow.
func (p *play) save(step Object, outcome any) error {
	wanted, _ := step.Get("save").(Object)
	for _, m := range wanted {
		value, found := at(outcome, strings.Split(fmt.Sprint(m.Value), "."))
		if !found {
			return fmt.Errorf("there is no %q to save in %s", m.Value, shown(outcome))
		}
		p.filler.known[m.Name] = value
	}
	return nil
}

// at follows names and places into a document.
func at(document any, path []string) (any, bool) {
	if len(path) == 0 {
		return document, true
	}
	switch d := document.(type) {
	case Object:
		if d.Has(path[0]) {
			return at(d.Get(path[0]), path[1:])
		}
	case []any:
		for i, item := range d {
			if fmt.Sprint(i) == path[0] {
				return at(item, path[1:])
			}
		}
	}
	return nil, false
}

// Selected reports whether a scenario's name matches a pattern with stars, such as "values: *".
func Selected(pattern string, s *Scenario) bool {
	matched, err := filepath.Match(strings.ReplaceAll(pattern, "/", "|"), strings.ReplaceAll(s.ID(), "/", "|"))
	return pattern == "" || (err == nil && matched) || strings.Contains(s.ID(), pattern)
}
