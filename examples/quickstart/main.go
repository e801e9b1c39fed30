// Command quickstart offers a Go function to every session and calls a tool by its name.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/grpc-tool-bridge/toolbridge"
)

type shouting struct {
	Text  string `bridge:"text" desc:"what to say"`
	Times int    `bridge:"times" default:"1" min:"1" max:"10"`
}

func shout(_ context.Context, in shouting) (string, error) {
	return strings.Repeat(strings.ToUpper(in.Text)+"! ", in.Times), nil
}

func run(address string) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	client, err := toolbridge.Dial(ctx, address)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()

	worker := toolbridge.NewWorker(client) // offer
	toolbridge.AddTool(worker, "shout", shout, toolbridge.Description("Says it louder."))
	go func() { _ = worker.Run(ctx) }()
	<-worker.Ready()

	session, err := client.Session(ctx, "hello") // call: Go, Python or whoever offers it
	if err != nil {
		return err
	}
	said, err := toolbridge.Call[string](ctx, session, "shout", "hello", toolbridge.Kw{"times": 2})
	fmt.Println(said)
	return err
}

func main() {
	if err := run(os.Args[1]); err != nil { // an address such as localhost:50051
		log.Fatal(err)
	}
}
