package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/demo"
	"github.com/grpc-tool-bridge/toolbridge/internal/gateway"
	"github.com/grpc-tool-bridge/toolbridge/internal/memstore"
)

func TestMain(m *testing.M) {
	// The search library keeps workers for as long as the process lives.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/blevesearch/bleve_index_api.AnalysisWorker"))
}

// desk is a gateway of a test's own, in front of a broker with the demo tools, and a client of it.
type desk struct {
	t       *testing.T
	broker  *broker.Broker
	gateway *gateway.Gateway
	url     string
	host    string
	client  *http.Client
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	return newDeskWith(t, gateway.Config{}, broker.Limits{})
}

func newDeskWith(t *testing.T, cfg gateway.Config, limits broker.Limits, hosts ...broker.Host) *desk {
	t.Helper()
	b, err := broker.New(broker.Config{Store: memstore.New(), Logger: slog.New(slog.DiscardHandler), Limits: limits, ReattachGrace: 50 * time.Millisecond})
	require.NoError(t, err)
	require.NoError(t, b.Start(t.Context()))
	tools, err := demo.New()
	require.NoError(t, err)
	at, err := b.Attach(tools, broker.AttachOptions{Local: true})
	require.NoError(t, err)
	_, err = at.Register(t.Context(), tools.Specs())
	require.NoError(t, err)
	cfg.Broker = b
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	g, err := gateway.New(cfg)
	require.NoError(t, err)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- g.Serve(l) }()
	transport := &http.Transport{}
	d := &desk{t: t, broker: b, gateway: g, host: l.Addr().String(), url: "http://" + l.Addr().String(), client: &http.Client{Transport: transport}}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		g.Close(ctx)
		require.NoError(t, <-served)
		transport.CloseIdleConnections()
		require.NoError(t, b.Stop(ctx))
	})
	return d
}

// givenTime makes an attempt with twice the time of the one before, until what has to happen in that time did.
func givenTime(t *testing.T, first time.Duration, inTime func(limit time.Duration) bool) {
	t.Helper()
	for limit := first; !inTime(limit); limit *= 2 {
		require.Less(t, limit, time.Minute, "it never happened in time")
	}
}

// answer is what came back.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// request makes a request with a JSON body, if it is not empty. Headers are given in pairs.
func (d *desk) request(method, path, body string, headers ...string) *http.Request {
	d.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, reader)
	require.NoError(d.t, err)
	if method == http.MethodPost || method == http.MethodPut {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// open makes a request whose answer the caller reads.
func (d *desk) open(method, path, body string, headers ...string) *http.Response {
	d.t.Helper()
	response, err := d.client.Do(d.request(method, path, body, headers...))
	require.NoError(d.t, err)
	return response
}

func (d *desk) do(method, path, body string, headers ...string) *answer {
	d.t.Helper()
	response := d.open(method, path, body, headers...)
	defer func() { _ = response.Body.Close() }() // only read
	text, err := io.ReadAll(response.Body)
	require.NoError(d.t, err)
	return &answer{d.t, response.StatusCode, response.Header, string(text)}
}

func (d *desk) get(path string, headers ...string) *answer {
	d.t.Helper()
	return d.do(http.MethodGet, path, "", headers...)
}

func (d *desk) post(path, body string, headers ...string) *answer {
	d.t.Helper()
	return d.do(http.MethodPost, path, body, headers...)
}

// session creates a session and returns its path.
func (d *desk) session(id string) string {
	d.t.Helper()
	d.post("/api/sessions", `{"session_id": "`+id+`"}`).is(http.StatusCreated)
	return "/api/sessions/" + id
}

// is demands a status.
func (a *answer) is(status int) *answer {
	a.t.Helper()
	require.Equal(a.t, status, a.status, a.body)
	return a
}

// into reads the body as JSON, digits kept.
func (a *answer) into(target any) {
	a.t.Helper()
	require.NoError(a.t, decode(a.body, target), a.body)
}

func (a *answer) object() map[string]any {
	a.t.Helper()
	var document map[string]any
	a.into(&document)
	return document
}

// refused demands a problem document of that status and code, and returns it.
func (a *answer) refused(status int, code string) map[string]any {
	a.t.Helper()
	a.is(status)
	require.Equal(a.t, "application/problem+json", a.header.Get("Content-Type"))
	p := a.object()
	require.Equal(a.t, code, p["code"], a.body)
	require.Equal(a.t, "urn:toolbridge:error:"+code, p["type"])
	require.Equal(a.t, json.Number(itoa(status)), p["status"])
	require.NotEmpty(a.t, p["title"])
	require.NotEmpty(a.t, p["detail"])
	require.Contains(a.t, p, "retryable")
	return p
}

func itoa(n int) string { return string(must(json.Marshal(n))) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func decode(text string, target any) error {
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	return dec.Decode(target)
}
