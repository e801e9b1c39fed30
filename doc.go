// Package toolbridge is the Go SDK of Toolbridge: through a bridge, programs in different languages offer tools to
// each other and call them, inside sessions that hold tools and variables.
//
// Calling:
//
//	client, err := toolbridge.Dial(ctx, "localhost:50051")
//	session, err := client.Session(ctx, "report-7")
//	sum, err := toolbridge.Call[int](ctx, session, "add_numbers", 2, 40)
//	for chunk, err := range toolbridge.Stream[string](ctx, session, "summarize", text) { … }
//
// Offering:
//
//	worker := toolbridge.NewWorker(client)
//	toolbridge.AddTool(worker, "add_numbers", func(ctx context.Context, in struct{ A, B int }) (int, error) {
//		return in.A + in.B, nil
//	})
//	err := worker.Run(ctx)
//
// Values are Go values and arrive as what they are in every language; see package value. Every error is a
// *tool.Error, whose code says what happened and whether another attempt may help; see package tool.
//
// A client keeps one connection, over which it calls and its workers answer. Everything here may be used by any number
// of goroutines unless its comment says otherwise.
package toolbridge
