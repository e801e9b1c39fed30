package bridge_test

import (
	"context"
	"fmt"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridge"
)

// A Go program embeds a whole bridge and offers functions of its own in it.
func ExampleNew() {
	ctx := context.Background()
	double, err := bridge.NewFunction("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil },
		bridge.FunctionOptions{Description: "Doubles a number.", Idempotent: true})
	if err != nil {
		panic(err)
	}
	host, err := bridge.NewHost("embedded", double)
	if err != nil {
		panic(err)
	}
	b, err := bridge.New(bridge.Config{GRPC: "127.0.0.1:0", Memory: true, Hosts: []bridge.Host{host}})
	if err != nil {
		panic(err)
	}
	if err := b.Start(ctx); err != nil {
		panic(err)
	}
	defer func() { _ = b.Stop(ctx) }()

	client, err := toolbridge.Dial(ctx, b.Addr())
	if err != nil {
		panic(err)
	}
	defer func() { _ = client.Close() }()
	session, err := client.Session(ctx, "first")
	if err != nil {
		panic(err)
	}
	fmt.Println(toolbridge.Call[int](ctx, session, "double", 21))
	// Output: 42 <nil>
}
