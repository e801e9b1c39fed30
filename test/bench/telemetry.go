package main

import "context"

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
		bridge := s.serve(ctx, append([]string{"--memory"}, one.flags...)...)
		worker := s.part(ctx, "worker", bridge.at())
		session := s.session(ctx, bridge)
		if s.err != nil {
			return nil
		}
		all.sides = append(all.sides, side{one.name, loop(overLink(session, goEcho)), []*process{bridge, worker}})
	}
	return []group{all}
}
