// Command embed is a Go program with a bridge of its own: it offers a Go function to every session, serves until it is
// interrupted, and keeps nothing.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/bridge"
)

type greeting struct {
	Name string `bridge:"name" desc:"whom to greet"`
}

func greet(_ context.Context, in greeting) (string, error) {
	return "Hello, " + strings.TrimSpace(in.Name) + "!", nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	function, err := bridge.NewFunction("greet", greet, bridge.FunctionOptions{Description: "Greets somebody.", Idempotent: true})
	if err != nil {
		return err
	}
	host, err := bridge.NewHost("embed", function)
	if err != nil {
		return err
	}
	b, err := bridge.New(bridge.Config{GRPC: "127.0.0.1:0", Memory: true, Hosts: []bridge.Host{host}})
	if err != nil {
		return err
	}
	if err := b.Start(ctx); err != nil {
		return err
	}
	fmt.Println("listening on", b.Addr())
	<-ctx.Done()
	leaving, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return b.Stop(leaving)
}
