package value_test

import (
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

type stamped struct {
	time.Time
	*big.Int
	Name string
}

func TestAnEmbeddedTypeWithoutFieldsOfItsOwnIsAFieldOfItsName(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	in := stamped{at, big.NewInt(7), "x"}
	encoded, err := value.Encode(in)
	require.NoError(t, err)
	decoded, err := value.Decode(encoded)
	require.NoError(t, err)
	require.Equal(t, value.NewDict("Time", at, "Int", int64(7), "Name", "x"), decoded)
	out, err := value.As[stamped](encoded)
	require.NoError(t, err)
	require.Equal(t, in, out)
}
