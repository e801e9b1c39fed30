package main

import (
	"context"
	"fmt"

	"github.com/schollz/progressbar/v3"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

type streamVerb struct{ calling }

// Run calls a tool and prints its results, one a line, as they come.
func (v *streamVerb) Run(ctx context.Context, s *shell, common *common) error {
	arguments, err := s.arguments(v.Arguments)
	if err != nil {
		return err
	}
	return common.withLink(ctx, s, func(ctx context.Context, session *toolbridge.Session) error {
		view, metrics := v.view(session, common)
		bar := newProgress(s)
		defer bar.end()
		for chunk, err := range toolbridge.Stream[tool.Value](ctx, view, v.Tool, arguments...) {
			if err != nil {
				return v.timed(s, metrics, err)
			}
			if err := v.print(s, chunk); err != nil {
				return err
			}
			bar.add(chunk.Size())
		}
		if v.Time {
			return printMetrics(s, *metrics)
		}
		return nil
	})
}

func (v *streamVerb) print(s *shell, chunk tool.Value) error {
	if s.json {
		return s.document(form{chunk, s})
	}
	return s.show(chunk)
}

// printMetrics writes beside the chunks, so that they stay what they are.
func printMetrics(s *shell, metrics tool.Metrics) error {
	_, err := fmt.Fprintln(s.stderr, metricsText(metrics))
	return err
}

// progress shows a person how much has come while the chunks go elsewhere.
type progress struct{ bar *progressbar.ProgressBar }

func newProgress(s *shell) *progress {
	if s.json || terminal(s.stdout) || !terminal(s.stderr) {
		return &progress{}
	}
	return &progress{progressbar.NewOptions64(-1,
		progressbar.OptionSetWriter(s.stderr), progressbar.OptionShowBytes(true), progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(), progressbar.OptionSetDescription("received"))}
}

func (p *progress) add(bytes int) {
	if p.bar != nil {
		_ = p.bar.Add(bytes) // a bar that cannot be drawn is no reason to end a stream
	}
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish() // as above
	}
}
