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

// asked is one round that a caller in Python is told to run; it answers with a sample.
type asked struct {
	Way     string  `json:"way"`
	Width   int     `json:"width"`
	Seconds float64 `json:"seconds"`
	// Rate asks for so many calls a second, whatever the earlier ones do; 0 for as many as it goes.
	Rate float64 `json:"rate,omitempty"`
}

// pythonRate does the same at a fixed rate.
func pythonRate(p *process, way string) pacing {
	return func(rate float64) measuring {
		return func(_ context.Context, width int, d time.Duration) (sample, error) {
			got, err := ask(p.stdin, p.lines, asked{Way: way, Width: width, Seconds: d.Seconds(), Rate: rate})
			if err != nil {
				return sample{}, fmt.Errorf("%s, %s, %.0f a second: %w", p.name, way, rate, err)
			}
			return got, nil
		}
	}
}

// answered is what it answers.
type answered struct {
	sample
	Error string `json:"error"`
}

// pythonWay measures a caller that runs in the process of caller.py.
func pythonWay(p *process, way string) measuring {
	return func(_ context.Context, width int, d time.Duration) (sample, error) {
		got, err := ask(p.stdin, p.lines, asked{Way: way, Width: width, Seconds: d.Seconds()})
		if err != nil {
			return sample{}, fmt.Errorf("%s, %s: %w", p.name, way, err)
		}
		return got, nil
	}
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
