// Command run runs the conformance scenarios: by the four faces that this repository has, or by an adapter of your own.
//
//	go run ./conformance/run                                    every scenario by every face; docs/conformance.md is written
//	go run ./conformance/run -only "values: *" -face grpc       some of them
//	go run ./conformance/run -adapter "mine=node adapter.js"    another face, besides those of -face
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/conformance"
	"github.com/grpc-tool-bridge/toolbridge/conformance/gosdk"
)

// options are what the command line says.
type options struct {
	repository, bridge, python string // paths
	only, faces, adapter       string
	table                      string // file to be written; "" for none
}

func main() {
	var o options
	flag.StringVar(&o.repository, "repository", ".", "the repository's folder")
	flag.StringVar(&o.bridge, "bridge", orElse(os.Getenv("TOOLBRIDGE_BIN"), "bin/toolbridge"), "the bridge's program")
	flag.StringVar(&o.python, "python", orElse(os.Getenv("TOOLBRIDGE_PYTHON"), ".venv/bin/python"), "a Python that has the SDK")
	flag.StringVar(&o.only, "only", "", "scenarios whose name contains this, or matches it where it has stars")
	flag.StringVar(&o.faces, "face", "go,python,grpc,http", "by which faces")
	flag.StringVar(&o.adapter, "adapter", "", "a face of your own, and the command that is its adapter: name=command")
	flag.StringVar(&o.table, "table", "", "write the table to this file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := o.run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// run runs the scenarios and says what came of them. What fails is an error.
func (o *options) run(ctx context.Context, out io.Writer) error {
	topics, err := conformance.Load(os.DirFS(filepath.Join(o.repository, "conformance", "scenarios")))
	if err != nil {
		return err
	}
	started := time.Now()
	faces, results, err := o.results(ctx, o.selected(topics))
	if err != nil {
		return err
	}
	if o.table != "" {
		if err := os.WriteFile(o.table, []byte(conformance.Table(topics, faces, results)), 0o644); err != nil { //nolint:gosec // a document
			return fmt.Errorf("write the table: %w", err)
		}
	}
	failed := conformance.Failures(results)
	fmt.Fprint(out, failed, summary(faces, results, time.Since(started)))
	if failed != "" {
		return errors.New("conformance FAILED")
	}
	return nil
}

func (o *options) selected(topics []*conformance.Topic) []*conformance.Scenario {
	var out []*conformance.Scenario
	for _, topic := range topics {
		for _, s := range topic.Scenarios {
			if conformance.Selected(o.only, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

// results runs scenarios by all faces at once, by each one after the other.
func (o *options) results(ctx context.Context, scenarios []*conformance.Scenario) (faces []string, results []conformance.Result, err error) {
	runner, err := conformance.NewRunner(os.DirFS(o.repository))
	if err != nil {
		return nil, nil, err
	}
	folder, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	bridge, err := conformance.StartBridge(ctx, o.bridge, folder)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, bridge.Stop()) }()
	leave, err := gosdk.Stage(ctx, bridge.GRPC)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, leave()) }()
	adapters, err := o.adapters(ctx, bridge)
	defer func() {
		for _, a := range adapters {
			err = errors.Join(err, a.Close())
		}
	}()
	if err != nil {
		return nil, nil, err
	}
	for _, a := range adapters {
		faces = append(faces, a.Face)
	}
	return faces, runAll(ctx, runner, adapters, scenarios), nil
}

func runAll(ctx context.Context, runner *conformance.Runner, adapters []*conformance.Adapter, scenarios []*conformance.Scenario) []conformance.Result {
	results := make([]conformance.Result, len(adapters)*len(scenarios))
	var running sync.WaitGroup
	for i, a := range adapters {
		running.Go(func() {
			for j, s := range scenarios {
				results[i*len(scenarios)+j] = runner.Run(ctx, s, a)
			}
		})
	}
	running.Wait()
	return results
}

// adapters starts one for each face, in the order in which they were named.
func (o *options) adapters(ctx context.Context, bridge *conformance.Bridge) (adapters []*conformance.Adapter, err error) {
	for face := range strings.SplitSeq(o.faces, ",") {
		if face == "" {
			continue
		}
		a, err := o.start(ctx, face, bridge)
		if err != nil {
			return adapters, err
		}
		adapters = append(adapters, a)
	}
	if o.adapter == "" {
		return adapters, nil
	}
	face, command, named := strings.Cut(o.adapter, "=")
	if !named || len(strings.Fields(command)) == 0 {
		return adapters, fmt.Errorf("-adapter is %q: want name=command", o.adapter)
	}
	a, err := conformance.StartCommand(ctx, face, strings.Fields(command), bridge)
	if err != nil {
		return adapters, err
	}
	return append(adapters, a), nil
}

func (o *options) start(ctx context.Context, face string, bridge *conformance.Bridge) (*conformance.Adapter, error) {
	switch face {
	case "go":
		return conformance.StartFunc(face, func(in io.Reader, out io.Writer) error { return gosdk.Serve(bridge.GRPC, in, out) })
	case "python", "grpc", "http":
		file := filepath.Join(o.repository, "conformance", "python", "face_"+face+".py")
		return conformance.StartCommand(ctx, face, []string{o.python, file}, bridge)
	default:
		return nil, fmt.Errorf("there is no face %q: known are go, python, grpc and http", face)
	}
}

func summary(faces []string, results []conformance.Result, took time.Duration) string {
	var b strings.Builder
	for _, face := range faces {
		passed, failed, not := 0, 0, 0
		for _, r := range results {
			switch {
			case r.Face != face:
			case r.NotHere != "":
				not++
			case r.Err != nil:
				failed++
			default:
				passed++
			}
		}
		fmt.Fprintf(&b, "%-8s %3d passed, %d failed, %d not for it\n", face, passed, failed, not)
	}
	fmt.Fprintf(&b, "in %s\n", took.Round(100*time.Millisecond))
	return b.String()
}
