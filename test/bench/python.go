package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// asked is one round that a caller in another process, mostly one of Python, is told to run; it answers with a sample.
type asked struct {
	Way     string  `json:"way"`
	Width   int     `json:"width"`
	Seconds float64 `json:"seconds"`
	// Rate asks for so many calls a second, whatever the earlier ones do; 0 for as many as it goes.
	Rate float64 `json:"rate,omitempty"`
	// Patience is for how many seconds it then waits for what is not answered yet.
	Patience float64 `json:"patience,omitempty"`
}

// pythonRate measures a caller that runs in a process of Python at a fixed rate.
func pythonRate(p *process, way string) pacing {
	return func(rate float64, patience time.Duration) measuring {
		return func(ctx context.Context, width int, d time.Duration) (sample, error) {
			if rate <= 0 {
				return sample{}, fmt.Errorf("a rate of %g calls a second: want above 0", rate)
			}
			return p.ask(ctx, asked{Way: way, Width: width, Seconds: d.Seconds(), Rate: rate, Patience: patience.Seconds()})
		}
	}
}

// answered is what it answers.
type answered struct {
	sample
	Error string `json:"error"`
}

// measuredBy measures a caller that runs in another process, as fast as it goes.
func measuredBy(p *process, way string) measuring {
	return func(ctx context.Context, width int, d time.Duration) (sample, error) {
		return p.ask(ctx, asked{Way: way, Width: width, Seconds: d.Seconds()})
	}
}

// ask asks the process. It gives up a round that lasts too long by itself; one that does not even do that is ended with ctx.
func (p *process) ask(ctx context.Context, question asked) (sample, error) {
	stop := context.AfterFunc(ctx, func() { _ = p.command.Process.Kill() })
	defer stop()
	got, err := ask(p.stdin, p.lines, question)
	if err != nil {
		return sample{}, fmt.Errorf("%s, %q: %w", p.name, question.Way, err)
	}
	return got, nil
}

// ask sends one line of JSON and reads one.
func ask(to io.Writer, from *bufio.Reader, question asked) (sample, error) {
	if err := json.NewEncoder(to).Encode(question); err != nil {
		return sample{}, err
	}
	line, err := from.ReadBytes('\n')
	if err != nil {
		return sample{}, err
	}
	var answer answered
	if err := json.Unmarshal(line, &answer); err != nil {
		return sample{}, fmt.Errorf("it answered %q: %w", line, err)
	}
	if answer.Error != "" {
		return sample{}, errors.New(answer.Error)
	}
	return answer.sample, nil
}
