package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
)

// runPeer is what this program does in a process of its own: it plays one part until its standard input ends.
func runPeer(ctx context.Context, part string, args []string, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if part == profiledPart && len(args) > 0 {
		if err := serveProfiles(ctx, out); err != nil {
			return err
		}
		part, args = args[0], args[1:]
	}
	play, found := roles()[part]
	if !found {
		return fmt.Errorf("unknown part %q: want one of %s", part, strings.Join(slices.Sorted(maps.Keys(roles())), ", "))
	}
	if len(args) != len(play.wants) {
		return fmt.Errorf("part %q with arguments %q: want %s", part, args, strings.Join(play.wants, " "))
	}
	if play.asked != nil {
		return play.asked(ctx, args, os.Stdin, out)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends when the parent does, however that happens
		cancel()
	}()
	return play.run(ctx, args, out)
}

// role is a part that a process of this program plays.
type role struct {
	wants []string
	run   func(ctx context.Context, args []string, out io.Writer) error
	// asked, instead of run, measures itself when it is asked to, until there are no more questions.
	asked func(ctx context.Context, args []string, in io.Reader, out io.Writer) error
}

// roles are all there are.
func roles() map[string]role {
	return map[string]role{
		"echo":     alone(func(ctx context.Context, out io.Writer) error { return serve(ctx, out, echo{}) }),
		"mcp":      alone(serveMCP),
		"json":     alone(serveJSON),
		"sink":     alone(serveSink),
		"awake":    alone(keepAwake),
		"etcd":     {wants: []string{"FOLDER"}, asked: serveEtcd},
		"relay":    {wants: []string{"ADDRESS"}, run: relayTo},
		"worker":   {wants: []string{"ADDRESS"}, run: func(ctx context.Context, args []string, out io.Writer) error { return work(ctx, args[0], out) }},
		"links":    many(connectMany),
		"sessions": many(createMany),
		"tools":    many(hostMany),
	}
}

// alone is a role that needs to know nothing.
func alone(run func(ctx context.Context, out io.Writer) error) role {
	return role{run: func(ctx context.Context, _ []string, out io.Writer) error { return run(ctx, out) }}
}

// many is a role that makes many of something at a bridge.
func many(run func(ctx context.Context, address string, count int, out io.Writer) error) role {
	return role{wants: []string{"ADDRESS", "COUNT"}, run: func(ctx context.Context, args []string, out io.Writer) error {
		count, err := strconv.Atoi(args[1])
		if err != nil {
			return fmt.Errorf("COUNT is %q: want a number", args[1])
		}
		return run(ctx, args[0], count, out)
	}}
}

func relayTo(ctx context.Context, args []string, out io.Writer) error {
	conn, err := dial(args[0])
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // the process ends
	return serve(ctx, out, relay{to: conn})
}

// dial connects with gRPC's defaults.
func dial(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
}

// serve serves an echo with gRPC's defaults.
func serve(ctx context.Context, out io.Writer, s echoServer) error {
	server := grpc.NewServer()
	server.RegisterService(echoService(), s)
	return listen(ctx, out, server)
}

// serveSink takes whatever it is sent and answers with an empty message, as a collector of traces would.
func serveSink(ctx context.Context, out io.Writer) error {
	return listen(ctx, out, grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		if err := stream.RecvMsg(new(emptypb.Empty)); err != nil {
			return err
		}
		return stream.SendMsg(new(emptypb.Empty))
	})))
}

// listen serves on a port that the kernel chooses.
func listen(ctx context.Context, out io.Writer, server *grpc.Server) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, server.Stop)
	defer stop()
	if err := ready(out, listener.Addr().String()); err != nil {
		return err
	}
	return server.Serve(listener)
}

// ready tells the parent that this process can be measured, and where.
func ready(out io.Writer, address string) error {
	_, err := fmt.Fprintf(out, "listening on %s\n", address)
	return err
}
