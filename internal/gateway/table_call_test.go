package gateway_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/gateway"
	"github.com/grpc-tool-bridge/toolbridge/internal/tabletest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

const dataFrame = "pandas.DataFrame"

// host runs calls of the tool "table" with a function.
type host func(ctx context.Context, call *tool.Call) (tool.Result, error)

func (h host) Identity() string { return "tables" }

func (h host) Call(ctx context.Context, call *tool.Call) (tool.Result, error) { return h(ctx, call) }

func (h host) Stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	r, err := h(ctx, call)
	if err != nil {
		return r.Metrics, err
	}
	return r.Metrics, send(tool.Chunk{Value: r.Value})
}

// offerTables makes a host of the desk offer the tool "table", and returns its path in a session of its own.
func (d *desk) offerTables(run host, arguments ...tool.Argument) string {
	d.t.Helper()
	at, err := d.broker.Attach(run, broker.AttachOptions{})
	require.NoError(d.t, err)
	_, err = at.Register(d.t.Context(), []*tool.Spec{{ID: "table", Name: "table", Arguments: arguments}})
	require.NoError(d.t, err)
	return d.session("s") + "/tools/table"
}

// sends makes a request whose body is a table. Headers are given in pairs.
func (d *desk) sends(path string, table io.Reader, headers ...string) (*http.Response, error) {
	d.t.Helper()
	r := d.request(http.MethodPost, path, "", append([]string{"Content-Type", arrowType}, headers...)...)
	with, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, r.URL.String(), table)
	require.NoError(d.t, err)
	with.Header = r.Header
	return d.client.Do(with)
}

// upload makes such a request and reads the answer.
func (d *desk) upload(path string, table io.Reader, headers ...string) *answer {
	d.t.Helper()
	response, err := d.sends(path, table, headers...)
	require.NoError(d.t, err)
	defer func() { _ = response.Body.Close() }() // only read
	text, err := io.ReadAll(response.Body)
	require.NoError(d.t, err)
	return &answer{d.t, response.StatusCode, response.Header, string(text)}
}

// untold hides how long a body is.
func untold(data []byte) io.Reader { return struct{ io.Reader }{bytes.NewReader(data)} }

func TestExecute_takes_a_table_of_any_size_as_its_body_and_gives_it_back(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/tools/echo_tool/execute"
	for _, size := range []int{8, 1 << 20, 10<<20 - 100, 10<<20 + 1, 25 << 20} {
		table := tabletest.Stream(size)
		for name, body := range map[string]io.Reader{"of a length": bytes.NewReader(table), "of no length": untold(table)} {
			got := d.upload(at, body, "Accept", arrowType, "Value-Type", dataFrame).is(http.StatusOK)
			require.Equal(t, sha256.Sum256(table), sha256.Sum256([]byte(got.body)), "%s, %d bytes", name, size)
			require.Equal(t, arrowType, got.header.Get("Content-Type"))
			require.Equal(t, dataFrame, got.header.Get("Value-Type"))
		}
	}
}

func TestExecute_puts_the_table_where_the_query_says(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var got tool.Call
	at := d.offerTables(func(ctx context.Context, call *tool.Call) (tool.Result, error) {
		whole, err := tool.WithTables(ctx, call)
		if err == nil {
			got = *whole
		}
		return tool.Result{}, err
	}, tool.Argument{Name: "a"}, tool.Argument{Name: "b"}) + "/execute"
	for _, size := range []int{100, 11 << 20} {
		table := tabletest.Stream(size)
		is := tool.Value{TypeURL: "type.googleapis.com/pyarrow.Table", Bytes: table}

		d.upload(at, bytes.NewReader(table)).is(http.StatusOK)
		require.Len(t, got.Args, 1)
		require.True(t, is.TypeURL == got.Args[0].TypeURL && bytes.Equal(is.Bytes, got.Args[0].Bytes))

		d.upload(at+`?args=[7]`, bytes.NewReader(table)).is(http.StatusOK)
		require.Len(t, got.Args, 2, "the table comes first")
		require.Equal(t, is.TypeURL, got.Args[0].TypeURL)
		require.Equal(t, "type.googleapis.com/google.protobuf.Int64Value", got.Args[1].TypeURL)

		d.upload(at+`?argument=b&args=[7]`, bytes.NewReader(table)).is(http.StatusOK)
		require.Len(t, got.Args, 1)
		require.Equal(t, "b", got.Kwargs[0].Name)
		require.True(t, bytes.Equal(table, got.Kwargs[0].Value.Bytes))

		d.upload(at+`?argument=b&kwargs={"a":1}`, bytes.NewReader(table)).is(http.StatusOK)
		require.Len(t, got.Kwargs, 2)

		p := d.upload(at+`?argument=b&kwargs={"b":1}`, bytes.NewReader(table)).refused(http.StatusUnprocessableEntity, "ValidationError")
		require.Contains(t, p["detail"], `argument "b" is given twice`)
	}
}

func TestStream_takes_a_table_as_its_body(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.offerTables(func(ctx context.Context, call *tool.Call) (tool.Result, error) {
		whole, err := tool.WithTables(ctx, call)
		if err != nil {
			return tool.Result{}, err
		}
		return tool.Result{Value: tool.Value{TypeURL: whole.Args[0].TypeURL, Bytes: whole.Args[0].Bytes[:3]}}, nil
	}, tool.Argument{Name: "a"}) + "/stream"
	got := d.upload(at, bytes.NewReader(tabletest.Stream(12<<20))).is(http.StatusOK)
	require.Contains(t, got.body, `{"sequence":0,"data":{"$frame":{"kind":"pyarrow.Table","arrow":"/////w==`[:60])
	require.Contains(t, got.body, `"complete"`)
}

func TestExecute_refuses_bodies_of_tables_with_the_right_status(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t, gateway.Config{Tables: frame.Extension()}, broker.Limits{ValueBytes: 1 << 20, TableBytes: 4 << 20})
	session := d.session("s")
	at := session + "/tools/echo_tool/execute"
	within := tabletest.Stream(3 << 20)
	for name, c := range map[string]struct {
		path    string
		body    io.Reader
		headers []string
		status  int
		code    string
		says    string
	}{
		"too large, as it says":     {at, bytes.NewReader(make([]byte, 4<<20+1)), nil, 413, "MessageTooLarge", "more than 4194304 bytes"},
		"too large, as is seen":     {at, untold(tabletest.Stream(4<<20 + 1)), nil, 413, "MessageTooLarge", "more than 4194304 bytes"},
		"a batch that is too large": {at, bytes.NewReader(append(tabletest.Batches(500, 500), tabletest.Batches(3<<20, 2<<20)...)), nil, 413, "MessageTooLarge", "limit of a batch is 1048576"},
		"no Arrow":                  {at, bytes.NewReader(bytes.Repeat([]byte("text"), 1<<19)), nil, 413, "MessageTooLarge", "the schema"},
		"cut":                       {at, bytes.NewReader(within[:2<<20+77]), nil, 422, "SerializationError", "ends within message"},
		"no kind of table":          {at, bytes.NewReader(within), []string{"Value-Type", "table"}, 422, "ValidationError", "want a kind of table"},
		"an unknown parameter":      {at + "?arg=x", bytes.NewReader(within), nil, 422, "ValidationError", `"argument"`},
		"arguments that are none":   {at + "?args=7", bytes.NewReader(within), nil, 422, "SerializationError", "args"},
		"no such tool":              {session + "/tools/none/execute", bytes.NewReader(within), nil, 404, "ToolNotFound", "none"},
		"a batch of calls":          {session + "/tools/batch", bytes.NewReader(within), nil, 415, "ValidationError", "send JSON"},
		"encoded":                   {at, bytes.NewReader(within), []string{"Content-Encoding", "gzip"}, 415, "ValidationError", "send it as it is"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := d.upload(c.path, c.body, c.headers...).refused(c.status, c.code)
			require.Contains(t, p["detail"], c.says)
		})
	}
}

func TestExecute_says_that_a_body_broke_off_or_did_not_come(t *testing.T) {
	t.Parallel()
	givenTime(t, 500*time.Millisecond, func(limit time.Duration) bool {
		d := newDeskWith(t, gateway.Config{BodyTimeout: limit}, broker.Limits{})
		stalled, write := io.Pipe()
		defer func() { _ = write.Close() }()
		begun := io.MultiReader(bytes.NewReader(tabletest.Stream(11<<20)), stalled)
		response, err := d.sends(d.session("s")+"/tools/echo_tool/execute", begun)
		if err != nil {
			return false // what came before it stalled took too long
		}
		text, err := io.ReadAll(response.Body)
		require.NoError(t, errors.Join(err, response.Body.Close()))
		p := (&answer{t, response.StatusCode, response.Header, string(text)}).refused(http.StatusRequestTimeout, "DeadlineExceeded")
		require.Contains(t, p["detail"], "did not arrive within "+limit.String())
		return true
	})

	d := newDesk(t)
	at := d.session("s") + "/tools/echo_tool/execute"
	broken := io.MultiReader(bytes.NewReader(tabletest.Stream(11<<20)), iotest.ErrReader(io.ErrUnexpectedEOF))
	_, err := d.sends(at, broken) //nolint:bodyclose // there is none
	require.Error(t, err)
	require.Eventually(t, func() bool { return d.idle() }, 10*time.Second, time.Millisecond)
}

// idle reports whether no call runs.
func (d *desk) idle() bool {
	d.t.Helper()
	got := d.get("/api/calls?state=running").is(http.StatusOK)
	return strings.Contains(got.body, `"calls":[]`)
}

func TestExecute_answers_a_call_that_does_not_want_its_table(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.offerTables(func(context.Context, *tool.Call) (tool.Result, error) { return tool.Result{}, nil }, tool.Argument{Name: "a"}) + "/execute"
	got := d.upload(at, bytes.NewReader(tabletest.Stream(30<<20))).is(http.StatusOK)
	require.Contains(t, got.body, `"success":true`)
}

// giving is a host that gives a table in pieces, and then what end says.
func giving(table []byte, end func() (tool.Result, error)) host {
	return func(ctx context.Context, call *tool.Call) (tool.Result, error) {
		if !call.Tables.Takes() {
			return tool.Result{}, tool.Errorf(tool.Internal, "the caller takes no tables")
		}
		err := tool.PutTable(table, func(piece []byte) error { return call.Tables.Put(ctx, dataFrame, piece) })
		if err != nil {
			return tool.Result{}, err
		}
		return end()
	}
}

func TestExecute_breaks_the_connection_where_a_table_breaks_off(t *testing.T) {
	t.Parallel()
	table := tabletest.Stream(3 << 20)
	for name, run := range map[string]host{
		"an error behind it": giving(table, func() (tool.Result, error) {
			return tool.Result{}, tool.Errorf(tool.WorkerLost, "gone")
		}),
		"another result": giving(table, func() (tool.Result, error) { return tool.Result{}, nil }),
		"no end": func(ctx context.Context, call *tool.Call) (tool.Result, error) {
			return tool.Result{Value: tool.StandIn(dataFrame, 0, 0)}, call.Tables.Put(ctx, dataFrame, table[:tool.TablePieceBytes])
		},
		"a panic": func(ctx context.Context, call *tool.Call) (tool.Result, error) {
			_ = call.Tables.Put(ctx, dataFrame, table[:tool.TablePieceBytes])
			panic("no more")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			at := d.offerTables(run) + "/execute"
			response := d.open(http.MethodPost, at, `{}`, "Accept", arrowType)
			defer func() { _ = response.Body.Close() }() // only read
			require.Equal(t, http.StatusOK, response.StatusCode)
			_, err := io.Copy(io.Discard, response.Body)
			require.Error(t, err, "a cut table must not look like a whole one")
		})
	}
}

func TestExecute_answers_with_a_problem_until_the_first_piece(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.offerTables(func(context.Context, *tool.Call) (tool.Result, error) {
		return tool.Result{}, tool.Errorf(tool.ExecutionError, "no table today")
	}) + "/execute"
	p := d.post(at, `{}`, "Accept", arrowType).refused(http.StatusInternalServerError, "ExecutionError")
	require.Contains(t, p["detail"], "no table today")
}

func TestExecute_ends_a_table_at_the_limit(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t, gateway.Config{}, broker.Limits{TableBytes: 1 << 20})
	var got error
	at := d.offerTables(func(ctx context.Context, call *tool.Call) (tool.Result, error) {
		got = tool.PutTable(tabletest.Stream(2<<20), func(piece []byte) error { return call.Tables.Put(ctx, dataFrame, piece) })
		return tool.Result{}, got
	}) + "/execute"
	response := d.open(http.MethodPost, at, `{}`, "Accept", arrowType)
	defer func() { _ = response.Body.Close() }() // only read
	_, err := io.Copy(io.Discard, response.Body)
	require.Error(t, err)
	require.Equal(t, tool.MessageTooLarge, tool.CodeOf(got))
}

func TestExecute_makes_a_host_wait_for_a_client_that_does_not_read_its_table(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	d := newDesk(t)
	put := make(chan int, size/tool.TablePieceBytes+2)
	ended := make(chan error, 1)
	at := d.offerTables(func(ctx context.Context, call *tool.Call) (tool.Result, error) {
		err := tool.PutTable(tabletest.Stream(size), func(piece []byte) error {
			put <- len(piece)
			return call.Tables.Put(ctx, dataFrame, piece)
		})
		ended <- err
		return tool.Result{Value: tool.StandIn(dataFrame, 0, 0)}, err
	}) + "/execute"
	response := d.open(http.MethodPost, at, `{}`, "Accept", arrowType)
	select {
	case err := <-ended:
		require.Fail(t, "the whole table was sent to a client that does not read", "%v", err)
	case <-time.After(200 * time.Millisecond): // as long as what the sockets take needs
	}
	require.NoError(t, response.Body.Close())
	err := <-ended
	require.Equal(t, tool.Cancelled, tool.CodeOf(err), "%v", err)
	require.Less(t, len(put)*tool.TablePieceBytes, size)
}

func TestExecute_lets_a_tool_answer_while_it_reads(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.offerTables(func(ctx context.Context, call *tool.Call) (tool.Result, error) {
		for {
			piece, err := call.Tables.Next(ctx)
			if err == io.EOF { //nolint:errorlint // as it is
				return tool.Result{Value: tool.StandIn(dataFrame, 0, 0)}, nil
			}
			if err == nil {
				err = call.Tables.Put(ctx, dataFrame, piece)
			}
			if err != nil {
				return tool.Result{}, err
			}
		}
	}, tool.Argument{Name: "a"}) + "/execute"
	table := tabletest.Stream(48 << 20)
	response, err := d.sends(at, bytes.NewReader(table), "Accept", arrowType)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }() // only read
	hash := sha256.New()
	n, err := io.Copy(hash, response.Body)
	require.NoError(t, err)
	require.EqualValues(t, len(table), n)
	want := sha256.Sum256(table)
	require.Equal(t, want[:], hash.Sum(nil))
}

func TestExecute_names_the_Arrow_way_for_tables_that_are_too_large_as_JSON(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t, gateway.Config{}, broker.Limits{ValueBytes: 1 << 20})
	at := d.offerTables(func(_ context.Context, call *tool.Call) (tool.Result, error) {
		require.True(t, call.Tables == nil || !call.Tables.Takes())
		return tool.Result{}, tool.Errorf(tool.MessageTooLarge, "its result, a table, is too large").With("type_url", "type.googleapis.com/"+dataFrame)
	}, tool.Argument{Name: "a"}) + "/execute"

	p := d.post(at, `{"args":[1]}`).refused(http.StatusRequestEntityTooLarge, "MessageTooLarge")
	require.Contains(t, p["detail"], "send the header Accept: "+arrowType)

	large := `{"args":[{"$frame":{"kind":"pandas.DataFrame","arrow":"` + strings.Repeat("AAAA", 1<<19) + `"}}]}`
	p = d.post(at, large).refused(http.StatusRequestEntityTooLarge, "MessageTooLarge")
	require.Contains(t, p["detail"], "Content-Type: "+arrowType)
	require.Contains(t, p["detail"], "1048576")

	small := newDeskWith(t, gateway.Config{BodyBytes: 1 << 10}, broker.Limits{})
	p = small.post(small.session("s")+"/tools/echo_tool/execute", large).refused(http.StatusRequestEntityTooLarge, "MessageTooLarge")
	require.Contains(t, p["detail"], "1024 bytes of JSON text")
	require.Contains(t, p["detail"], arrowType)
}

func TestExecute_a_large_table_from_a_tool_is_JSON_where_it_fits_and_Arrow_where_it_does_not(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/tools/echo_tool/execute"
	table := tabletest.Stream(11 << 20)
	p := d.upload(at, bytes.NewReader(table)).refused(http.StatusRequestEntityTooLarge, "MessageTooLarge")
	require.Contains(t, p["detail"], "send the header Accept: "+arrowType)
	require.Contains(t, p["detail"], strconv.Itoa(10<<20))
}
