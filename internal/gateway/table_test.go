package gateway_test

import (
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/gateway"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

const arrowType = "application/vnd.apache.arrow.stream"

// tableDesk is a desk whose gateway reads tables, and a table with its JSON form.
func tableDesk(t *testing.T) (d *desk, table *frame.Table, form string) {
	t.Helper()
	table, err := frame.New().Int64("id", []int64{1, 1 << 60}).String("name", []string{"a", "ü"}, []bool{true, false}).Build()
	require.NoError(t, err)
	form = `{"$frame":{"kind":"pandas.DataFrame","arrow":"` + base64.StdEncoding.EncodeToString(table.Bytes()) + `"}}`
	return newDeskWith(t, gateway.Config{Tables: frame.Extension()}, broker.Limits{}), table, form
}

func TestExecute_gives_a_table_as_the_Arrow_stream_that_it_is(t *testing.T) {
	t.Parallel()
	d, table, form := tableDesk(t)
	at := d.session("s") + "/tools/echo_tool/execute"

	got := d.post(at, `{"args":[`+form+`]}`, "Accept", arrowType).is(http.StatusOK)
	require.Equal(t, string(table.Bytes()), got.body)
	require.Equal(t, arrowType, got.header.Get("Content-Type"))
	require.Equal(t, "pandas.DataFrame", got.header.Get("Value-Type"))

	for _, accept := range []string{"", "*/*", "application/json", "application/json, " + arrowType, arrowType + ";q=0.5, application/json"} {
		got := d.post(at, `{"args":[`+form+`]}`, "Accept", accept).is(http.StatusOK)
		require.Contains(t, got.body, `"result":`+form, accept)
	}
}

func TestExecute_refuses_what_is_no_table_where_nothing_else_is_accepted(t *testing.T) {
	t.Parallel()
	d, _, form := tableDesk(t)
	at := d.session("s") + "/tools/echo_tool/execute"

	got := d.post(at, `{"args":[{"a":[`+form+`]}]}`, "Accept", arrowType).is(http.StatusNotAcceptable)
	require.Contains(t, got.body, `"code":"ValidationError"`)
	require.Contains(t, got.body, `"field":"Accept"`)
	require.Contains(t, got.body, `dspex.bridge.Value`)
	require.Equal(t, "application/problem+json", got.header.Get("Content-Type"))

	d.post(at, `{"args":[1]}`, "Accept", arrowType+", application/json;q=0.1").is(http.StatusOK)
	d.post(at, `{"args":[1]}`, "Accept", arrowType+", */*;q=0.1").is(http.StatusOK)
}

func TestVariables_give_a_table_as_the_Arrow_stream_that_it_is(t *testing.T) {
	t.Parallel()
	d, table, form := tableDesk(t)
	at := d.session("s") + "/variables/prices"
	d.do(http.MethodPut, at, `{"value":`+form+`}`).is(http.StatusOK)

	got := d.get(at, "Accept", arrowType).is(http.StatusOK)
	require.Equal(t, string(table.Bytes()), got.body)
	require.NotEmpty(t, got.header.Get("ETag"))
	require.Contains(t, d.get(at).is(http.StatusOK).body, form)

	d.do(http.MethodPut, at, `{"value":1}`).is(http.StatusOK)
	refused := d.get(at, "Accept", arrowType).is(http.StatusNotAcceptable)
	require.Contains(t, refused.body, "google.protobuf.Int64Value")
	require.Empty(t, refused.header.Get("ETag"))
}

func TestFrames_records_gives_rows_to_look_at_wherever_values_are_written(t *testing.T) {
	t.Parallel()
	d, _, form := tableDesk(t)
	session := d.session("s")
	const rows = `[{"id":1,"name":"a"},{"id":1152921504606846976,"name":null}]`

	at := session + "/tools/echo_tool/execute"
	require.Contains(t, d.post(at+"?frames=records", `{"args":[`+form+`]}`).is(http.StatusOK).body, `"result":`+rows)
	require.Contains(t, d.post(at+"?frames=records", `{"args":[{"t":[`+form+`]}]}`).is(http.StatusOK).body, `"result":{"t":[`+rows+`]}`)
	require.Contains(t, d.post(at+"?frames=records&ints=string", `{"args":[`+form+`]}`).is(http.StatusOK).body, `{"id":"1","name":"a"}`)
	require.Contains(t, d.post(at+"?frames=arrow", `{"args":[`+form+`]}`).is(http.StatusOK).body, form)
	batch := d.post(session+"/tools/batch?frames=records", `{"requests":[{"tool_id":"echo_tool","args":[`+form+`]}]}`).is(http.StatusOK)
	require.Contains(t, batch.body, rows)

	variable := session + "/variables/prices"
	d.do(http.MethodPut, variable, `{"value":`+form+`}`).is(http.StatusOK)
	require.Contains(t, d.get(variable+"?frames=records").is(http.StatusOK).body, `"value":`+rows)
	require.Contains(t, d.get(session+"/variables?values=true&frames=records").is(http.StatusOK).body, `"value":`+rows)

	require.Contains(t, d.post(at+"?frames=rows", `{"args":[]}`).is(http.StatusUnprocessableEntity).body, `want \"arrow\" or \"records\"`)
	d.get(session + "/variables?frames=rows").is(http.StatusUnprocessableEntity)
}

func TestFrames_records_names_the_place_of_a_table_that_cannot_be_read(t *testing.T) {
	t.Parallel()
	d, _, _ := tableDesk(t)
	at := d.session("s") + "/tools/echo_tool/execute?frames=records"
	got := d.post(at, `{"args":[{"t":{"$frame":{"kind":"pandas.DataFrame","arrow":"AAAA"}}}]}`)
	require.Contains(t, got.body, `"code":"SerializationError"`)
	require.Contains(t, got.body, `"path":"$.t"`)
}

func TestFrames_records_names_columns_as_pandas_does_or_refuses_them(t *testing.T) {
	t.Parallel()
	d, _, _ := tableDesk(t)
	at := d.session("s") + "/tools/echo_tool/execute"
	labelled := func(name string) string {
		data, err := os.ReadFile(filepath.Join("..", "..", "value", "frame", "testdata", "labels", name+".arrow"))
		require.NoError(t, err)
		return `{"args":[{"t":{"$frame":{"kind":"pandas.DataFrame","arrow":"` + base64.StdEncoding.EncodeToString(data) + `"}}}]}`
	}
	require.Contains(t, d.post(at+"?frames=records", labelled("ints")).is(http.StatusOK).body, `"result":{"t":[{"1":1,"0":2}]}`)
	require.Contains(t, d.post(at+"?frames=records", labelled("bools")).is(http.StatusOK).body, `"result":{"t":[{"True":1,"False":2}]}`)

	twice := d.post(at+"?frames=records", labelled("twice")).body
	require.Contains(t, twice, `"code":"SerializationError"`)
	require.Contains(t, twice, `"path":"$.t.a"`)
	require.Contains(t, d.post(at, labelled("twice")).is(http.StatusOK).body, "$frame")
}

func TestFrames_records_is_refused_by_a_bridge_that_reads_no_tables(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	got := d.post(d.session("s")+"/tools/echo_tool/execute?frames=records", `{"args":[1]}`)
	require.Contains(t, got.body, `"code":"Unimplemented"`)
}
