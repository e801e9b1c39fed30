package toolbridge_test

import (
	"context"
	"fmt"
	"time"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// A session can be created for one owner alone, with a time to live of its own; whoever comes second is told so.
func ExampleClient_Session() {
	ctx := context.Background()
	client, stop := startBridge(ctx)
	defer stop()

	session, err := client.Session(ctx, "job-1", toolbridge.CreateOnly(), toolbridge.TTL(10*time.Minute),
		toolbridge.SessionMetadata(map[string]string{"team": "blue"}))
	if err != nil {
		panic(err)
	}
	fmt.Println(session.ID(), session.Created())

	_, err = client.Session(ctx, "job-1", toolbridge.CreateOnly())
	fmt.Println(tool.CodeOf(err))
	// Output:
	// job-1 true
	// SessionAlreadyExists
}

// A session lists the tools that it sees, in the order in which they were registered, each with its arguments.
func ExampleSession_Tools() {
	ctx := context.Background()
	client, stop := startBridge(ctx)
	defer stop()
	session, err := client.Session(ctx, "report-7")
	if err != nil {
		panic(err)
	}

	tools, err := session.Tools(ctx)
	if err != nil {
		panic(err)
	}
	for _, t := range tools {
		if t.Name() == "add_numbers" {
			for _, a := range t.Spec().Arguments {
				fmt.Println(t.Name(), a.Name, a.Type)
			}
		}
	}
	// Output:
	// add_numbers a int
	// add_numbers b int
}

// A batch can be read as its items finish; each says which item it is.
func ExampleSession_BatchStream() {
	ctx := context.Background()
	client, stop := startBridge(ctx)
	defer stop()
	session, err := client.Session(ctx, "report-7")
	if err != nil {
		panic(err)
	}

	items := []toolbridge.Item{toolbridge.ItemOf("add_numbers", 1, 2), toolbridge.ItemOf("add_numbers", 3, 4)}
	sums := make([]any, len(items))
	for result, err := range session.BatchStream(ctx, items) {
		if err != nil {
			panic(err)
		}
		sums[result.Index] = result.Value
	}
	fmt.Println(sums)
	// Output: [3 7]
}
