package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// telemetry is what metrics and traces cost: the same calls through bridges that tell different things.
func telemetry() scene {
	c := scene{name: "telemetry", open: telemetryGroups}
	for _, with := range []string{"metrics", "metrics and traces of none", "metrics and traces of 1 %"} {
		c.rows = append(c.rows, row{
			name: "a bridge with " + with + ", against one without", group: "telemetry", width: 64, of: rate, unit: "calls/s", ours: with, theirs: "off", reach: 0.95, paired: true,
		}, row{
			name: "a bridge with " + with + ", processor time of all processes, against one without", group: "telemetry", width: 64,
			of: processor, unit: "µs/call", ours: with, theirs: "off", atMost: true, look: true, paired: true,
		})
	}
	return c
}

func telemetryGroups(ctx context.Context, s *stage) []group {
	collector := s.part(ctx, "sink")
	// A few percent are to be told from the noise: long rounds, in slices of a quarter of a second.
	all := group{name: "telemetry", width: 64, main: true, long: 2, slices: 8}
	for _, one := range []struct {
		name  string
		flags []string
	}{
		{"off", nil},
		{"metrics", []string{"--metrics"}},
		{"metrics and traces of none", []string{"--metrics", "--otlp", "http://" + collector.at()}},
		{"metrics and traces of 1 %", []string{"--metrics", "--otlp", "http://" + collector.at(), "--trace-ratio", "0.01"}},
	} {
		bridge := s.serve(ctx, append([]string{"--memory", "--http", "127.0.0.1:0"}, one.flags...)...)
		worker := s.part(ctx, "worker", bridge.at())
		session := s.session(ctx, bridge)
		if s.err != nil {
			return nil
		}
		run := loop(overLink(session, goEcho))
		if len(one.flags) > 0 {
			run = s.scraped(bridge, run)
		}
		if s.err != nil {
			return nil
		}
		all.sides = append(all.sides, side{one.name, run, []*process{bridge, worker}})
	}
	return []group{all}
}

// scrapeEvery is after how much time of being measured a bridge's metrics are read, as a Prometheus would that wants them often.
const scrapeEvery = time.Second

// scraped measures a bridge that has its metrics read meanwhile.
func (s *stage) scraped(bridge *process, run measuring) measuring {
	at, err := bridge.lineWith("http on ")
	if err != nil {
		s.err = err
		return nil
	}
	s.closers = append(s.closers, func() error { http.DefaultClient.CloseIdleConnections(); return nil })
	return whileScraped(at+"/metrics", run)
}

// whileScraped measures, and reads a page once in so much time of that, whose slices may be shorter.
func whileScraped(page string, run measuring) measuring {
	var since time.Duration
	return func(ctx context.Context, width int, d time.Duration) (sample, error) {
		if since += d; since < scrapeEvery {
			return run(ctx, width, d)
		}
		since = 0
		read := make(chan error, 1)
		go func() { read <- readPage(ctx, page) }()
		got, err := run(ctx, width, d)
		return got, errors.Join(err, <-read)
	}
}

func readPage(ctx context.Context, page string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if answer.StatusCode != http.StatusOK {
		err = errors.Join(err, fmt.Errorf("%s answered %s", page, answer.Status))
	}
	return errors.Join(err, answer.Body.Close())
}
