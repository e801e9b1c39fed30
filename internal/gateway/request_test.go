package gateway_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParameters_that_are_empty_unknown_or_given_twice_are_refused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s")
	for _, query := range []string{"ints=", "ints=number&ints=number", "colour=red", "ints=%zz"} {
		for _, path := range []string{"/tools", "/variables/x", "/variables", "/tools/echo_tool/stream"} {
			d.get(at+path+"?"+query).refused(http.StatusUnprocessableEntity, "ValidationError")
		}
		d.post(at+"/tools/echo_tool/execute?"+query, `{"args":[1]}`).refused(http.StatusUnprocessableEntity, "ValidationError")
	}
	d.del(at+"?force=").refused(http.StatusUnprocessableEntity, "ValidationError")
	d.del(at+"?force=true&force=true").refused(http.StatusUnprocessableEntity, "ValidationError")
	d.get(at).is(http.StatusOK)
}

func TestHeaders_that_are_empty_are_not_taken_for_missing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s")
	for name, path := range map[string]string{"Idempotency-Key": "/variables/x", "If-Match": "/variables/x", "If-None-Match": "/variables/x"} {
		d.put(at+path, `{"value":1}`, name, "").refused(http.StatusUnprocessableEntity, "ValidationError")
	}
	d.post("/api/sessions", `{}`, "If-None-Match", "").refused(http.StatusUnprocessableEntity, "ValidationError")
	d.post(at+"/tools/echo_tool/execute", `{"args":[1]}`, "Idempotency-Key", "").refused(http.StatusUnprocessableEntity, "ValidationError")
	d.get(at+"/variables/x").refused(http.StatusNotFound, "VariableNotFound")
}

func TestCounts_are_whole_numbers_within_bounds(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/agents"
	for _, n := range []string{"3", "3.0", "3e0", "0.3e1"} {
		require.Contains(t, d.post(at, `{"signature":"a -> b","max_iters":`+n+`}`).is(http.StatusCreated).body, `"max_iters":3,`)
	}
	for _, n := range []string{"-1", "1000001", "1e99", "0.5"} {
		d.post(at, `{"signature":"a -> b","max_iters":`+n+`}`).refused(http.StatusUnprocessableEntity, "ValidationError")
	}
	d.post(at, `{"signature":"a -> b","max_iters":1e999}`).refused(http.StatusUnprocessableEntity, "SerializationError")
}

func TestTimeout_is_in_seconds_and_bounded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/tools/echo_tool/execute?timeout="
	for _, good := range []string{"1", "2.5", "1e1", "86400"} {
		d.post(at+good, `{"args":[1]}`).is(http.StatusOK)
	}
	for _, bad := range []string{"", "0", "-1", "86401", "1e300", "Inf", "NaN", "1s", "0x"} {
		d.post(at+bad, `{"args":[1]}`).refused(http.StatusUnprocessableEntity, "ValidationError")
	}
}
