// Echo is a worker process for the tests of other SDKs: it offers a tool, go_echo, that decodes what it gets, tables too,
// and returns it, one, go_rows, that takes the rows of a table as structs and makes a table of them again, and one, go_records, that takes
// them as maps and returns those, until it is told to end.
//
//	echo 127.0.0.1:50051
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// row is what go_rows has of a row.
type row struct {
	ID    int64     `bridge:"id"`
	Price float64   `bridge:"price"`
	Paid  *float64  `bridge:"paid"`
	Seats *int64    `bridge:"seats"`
	Open  *bool     `bridge:"open"`
	Name  string    `bridge:"name"`
	At    time.Time `bridge:"at"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 1 {
		return errors.New("want one argument, the bridge's address")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	client, err := toolbridge.Dial(ctx, arguments[0], toolbridge.WithCodec(value.New(value.With(frame.Extension()))))
	if err != nil {
		return err
	}
	worker := toolbridge.NewWorker(client)
	toolbridge.AddTool(worker, "go_echo", func(_ context.Context, v any) (any, error) { return v, nil },
		toolbridge.Description("Decodes the value, and returns it."), toolbridge.IsIdempotent())
	toolbridge.AddTool(worker, "go_rows", func(_ context.Context, rows []row) (*frame.Table, error) { return frame.FromStructs(rows) },
		toolbridge.Description("Reads a table row by row, and makes it again."), toolbridge.IsIdempotent())
	toolbridge.AddTool(worker, "go_records", func(_ context.Context, rows []map[string]any) ([]map[string]any, error) { return rows, nil },
		toolbridge.Description("Reads a table row by row, and returns the rows."), toolbridge.IsIdempotent())
	ran := make(chan error, 1)
	go func() { ran <- worker.Run(ctx) }()
	select {
	case err := <-ran:
		return err
	case <-worker.Ready():
	}
	fmt.Println("ready at", client.Address())
	return errors.Join(<-ran, client.Close())
}
