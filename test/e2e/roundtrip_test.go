package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
	"github.com/grpc-tool-bridge/toolbridge/value/frame/frametest"
	"github.com/grpc-tool-bridge/toolbridge/value/valuetest"
)

// together is how many values a check sends, each in a call of its own, at once. rapid makes 100 checks, so that 1,000
// values go each way, and 10,000 in the longer form.
func together() int {
	if os.Getenv("TOOLBRIDGE_TEST_FULL") != "" {
		return 100
	}
	return 10
}

// pythonEcho has the tool py_echo, in a Python process.
const pythonEcho = "py_echo"

func TestEveryValueOfGoComesBackFromPython(t *testing.T) {
	processes(t)
	b := serve(t, "--memory")
	pythonWorker(t, b.address)
	s := session(t, b.address, "values")
	awaitTools(t, s, pythonEcho)
	values := valuetest.Values(frametest.Kinds()...)
	t.Run("over the link", func(t *testing.T) {
		t.Parallel()
		everyValue(t, values, fromPython, linked(s))
	})
	t.Run("over plain RPCs", func(t *testing.T) {
		t.Parallel()
		plain := session(t, b.address, "values", toolbridge.WithoutLink())
		everyValue(t, values, fromPython, linked(plain))
	})
	t.Run("as JSON over HTTP", func(t *testing.T) {
		t.Parallel()
		everyValue(t, values, fromPython, overHTTP(t, b))
	})
	t.Run("as a table", func(t *testing.T) {
		t.Parallel()
		tables := rapid.Map(valuetest.Of(frametest.Kinds()...), func(v any) *frame.Table { return v.(*frame.Table) })
		everyValue(t, tables, frametest.Difference, func(ctx context.Context, sent *frame.Table) (*frame.Table, error) {
			return toolbridge.Call[*frame.Table](ctx, s, pythonEcho, sent)
		})
	})
}

// everyValue sends generated values around, and compares what comes back. On a failure rapid says how to have it again.
func everyValue[T any](t *testing.T, values *rapid.Generator[T], difference func(T, T) string, around func(context.Context, T) (T, error)) {
	t.Helper()
	rapid.Check(t, func(rt *rapid.T) {
		sent := rapid.SliceOfN(values, together(), together()).Draw(rt, "values")
		failed := make([]error, len(sent))
		var calls sync.WaitGroup
		for i := range sent {
			calls.Go(func() {
				got, err := around(t.Context(), sent[i])
				if err == nil {
					err = unlike(difference(sent[i], got))
				}
				if err != nil {
					failed[i] = fmt.Errorf("value %d: %w", i, err)
				}
			})
		}
		calls.Wait()
		require.NoError(rt, errors.Join(failed...))
	})
}

func fromPython(sent, got any) string {
	return frametest.ValueDifference(valuetest.FromPython(sent), got)
}

// unlike makes an error of a difference, if there is one.
func unlike(difference string) error {
	if difference == "" {
		return nil
	}
	return errors.New(difference)
}

func linked(s *toolbridge.Session) func(context.Context, any) (any, error) {
	return func(ctx context.Context, v any) (any, error) { return s.Call(ctx, pythonEcho, v) }
}

// overHTTP sends a value in its JSON form, as a program would that has no SDK.
func overHTTP(t *testing.T, b *bridge) func(context.Context, any) (any, error) {
	t.Helper()
	root := strings.Fields(strings.SplitN(b.await("http on "), "http on ", 2)[1])[0]
	codec := value.New(value.With(frame.Extension()))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: together()}}
	t.Cleanup(client.CloseIdleConnections)
	return func(ctx context.Context, v any) (any, error) {
		text, err := codec.EncodeJSON(v)
		if err != nil {
			return nil, err
		}
		body := []byte(`{"args":[` + string(text) + `]}`)
		url := root + "/api/sessions/values/tools/" + pythonEcho + "/execute"
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := client.Do(request)
		if err != nil {
			return nil, err
		}
		answer, err := io.ReadAll(response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			return nil, err
		}
		var result struct{ Result json.RawMessage }
		if err := json.Unmarshal(answer, &result); err != nil || response.StatusCode != http.StatusOK {
			return nil, errors.Join(err, fmt.Errorf("status %d: %s", response.StatusCode, answer))
		}
		return codec.DecodeJSON(result.Result)
	}
}
