package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestExecute_answers_with_the_result_and_how_long_it_took(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/tools/add_numbers/execute"
	for _, body := range []string{`{"args": [40, 2]}`, `{"args": [40], "kwargs": {"b": 2}}`, ` { "kwargs" : { "a" : 40 , "b" : 2 } , "args" : [ ] } `} {
		out := d.post(at, body).is(http.StatusOK)
		require.Equal(t, "application/json", out.header.Get("Content-Type"))
		result := out.object()
		require.Equal(t, true, result["success"])
		require.Equal(t, json.Number("42"), result["result"])
		metrics, _ := result["metrics"].(map[string]any)
		duration, err := metrics["duration_ms"].(json.Number).Float64()
		require.NoError(t, err)
		require.Positive(t, duration)
	}
}

func TestExecute_does_not_count_the_time_that_a_client_takes_to_send_its_call(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.session("s")
	const slow = 300 * time.Millisecond
	for path, body := range map[string]string{
		"add_numbers/execute": `{"args": [1, 2]}`, "count_to_n/stream": `{"args": [1]}`, "batch": `{"requests": [{"tool_id": "add_numbers", "args": [1, 2]}]}`,
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			r := d.request(http.MethodPost, "/api/sessions/s/tools/"+path, body)
			whole := r.Body
			began := make(chan time.Time, 1) // when the rest of it is sent
			r.Body = io.NopCloser(io.MultiReader(io.LimitReader(whole, 1), after(func() { <-time.After(slow); began <- time.Now() }), whole))
			response, err := d.client.Do(r)
			require.NoError(t, err)
			text, err := io.ReadAll(response.Body)
			require.NoError(t, errors.Join(err, response.Body.Close()))
			took := time.Since(<-began)

			found := regexp.MustCompile(`"duration_ms":([0-9.e-]+)`).FindSubmatch(text)
			require.NotNil(t, found, string(text))
			duration, err := strconv.ParseFloat(string(found[1]), 64)
			require.NoError(t, err)
			require.Less(t, duration, took.Seconds()*1000)
		})
	}
}

// after has nothing to read, and says so after something else has happened.
type after func()

func (a after) Read([]byte) (int, error) {
	a()
	return 0, io.EOF
}

func TestExecute_loses_nothing_of_a_value_either_way(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/tools/echo_tool/execute"
	digits := strings.Repeat("7", 4300)
	for _, v := range []string{
		`null`, `true`, `0`, `-9223372036854775808`, digits, `1.0`, `1e+300`, `0.1`, `""`, `"<&> é 😀\n"`, `[]`, `{}`, `[1.0,1,[null]]`,
		`-0.0`, `5e-324`, `[-0.0,{"a":-0.0}]`, `{"$complex":[-0.0,{"$float":"-NaN"}]}`, `{"$datetime":"2024-10-27T02:30:00[_fold=1]"}`, `{"$decimal":"-0.00"}`,
		`{"b":1,"a":2}`, `{"$bytes":"aGk="}`, `{"$float":"NaN"}`, `{"$datetime":"2024-05-06T07:08:09+02:00"}`, `{"$decimal":"1.10"}`,
		`{"$tuple":[1,2]}`, `{"$map":[[1,"x"]]}`, `{"$object":{"$bytes":1}}`, `{"$fraction":[1,3]}`,
		`{"$message":{"@type":"type.googleapis.com/google.protobuf.Empty"}}`, `{"$message":{"@type":"type.googleapis.com/google.protobuf.FieldMask","value":"a.b"}}`,
		`{"$message":{"@type":"type.googleapis.com/google.protobuf.SourceContext","fileName":"a.proto"}}`, `{"$message":{"@type":"type.googleapis.com/google.protobuf.Api","name":"a"}}`,
		`{"$any":{"type_url":"type.googleapis.com/example.Own","base64":"CAE="}}`,
	} {
		out := d.post(at, `{"args":[`+v+`]}`).is(http.StatusOK)
		require.True(t, strings.HasPrefix(out.body, `{"success":true,"result":`+v+`,"metrics":`), "want %s, got %s", v, out.body)
	}
}

func TestExecute_gives_back_every_vector_as_it_came(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/tools/echo_tool/execute"
	files, err := filepath.Glob("../../value/testdata/vectors/*.json")
	require.NoError(t, err)
	sent := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var read struct {
			Vectors []struct{ Name, JSON string }
		}
		require.NoError(t, json.Unmarshal(text, &read))
		for _, v := range read.Vectors {
			out := d.post(at, `{"args":[`+v.JSON+`]}`).is(http.StatusOK)
			require.True(t, strings.HasPrefix(out.body, `{"success":true,"result":`+v.JSON+`,"metrics":`), "%s: want %s, got %s", v.Name, v.JSON, out.body)
			sent++
		}
	}
	require.Greater(t, sent, 400)
}

func TestExecute_writes_ints_as_strings_for_clients_whose_numbers_are_doubles(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/tools/echo_tool/execute"
	require.Contains(t, d.post(at+"?ints=string", `{"args":[[9007199254740993]]}`).is(http.StatusOK).body, `"result":["9007199254740993"]`)
	require.Contains(t, d.post(at+"?ints=number", `{"args":[[9007199254740993]]}`).is(http.StatusOK).body, `"result":[9007199254740993]`)
}

func TestExecute_refuses_bad_input_and_names_the_place(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/tools/echo_tool/execute"
	for body, path := range map[string]string{
		`{`:                            "$",
		`{"args"`:                      "$",
		`{"args":`:                     "$",
		`{"args":[1}`:                  "$",
		`{"args":[1,]}`:                "$.args",
		`{"args":[,1]}`:                "$.args",
		`{"args":[1 2]}`:               "$.args",
		`{"args":[1]} x`:               "$",
		`{"args":[1],}`:                "$",
		`{args:[1]}`:                   "$",
		`"text"`:                       "$",
		`{"args":{"a":1}}`:             "$.args",
		`{"kwargs":[1]}`:               "$.kwargs",
		`{"args":null}`:                "$.args",
		`{"args":[nul]}`:               "$.args[0]",
		`{"args":[1,"a` + "\n" + `"]}`: "$.args[1]",
		`{"args":["\ud800"]}`:          "$.args[0]",
		`{"args":["abc]}`:              "$",
		`{"args":[],"args":[]}`:        "$.args",
		`{"kwargs":{"a":1,"a":2}}`:     "$.kwargs.a",
		`{"args":[{"a":1,"a":2}]}`:     "$.args[0]",
		`{"args":[[1,{"$odd":1}]]}`:    "$.args[0][1]",
		`{"args":[1e999]}`:             "$.args[0]",
		`{"args":[` + strings.Repeat("1", 5000) + `]}`:                                                 "$.args[0]",
		`{"args":[0,` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `]}`:               "$.args[1]",
		`{"kwargs":{"a":` + strings.Repeat(`{"b":`, 10_000) + `1` + strings.Repeat("}", 10_000) + `}}`: "$.kwargs.a",
	} {
		p := d.post(at, body).refused(http.StatusUnprocessableEntity, "SerializationError")
		details, _ := p["details"].(map[string]any)
		got, _ := details["path"].(string)
		require.True(t, strings.HasPrefix(got, path), "%.60s: %s: %s", body, got, p["detail"])
		require.Contains(t, p["detail"], path, "%.60s", body)
	}
	p := d.post(at, `{"args":[1],"arguments":[]}`).refused(http.StatusUnprocessableEntity, "ValidationError")
	require.Contains(t, p["detail"], "$.arguments")
}

func TestExecute_answers_failures_with_the_status_of_their_code(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/tools/"
	d.post(at+"none/execute", `{}`).refused(http.StatusNotFound, "ToolNotFound")
	d.post("/api/sessions/none/tools/echo_tool/execute", `{"args":[1]}`).refused(http.StatusNotFound, "SessionNotFound")
	p := d.post(at+"add_numbers/execute", `{"args":[1,"2"]}`).refused(http.StatusUnprocessableEntity, "ValidationError")
	require.Equal(t, "b", p["details"].(map[string]any)["argument"])
	limited := d.post(at+"flaky_tool/execute", `{"args":["x"]}`)
	p = limited.refused(http.StatusTooManyRequests, "RateLimitExceeded")
	require.Equal(t, true, p["retryable"])
	require.Equal(t, json.Number("0.01"), p["retry_after"])
	require.Equal(t, "1", limited.header.Get("Retry-After"))
	d.offer(&endless{}, "endless", false)
	d.post(at+"endless/execute?timeout=0.001", `{}`).refused(http.StatusGatewayTimeout, "DeadlineExceeded")
}

// endless is a host of a tool that runs until it is stopped.
type endless struct{ scripted }

func (*endless) Call(ctx context.Context, _ *tool.Call) (tool.Result, error) {
	<-ctx.Done()
	return tool.Result{}, context.Cause(ctx)
}
