package value_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestOfManyIntsTheOneThatIsThereTwiceIsFound(t *testing.T) {
	t.Parallel()
	ints := make([]string, 5000)
	for i := range ints {
		ints[i] = strconv.Itoa((i*7919)%5000 - 2500)
	}
	read, err := value.DecodeJSON([]byte(`{"$set":[` + strings.Join(ints, ",") + `]}`))
	require.NoError(t, err)
	require.Len(t, read, 5000)
	again := append(append([]string{}, ints...), ints[3])
	_, err = value.DecodeJSON([]byte(`{"$set":[` + strings.Join(again, ",") + `]}`))
	requireFailure(t, err, `$["$set"][5000]`, "keys and items that are each there once", ints[3]+" twice")
	_, err = value.DecodeJSON([]byte(`{"$set":[` + strings.Join(ints, ",") + `,0.0]}`))
	requireRefusedAt(t, err, `$["$set"][5000]`)
	_, err = value.DecodeJSON([]byte(`{"$map":[[` + strings.Join(again, ",1],[") + `,1]]}`))
	requireRefusedAt(t, err, `$["$map"][key 5000]`)
}
