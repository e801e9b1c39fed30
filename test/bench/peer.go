package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/grpc-tool-bridge/toolbridge"
)

// The names of the echo tools, one for each language that hosts one. demoEcho is the bridge's own.
const (
	goEcho     = "go_echo"
	pythonEcho = "python_echo"
	demoEcho   = "echo_tool"
)

// runPeer is what this program does in a process of its own: it plays one part until its standard input ends.
func runPeer(ctx context.Context, part string, args []string, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends when the parent does, however that happens
		cancel()
	}()
	switch {
	case part == "echo" && len(args) == 0:
		return serve(ctx, out, echo{})
	case part == "relay" && len(args) == 1:
		conn, err := dial(args[0])
		if err != nil {
			return err
		}
		defer conn.Close() //nolint:errcheck // the process ends
		return serve(ctx, out, relay{to: conn})
	case part == "worker" && len(args) == 1:
		return work(ctx, args[0], out)
	default:
		return fmt.Errorf("unknown part %q with arguments %q: want echo, relay ADDRESS or worker ADDRESS", part, args)
	}
}

// dial connects with gRPC's defaults.
func dial(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
}

// serve serves an echo with gRPC's defaults on a port that the kernel chooses.
func serve(ctx context.Context, out io.Writer, s echoServer) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	server.RegisterService(echoService(), s)
	stop := context.AfterFunc(ctx, server.Stop)
	defer stop()
	if err := ready(out, listener.Addr().String()); err != nil {
		return err
	}
	return server.Serve(listener)
}

// work hosts the echo tool of a Go worker.
func work(ctx context.Context, address string, out io.Writer) error {
	client, err := toolbridge.Dial(ctx, address)
	if err != nil {
		return err
	}
	defer client.Close() //nolint:errcheck // the process ends
	worker := toolbridge.NewWorker(client)
	toolbridge.AddTool(worker, goEcho, func(_ context.Context, text string) (string, error) { return text, nil })
	go func() {
		select {
		case <-worker.Ready():
			_ = ready(out, address)
		case <-ctx.Done():
		}
	}()
	return worker.Run(ctx)
}

// ready tells the parent that this process can be measured, and where.
func ready(out io.Writer, address string) error {
	_, err := fmt.Fprintf(out, "listening on %s\n", address)
	return err
}
