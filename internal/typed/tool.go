package typed

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/memory"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// Tool is a typed Go function that takes and gives encoded values. It never changes and may be called by any number
// of goroutines, as the function must be.
type Tool struct {
	spec  tool.Spec
	plan  *plan
	codec Codec
	// plain encodes the results of calls that want plain values.
	plain Codec
	limit int
	// run decodes, calls the function and hands each result to emit.
	run func(ctx context.Context, call *tool.Call, emit emitter) error
	// one returns the only result instead; nil for a tool that streams.
	one func(ctx context.Context, call *tool.Call) (any, error)
}

// emitter takes a result of the function: the only one, or one of a stream.
type emitter func(v any) error

// New makes a tool of a function that returns one result. An error means that the function can never be a tool: it
// says which argument is wrong and why.
func New[In, Out any](name string, fn func(context.Context, In) (Out, error), o Options) (*Tool, error) {
	t, err := newTool(name, reflect.TypeFor[In](), reflect.TypeFor[Out](), tool.Standard, o)
	if err != nil {
		return nil, err
	}
	t.one = func(ctx context.Context, call *tool.Call) (any, error) {
		var in In
		if err := t.plan.bind(ctx, t.spec.Name, t.codec, call, reflect.ValueOf(&in).Elem()); err != nil {
			return nil, err
		}
		return guard(ctx, t, call, func() (Out, error) { return fn(ctx, in) })
	}
	t.run = func(ctx context.Context, call *tool.Call, emit emitter) error {
		out, err := t.one(ctx, call)
		if err != nil {
			return err
		}
		return emit(out)
	}
	return t, nil
}

// NewStreaming makes a tool of a function that yields results as it makes them. Yield blocks while the reader is
// slow; it fails once nobody reads any more, and the function should then return.
func NewStreaming[In, Out any](name string, fn func(ctx context.Context, in In, yield func(Out) error) error, o Options) (*Tool, error) {
	t, err := newTool(name, reflect.TypeFor[In](), reflect.TypeFor[Out](), tool.Streaming, o)
	if err != nil {
		return nil, err
	}
	t.run = func(ctx context.Context, call *tool.Call, emit emitter) error {
		var in In
		if err := t.plan.bind(ctx, t.spec.Name, t.codec, call, reflect.ValueOf(&in).Elem()); err != nil {
			return err
		}
		_, err := guard(ctx, t, call, func() (struct{}, error) {
			return struct{}{}, fn(ctx, in, func(out Out) error { return emit(out) })
		})
		return err
	}
	return t, nil
}

// guard runs a user's function: a panic is an error, and errors are the product's.
func guard[Out any](ctx context.Context, t *Tool, call *tool.Call, fn func() (Out, error)) (out Out, err error) {
	defer func() {
		if e := recovered(t.spec.Name, recover(), call); e != nil {
			err = e
		}
	}()
	out, err = fn()
	if err != nil {
		err = t.failure(ctx, err)
	}
	return out, err
}

func newTool(name string, in, out reflect.Type, kind tool.Type, o Options) (*Tool, error) {
	if o.Codec == nil {
		return nil, fmt.Errorf("tool %q: Options.Codec is required", name)
	}
	if err := tool.CheckName("tool", name); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	t := &Tool{spec: o.spec(name, kind), codec: o.Codec, plain: plainCodec(o.Codec), limit: o.MaxValueBytes}
	if err := t.describe(in, out, o); err != nil {
		return nil, fmt.Errorf("tool %q: %w", name, err)
	}
	return t, nil
}

// describe makes the plan and the parts of the specification that follow from the signature.
func (t *Tool) describe(in, out reflect.Type, o Options) error {
	if why := cannotCross(out); why != "" {
		return fmt.Errorf("result: %s", why)
	}
	if err := checkNames(out, map[reflect.Type]bool{}); err != nil {
		return fmt.Errorf("result: %w", err)
	}
	p, err := newPlan(in, o)
	if err != nil {
		return err
	}
	t.plan, t.spec.ReturnType = p, typeName(out)
	if out.Kind() == reflect.Pointer && t.spec.ReturnType != "message" {
		t.spec.ReturnType = "any" // a result has no way to say that it may be none
	}
	if o.InputSchema == "" {
		if t.spec.InputSchema, err = p.inputSchema(o.Codec); err != nil {
			return err
		}
	}
	if o.OutputSchema == "" {
		if t.spec.OutputSchema, err = outputSchema(out); err != nil {
			return err
		}
	}
	if err := p.compileChecks(t.spec.InputSchema, o.InputSchema != ""); err != nil {
		return err
	}
	for i := range p.fields {
		t.spec.Arguments = append(t.spec.Arguments, p.fields[i].Argument)
	}
	if err := t.spec.Check(); err != nil {
		return err
	}
	return nil
}

// Spec returns a copy of what the tool offers.
func (t *Tool) Spec() *tool.Spec {
	s := t.spec
	return &s
}

// Call runs the function for a caller who wants one result. That of a streaming tool is the list of its chunks,
// together within the limit of one value. The metrics hold Execute.
func (t *Tool) Call(ctx context.Context, call *tool.Call) (tool.Result, error) {
	started := time.Now()
	var out tool.Value
	call, err := t.whole(ctx, call)
	switch {
	case err != nil:
	case t.spec.Type == tool.Streaming:
		out, err = t.collect(ctx, call)
	default:
		var v any
		if v, err = t.one(ctx, call); err == nil {
			out, err = t.answer(ctx, call, v)
		}
	}
	return tool.Result{Value: out, Metrics: tool.Metrics{Execute: time.Since(started)}}, err
}

// collect runs a streaming function and makes one list of what it yields.
func (t *Tool) collect(ctx context.Context, call *tool.Call) (tool.Value, error) {
	items, size := []any{}, 0
	var broken error
	err := t.run(ctx, call, func(v any) error {
		if broken != nil {
			return broken
		}
		encoded, err := t.encode(call, v)
		if size += encoded.Size(); err == nil && size > t.limit {
			err = t.tooLarge("the list of its chunks", size)
		}
		items, broken = append(items, v), err
		return err
	})
	if broken != nil {
		return tool.Value{}, broken
	}
	if err != nil {
		return tool.Value{}, err
	}
	return t.encode(call, items)
}

// Stream runs the function for a caller who wants chunks: it calls send for each, in order, and waits for it. A tool
// that does not stream sends its result as the only chunk. An error of send ends the call and is returned, whatever
// the function makes of it.
func (t *Tool) Stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	started := time.Now()
	var broken error
	call, err := t.whole(ctx, call)
	if err != nil {
		return tool.Metrics{}, err
	}
	err = t.run(ctx, call, func(v any) error {
		if broken != nil {
			return broken
		}
		var out tool.Chunk
		if out, broken = t.chunk(call, v); broken == nil {
			broken = send(out)
		}
		return broken
	})
	if broken != nil {
		err = broken
	}
	return tool.Metrics{Execute: time.Since(started)}, err
}

// chunk encodes a chunk within the limit: long bytes or text into memory that may be used again.
func (t *Tool) chunk(call *tool.Call, v any) (tool.Chunk, error) {
	var block *memory.Block
	codec, ours := t.codecFor(call).(*value.Codec)
	if n := length(v) + value.HeadBytes; ours && n > memory.Least && n <= t.limit {
		block = memory.Get(n)
	}
	if block == nil {
		out, err := t.encode(call, v)
		return tool.Chunk{Value: out}, err
	}
	out, err := codec.EncodeInto(block.Bytes(), v)
	if err != nil {
		return tool.Chunk{}, t.cannotEncode(err)
	}
	return tool.Chunk{Value: out, Release: block.Release}, nil
}

// length is that of bytes or a text; 0 for anything else.
func length(v any) int {
	switch v := v.(type) {
	case []byte:
		return len(v)
	case string:
		return len(v)
	default:
		return 0
	}
}

// encode encodes a result within the limit.
func (t *Tool) encode(call *tool.Call, v any) (tool.Value, error) {
	out, err := t.encodeOpen(call, v)
	if err == nil && out.Size() > t.limit {
		return tool.Value{}, t.tooLarge(partOf(out), out.Size())
	}
	return out, err
}

// partOf names what a tool yields, and the way for a table that does not fit.
func partOf(out tool.Value) string {
	if tool.IsTable(out.TypeURL) {
		return "a table, which may be larger only as the whole result of a call over a link,"
	}
	return "its result"
}

// encodeOpen encodes a result within the codec's own limit.
func (t *Tool) encodeOpen(call *tool.Call, v any) (tool.Value, error) {
	out, err := t.encodeAny(call, v)
	if err != nil {
		return tool.Value{}, t.cannotEncode(err)
	}
	return out, nil
}

func (t *Tool) cannotEncode(err error) error {
	var known *tool.Error
	if errors.As(err, &known) && known.Code == tool.MessageTooLarge { // the codec stopped in the middle: the size is not known
		return tool.Errorf(tool.MessageTooLarge, "the result of tool %q: %s", t.spec.Name, known.Message).
			With("tool", t.spec.Name).With("limit", known.Details["limit"])
	}
	e := tool.Errorf(tool.SerializationError, "the result of tool %q cannot be encoded: %s", t.spec.Name, reason(err))
	e.Cause = err
	return placed(e.With("tool", t.spec.Name), err)
}

func (t *Tool) encodeAny(call *tool.Call, v any) (tool.Value, error) {
	switch v := v.(type) {
	case tool.Value:
		return v, nil
	case struct{}:
		return t.codecFor(call).Encode(nil)
	default:
		return t.codecFor(call).Encode(v)
	}
}

// codecFor returns what encodes for a caller.
func (t *Tool) codecFor(call *tool.Call) Codec {
	if call.PlainValues {
		return t.plain
	}
	return t.codec
}

// plainCodec returns a codec like the given one that encodes plainly, as far as it knows how.
func plainCodec(codec Codec) Codec {
	if c, ok := codec.(*value.Codec); ok {
		return c.Configured(value.Plain())
	}
	return codec
}

func (t *Tool) tooLarge(what string, size int) error {
	return tool.Errorf(tool.MessageTooLarge, "message too large: tool %q: %s has %d value bytes, the limit is %d: return less, or stream it in chunks",
		t.spec.Name, what, size, t.limit).With("limit", strconv.Itoa(t.limit)).With("tool", t.spec.Name)
}
