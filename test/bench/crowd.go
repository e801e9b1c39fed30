package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// crowd is a scene with a bridge that has many of something, and an empty one beside it.
type crowd struct {
	what  string // "links"
	count int
	// most is how many bytes each may take; 0 for no goal.
	most float64
	// store are the flags that say where the bridges keep their state.
	store func(s *stage) []string
	// more measures more of the crowded bridge.
	more func(b *process) []group
	rows []row
}

// links, tools and sessions are what there may be many of.
func links() scene {
	idle := row{name: "processor time of an idle bridge with 1,000 links", group: "idle links", of: single, unit: "% of a core", ours: "bridge", reach: 2, atMost: true}
	return crowd{what: "links", count: 1_000, store: inMemory, rows: []row{idle}, more: func(b *process) []group {
		return []group{{name: "idle links", once: true, long: 30, sides: []side{{"bridge", idleTime(b), nil}}}}
	}}.scene()
}

func tools() scene { return crowd{what: "tools", count: 10_000, store: inMemory}.scene() }

func sessions() scene {
	return crowd{what: "sessions", count: 100_000, most: 4096, store: func(s *stage) []string { return []string{"--data", s.folder()} }}.scene()
}

func inMemory(*stage) []string { return []string{"--memory"} }

func (c crowd) scene() scene {
	many := fmt.Sprintf("%s %s", thousands(c.count), c.what)
	rows := append([]row{
		{name: "memory in use for each of " + many, group: "memory of " + c.what, of: single, unit: "bytes", ours: "in use", reach: c.most, atMost: true, look: c.most == 0},
		{name: "anonymous memory of the process for each of " + many, group: "memory of " + c.what, of: single, unit: "bytes", ours: "anonymous", reach: c.most, atMost: true, look: c.most == 0},
		{name: "a call through a bridge with " + many + ", against an empty one", group: "with " + c.what, width: 1, of: p50, unit: "p50 ms", ours: "crowded", theirs: "empty", reach: 1.3, atMost: true},
	}, c.rows...)
	return scene{name: c.what, rows: rows, open: c.open}
}

func (c crowd) open(ctx context.Context, s *stage) []group {
	s.long = true
	empty, toEmpty := c.bridge(ctx, s)
	crowded, toCrowded := c.bridge(ctx, s)
	before := heldBy(ctx, s, crowded.bridge)
	count := s.plan.scaled(c.count)
	s.part(ctx, c.what, crowded.bridge.at(), strconv.Itoa(count))
	after := heldBy(ctx, s, crowded.bridge)
	if s.err != nil {
		return nil
	}
	each := func(name string, before, after float64) side {
		return side{name, known((after - before) / float64(count)), nil}
	}
	all := []group{
		{name: "memory of " + c.what, once: true, sides: []side{each("in use", before.inUse, after.inUse), each("anonymous", before.anonymous, after.anonymous)}},
		{name: "with " + c.what, width: 1, sides: []side{{"empty", toEmpty, empty.peers()}, {"crowded", toCrowded, crowded.peers()}}},
	}
	if c.more != nil {
		all = append(all, c.more(crowded.bridge)...)
	}
	return all
}

// pair is a bridge and its worker.
type pair struct{ bridge, worker *process }

func (p pair) peers() []*process { return []*process{p.bridge, p.worker} }

// bridge starts a bridge with profiles, a worker and a caller, which has called once.
func (c crowd) bridge(ctx context.Context, s *stage) (pair, measuring) {
	p := pair{bridge: s.serve(ctx, append(c.store(s), "--debug", "127.0.0.1:0")...)}
	p.worker = s.part(ctx, "worker", p.bridge.at())
	session := s.session(ctx, p.bridge)
	if s.err != nil {
		return p, nil
	}
	run := loop(overLink(session, goEcho))
	_, s.err = run(ctx, 1, time.Millisecond)
	return p, run
}

// idleTime is the processor time that a process uses of its own accord, in percent of a core.
func idleTime(p *process) measuring {
	return func(ctx context.Context, _ int, d time.Duration) (sample, error) {
		before, err := processorTime(p.command.Process.Pid)
		if err != nil {
			return sample{}, err
		}
		began := time.Now()
		if err := wait(ctx, d); err != nil {
			return sample{}, err
		}
		after, err := processorTime(p.command.Process.Pid)
		return sample{Value: 100 * (after - before).Seconds() / time.Since(began).Seconds()}, err
	}
}

// holding is how many bytes of memory a process has: heap and stacks in use, and its anonymous memory, in which is also what
// the runtime keeps for later.
type holding struct{ inUse, anonymous float64 }

// heldBy is what memory a bridge holds after collections.
func heldBy(ctx context.Context, s *stage, bridge *process) (held holding) {
	if s.err != nil {
		return held
	}
	if s.err = bridge.findDebug(); s.err != nil {
		return held
	}
	for range 2 { // what pools held is let go by the second collection
		var text string
		if text, s.err = fetch(ctx, bridge.debug+"heap?gc=1&debug=1"); s.err == nil {
			held.inUse, s.err = parseHeld(text)
		}
	}
	if s.err == nil {
		held.anonymous, s.err = anonymousMemory(bridge.command.Process.Pid)
	}
	return held
}

func fetch(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close() //nolint:errcheck // it was read to its end
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", url, response.Status)
	}
	return string(text), err
}

// parseHeld reads the runtime's figures at the end of a heap profile.
func parseHeld(profile string) (float64, error) {
	var held float64
	for _, name := range []string{"HeapInuse", "Stack"} {
		found := regexp.MustCompile(`(?m)^# ` + name + ` = (\d+)`).FindStringSubmatch(profile)
		if found == nil {
			return 0, fmt.Errorf("a heap profile without %s: want the form of debug=1", name)
		}
		n, err := strconv.ParseFloat(found[1], 64)
		if err != nil {
			return 0, err
		}
		held += n
	}
	return held, nil
}

// thousands writes a number with commas.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = strings.Join([]string{text[:i], text[i:]}, ",")
	}
	return text
}
