package gateway_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIdempotencyKey_a_repetition_gets_the_recorded_answer(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s") + "/tools/add_numbers/execute"
	key := []string{"Idempotency-Key", "order-7"}
	first := d.post(at, `{"args": [40, 2]}`, key...).is(http.StatusOK)
	require.Empty(t, first.header.Get("Idempotency-Replayed"))

	again := d.post(at, `{"args": [40, 2]}`, key...).is(http.StatusOK)
	require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
	require.Equal(t, first.object()["result"], again.object()["result"])

	d.post(at, `{"args": [40, 3]}`, key...).refused(http.StatusConflict, "RequestConflict")
	d.post(at, `{"args": [40]}`, "Idempotency-Key", "bad").refused(http.StatusUnprocessableEntity, "ValidationError")
	other := d.post(at, `{"args": [40, 3]}`, "Idempotency-Key", "bad").is(http.StatusOK)
	require.Empty(t, other.header.Get("Idempotency-Replayed"), "a refusal is not recorded")
}

func TestIdempotencyKey_of_a_batch_names_its_items(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	session := d.session("s")
	at := session + "/tools/batch"
	for round := range 2 {
		out := d.post(at, `{"requests": [{"tool_id": "add_numbers", "args": [1, 2]}]}`, "Idempotency-Key", "b").is(http.StatusOK).object()
		results, _ := out["results"].([]any)
		item, _ := results[0].(map[string]any)
		require.Equal(t, round == 1, item["replayed"] == true)
	}
	single := d.post(session+"/tools/add_numbers/execute", `{"args": [1, 2]}`, "Idempotency-Key", "b/0").is(http.StatusOK)
	require.Equal(t, "true", single.header.Get("Idempotency-Replayed"))
}
