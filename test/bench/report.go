package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"text/tabwriter"
	"time"
)

// report is what a run found.
type report struct {
	Rounds       int      `json:"rounds"`
	RoundSeconds float64  `json:"round_seconds"`
	Processors   int      `json:"processors"`
	Go           string   `json:"go"`
	Seconds      float64  `json:"seconds"`
	Missing      []string `json:"missing,omitempty"`
	Figures      []figure `json:"figures"`
	Results      []result `json:"results"`
}

func newReport(p plan, results []result, missing []string, took time.Duration) report {
	r := report{
		Rounds: p.rounds, RoundSeconds: p.round.Seconds(), Processors: runtime.NumCPU(), Go: runtime.Version(),
		Seconds: took.Seconds(), Missing: missing, Results: results,
	}
	for _, row := range rows() {
		if f, measured := row.figure(results); measured {
			r.Figures = append(r.Figures, f)
		}
	}
	return r
}

func (r report) writeJSON(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600) //nolint:gosec // the path is the user's own
}

// print writes the table for people.
func (r report) print(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nwhat\tat a time\tunit\tours\ttheirs\tratio\tspread\twanted\t\tCPU µs/call, ours : theirs")
	reached := 0
	for _, f := range r.Figures {
		verdict := "not reached"
		if f.Reached {
			verdict = "reached"
			reached++
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%.2f\t%.2f to %.2f\t%s\t%s\t%s : %s\n",
			f.Name, f.Width, f.Unit, number(f.Ours), number(f.Theirs), f.Ratio, f.Low, f.High, f.want(), verdict, number(f.Processor), number(f.TheirProcessor))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%d of %d reached; medians of %d rounds of %.2fs a side in turn, spread over the rounds, %d processors, %.0fs\n",
		reached, len(r.Figures), r.Rounds, r.RoundSeconds, r.Processors, r.Seconds)
	for _, what := range r.Missing {
		if err == nil {
			_, err = fmt.Fprintln(out, "not measured:", what)
		}
	}
	return err
}

// number is short and has the digits that count.
func number(n float64) string {
	switch {
	case n == 0:
		return "-"
	case n < 10:
		return fmt.Sprintf("%.3f", n)
	case n < 100:
		return fmt.Sprintf("%.1f", n)
	default:
		return fmt.Sprintf("%.0f", n)
	}
}
