package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Sizes on both sides of the limits of 10 MiB a call and 1 MiB a variable.
const (
	mebibyte        = 1 << 20
	valueFits       = 9 * mebibyte
	valueTooMuch    = 11 * mebibyte
	variableFits    = mebibyte * 9 / 10
	variableTooMuch = mebibyte * 11 / 10
)

// tooLarge is how every refusal of a size begins.
const tooLarge = "message too large"

// sizesOf says how a caller sends, makes and receives so many bytes; each function returns how many arrived.
type sizesOf map[string]func(ctx context.Context, size int) (int, error)

// TestSizeLimitsHoldOnEveryWay sends 9 MiB and 11 MiB wherever values travel: the former arrive, the latter are refused.
func TestSizeLimitsHoldOnEveryWay(t *testing.T) {
	processes(t)
	b := serve(t, "--demo", "--memory", "--http", "127.0.0.1:0")
	goWorker(t, b.address, 8)
	pythonWorker(t, b.address)
	for way, options := range map[string][]toolbridge.DialOption{"link": nil, "plain RPC": {toolbridge.WithoutLink()}} {
		s := session(t, b.address, "sizes by "+way, options...)
		awaitTools(t, s, "go_make", "py_make")
		for host, name := range map[string]string{"Go": "go_make", "Python": "py_make"} {
			t.Run(way+" to "+host, func(t *testing.T) {
				t.Parallel()
				requireLimits(t, valueFits, valueTooMuch, goSizes(s, strings.TrimSuffix(name, "make")))
			})
		}
		t.Run(way+" to the bridge's own tool", func(t *testing.T) {
			t.Parallel()
			requireLimits(t, valueFits, valueTooMuch, sizesOf{"argument": func(ctx context.Context, size int) (int, error) {
				text, err := toolbridge.Call[string](ctx, s, "echo_tool", strings.Repeat("x", size))
				return len(text), err
			}})
		})
		t.Run(way+", a variable", func(t *testing.T) {
			t.Parallel()
			requireLimits(t, variableFits, variableTooMuch, sizesOf{"variable": func(ctx context.Context, size int) (int, error) {
				if _, err := s.Set(ctx, "big", strings.Repeat("x", size)); err != nil {
					return 0, err
				}
				text, err := toolbridge.Get[string](ctx, s, "big")
				return len(text), err
			}})
		})
	}
	t.Run("HTTP", func(t *testing.T) {
		t.Parallel()
		web := newWeb(t, b, "sizes by link")
		requireLimits(t, valueFits, valueTooMuch, web.sizes())
		requireLimits(t, variableFits, variableTooMuch, sizesOf{"variable": web.variable})
	})
}

// requireLimits sends both sizes every way.
func requireLimits(t *testing.T, fits, tooMuch int, ways sizesOf) {
	t.Helper()
	for name, send := range ways {
		arrived, err := send(t.Context(), fits)
		require.NoError(t, err, "%s of %d bytes", name, fits)
		require.Equal(t, fits, arrived, name)
		_, err = send(t.Context(), tooMuch)
		e := failure(t, err, tool.MessageTooLarge, tooLarge)
		require.False(t, e.Retryable, name)
		if limit := e.Details["limit"]; limit != "" {
			require.Contains(t, []string{strconv.Itoa(10 * mebibyte), strconv.Itoa(mebibyte)}, limit, name)
		}
		arrived, err = send(t.Context(), 1024)
		require.NoError(t, err, "%s after a refusal", name)
		require.Equal(t, 1024, arrived, name)
	}
}

// goSizes are the ways of the Go SDK to the tools of a worker whose names begin so.
func goSizes(s *toolbridge.Session, prefix string) sizesOf {
	return sizesOf{
		"argument": func(ctx context.Context, size int) (int, error) {
			text, err := toolbridge.Call[string](ctx, s, prefix+"echo", strings.Repeat("x", size))
			return len(text), err
		},
		"result": func(ctx context.Context, size int) (int, error) {
			text, err := toolbridge.Call[string](ctx, s, prefix+"make", size)
			return len(text), err
		},
		"chunk": func(ctx context.Context, size int) (arrived int, err error) {
			for text, err := range toolbridge.Stream[string](ctx, s, prefix+"make_chunk", size) {
				if err != nil {
					return arrived, err
				}
				arrived += len(text)
			}
			return arrived, nil
		},
		"batch": func(ctx context.Context, size int) (arrived int, err error) {
			half := strings.Repeat("x", size/2)
			results, err := s.Batch(ctx, []toolbridge.Item{toolbridge.ItemOf(prefix+"echo", half), toolbridge.ItemOf(prefix+"echo", half)})
			for _, r := range results {
				var text string
				if err := r.Into(&text); err != nil {
					return arrived, err
				}
				arrived += len(text)
			}
			return arrived, err
		},
	}
}

func TestWhatIsTooLargeIsRefusedBeforeItIsSent(t *testing.T) {
	processes(t)
	b := serve(t, "--demo", "--memory")
	for way, options := range map[string][]toolbridge.DialOption{"link": nil, "plain RPC": {toolbridge.WithoutLink()}} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			wire := newProxy(t, b.address)
			s := session(t, wire.address, "refused early by "+way, options...)
			text := strings.Repeat("x", valueTooMuch)
			_, err := s.Call(t.Context(), "echo_tool", text)
			failed(t, err, tool.MessageTooLarge, tooLarge)
			for _, err := range s.Stream(t.Context(), "echo_tool", text) {
				failed(t, err, tool.MessageTooLarge, tooLarge)
			}
			results, err := s.Batch(t.Context(), []toolbridge.Item{toolbridge.ItemOf("echo_tool", text), toolbridge.ItemOf("echo_tool", "small")})
			require.NoError(t, err)
			failed(t, results[0].Err, tool.MessageTooLarge, tooLarge)
			require.NoError(t, results[1].Err, "an item that is too large harms no other")
			_, err = s.Set(t.Context(), "big", text)
			failed(t, err, tool.MessageTooLarge, tooLarge)
			require.Less(t, wire.carried(), int64(mebibyte))
		})
	}
}

// web is a caller without any SDK.
type web struct {
	client *http.Client
	root   string // of the session
}

func newWeb(t *testing.T, b *bridge, session string) *web {
	t.Helper()
	at := strings.Fields(strings.SplitN(b.await("http on "), "http on ", 2)[1])[0]
	w := &web{client: &http.Client{Transport: &http.Transport{}}, root: at + "/api/sessions/" + strings.ReplaceAll(session, " ", "%20")}
	t.Cleanup(w.client.CloseIdleConnections)
	return w
}

// ask makes a request and returns the answer, or the error of its problem document.
func (w *web) ask(ctx context.Context, method, path string, body any) ([]byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, w.root+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := w.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // only read
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode < http.StatusBadRequest {
		return answer, err
	}
	return nil, problem(answer)
}

// problem is the error that a problem document, or the last line of a stream, describes.
func problem(document []byte) error {
	var p struct {
		Code, Detail string
		Retryable    bool
		Details      map[string]string
	}
	if err := json.Unmarshal(document, &p); err != nil {
		return err
	}
	return &tool.Error{Code: tool.Code(p.Code), Message: p.Detail, Retryable: p.Retryable, Details: p.Details}
}

func (w *web) sizes() sizesOf {
	return sizesOf{
		"argument": func(ctx context.Context, size int) (int, error) {
			return w.result(ctx, "go_echo", strings.Repeat("x", size))
		},
		"result": func(ctx context.Context, size int) (int, error) { return w.result(ctx, "go_make", size) },
		"chunk":  w.chunk,
		"batch":  w.batch,
	}
}

func (w *web) result(ctx context.Context, name string, argument any) (int, error) {
	answer, err := w.ask(ctx, http.MethodPost, "/tools/"+name+"/execute", map[string]any{"args": []any{argument}})
	if err != nil {
		return 0, err
	}
	var found struct{ Result string }
	err = json.Unmarshal(answer, &found)
	return len(found.Result), err
}

func (w *web) chunk(ctx context.Context, size int) (arrived int, err error) {
	answer, err := w.ask(ctx, http.MethodPost, "/tools/go_make_chunk/stream", map[string]any{"args": []any{size}})
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(answer) {
		var found struct {
			Data  string
			Error json.RawMessage
		}
		if err := json.Unmarshal(line, &found); err != nil {
			return arrived, err
		}
		if found.Error != nil {
			return arrived, problem(found.Error)
		}
		arrived += len(found.Data)
	}
	return arrived, nil
}

func (w *web) batch(ctx context.Context, size int) (arrived int, err error) {
	half := map[string]any{"tool_id": "go_echo", "args": []any{strings.Repeat("x", size/2)}}
	answer, err := w.ask(ctx, http.MethodPost, "/tools/batch", map[string]any{"requests": []any{half, half}})
	if err != nil {
		return 0, err
	}
	var found struct{ Results []struct{ Result string } }
	if err := json.Unmarshal(answer, &found); err != nil {
		return 0, err
	}
	for _, r := range found.Results {
		arrived += len(r.Result)
	}
	return arrived, nil
}

func (w *web) variable(ctx context.Context, size int) (int, error) {
	if _, err := w.ask(ctx, http.MethodPut, "/variables/web", map[string]any{"value": strings.Repeat("x", size)}); err != nil {
		return 0, err
	}
	answer, err := w.ask(ctx, http.MethodGet, "/variables/web", nil)
	if err != nil {
		return 0, err
	}
	var found struct{ Value string }
	err = json.Unmarshal(answer, &found)
	return len(found.Value), err
}
