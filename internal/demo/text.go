package demo

import (
	"context"
	"math/big"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

type anything struct {
	Value any `bridge:"value" desc:"any value"`
}

func echo(_ context.Context, in anything) (any, error) { return in.Value, nil }

type description struct {
	Type  string `bridge:"type"`
	Value any    `bridge:"value"`
}

func describe(_ context.Context, in anything) (description, error) {
	return description{Type: typeName(in.Value), Value: in.Value}, nil
}

// typeName names the type of a decoded value as tools declare it; what cannot be declared has the name of its type URL.
func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case []byte:
		return "bytes"
	case []any:
		return "list"
	case *value.Dict:
		return "dict"
	case proto.Message:
		return "message"
	case value.Opaque:
		return v.TypeURL[strings.LastIndexByte(v.TypeURL, '/')+1:]
	default:
		return rareTypeName(v)
	}
}

func rareTypeName(v any) string {
	switch v.(type) {
	case value.Tuple:
		return "tuple"
	case value.Set, value.FrozenSet:
		return "set"
	case time.Time, value.LocalDateTime:
		return "datetime"
	case value.Date:
		return "date"
	case value.TimeOfDay:
		return "time"
	case time.Duration, value.Timedelta:
		return "timedelta"
	case value.Decimal:
		return "Decimal"
	case value.UUID:
		return "UUID"
	case value.Enum:
		return "Enum"
	case value.Record:
		return "record"
	default:
		return "any"
	}
}

type text struct {
	Text string `bridge:"text" desc:"any text"`
}

func upper(_ context.Context, in text) (string, error) { return strings.ToUpper(in.Text), nil }

func fast(_ context.Context, in text) (string, error) { return in.Text, nil }

type task struct {
	Task string `bridge:"task" desc:"names the task"`
}

func wait(ctx context.Context, in task) (string, error) {
	return in.Task, pause(ctx, 20*time.Millisecond)
}

// pause waits, unless the call ends before.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// flaky fails the first call, the third, and so on. Its error is one that every SDK retries when it is asked to.
type flaky struct{ calls atomic.Int64 }

type flakyIn struct {
	Text string `bridge:"text" default:"success" desc:"what a call that does not fail returns"`
}

func (f *flaky) call(_ context.Context, in flakyIn) (string, error) {
	if f.calls.Add(1)%2 == 1 {
		return "", tool.Errorf(tool.RateLimitExceeded, "tool \"flaky_tool\" refuses every other call: call it again").WithRetryAfter(10 * time.Millisecond)
	}
	return in.Text, nil
}

func backwards(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}
