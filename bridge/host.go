package bridge

import (
	"context"

	"github.com/grpc-tool-bridge/toolbridge/internal/local"
	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// Host offers tools from the bridge's own process and runs their calls. NewHost makes one of Go functions.
//
// Call and Stream block until the call has ended, may be called by any number of goroutines, and end soon after ctx
// does. Errors are *tool.Error; any other becomes Internal.
type Host interface {
	// Identity names the host; unique among the hosts of a bridge.
	Identity() string
	// Specs are the tools that it offers, in the order in which they are listed.
	Specs() []*tool.Spec
	// Call runs a call that wants one result.
	Call(ctx context.Context, call *tool.Call) (tool.Result, error)
	// Stream runs a call that wants chunks: it calls send for each, in order, and waits for it.
	Stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error)
}

// Function is a typed Go function as a tool.
type Function struct{ tool *typed.Tool }

// FunctionOptions describe a Function beyond what its signature says.
type FunctionOptions struct {
	// Description is for people and models.
	Description string
	// Idempotent tools may be run again when it is not known whether they ran.
	Idempotent bool
}

// NewFunction makes a tool of a function. In is a struct whose fields are the arguments, or one value; see package
// toolbridge's AddTool for the tags. An error tells what in the signature cannot be offered.
func NewFunction[In, Out any](name string, fn func(context.Context, In) (Out, error), o FunctionOptions) (Function, error) {
	t, err := typed.New(name, fn, o.typed())
	return Function{t}, err
}

// NewStreamingFunction makes a streaming tool of a function that yields its results.
func NewStreamingFunction[In, Out any](name string, fn func(ctx context.Context, in In, yield func(Out) error) error, o FunctionOptions) (Function, error) {
	t, err := typed.NewStreaming(name, fn, o.typed())
	return Function{t}, err
}

func (o FunctionOptions) typed() typed.Options {
	return typed.Options{Codec: value.New(), Description: o.Description, Idempotent: o.Idempotent}
}

// NewHost makes a host of Go functions. Two of one name are an error.
func NewHost(identity string, functions ...Function) (Host, error) {
	tools := make([]*typed.Tool, len(functions))
	for i, f := range functions {
		tools[i] = f.tool
	}
	return local.New(identity, tools...)
}
