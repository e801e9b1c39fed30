package gateway_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExecute_names_the_path_of_a_text_that_is_no_UTF8(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.session("s")
	for body, path := range map[string]string{
		"{\"args\":[1,{\"rows\":[{\"price\":\"\xff\"}]}]}": "$.args[1].rows[0].price",
		"{\"kwargs\":{\"value\":\"\xed\xa0\x80\"}}":        "$.kwargs.value",
		"{\"\xff\":[]}": "$",
	} {
		p := d.post(at+"/tools/echo_tool/execute", body).refused(http.StatusUnprocessableEntity, "SerializationError")
		require.Equal(t, path, p["details"].(map[string]any)["path"], body)
	}
}
