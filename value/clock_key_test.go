package value_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

func TestTimesOfDayThatPythonTakesForEqualAreOneKey(t *testing.T) {
	t.Parallel()
	noon := value.TimeOfDay{Hour: 12, HasOffset: true}
	same := value.TimeOfDay{Hour: 14, HasOffset: true, Offset: 7200}
	require.Len(t, value.SetOf(noon, same), 1)
	require.Len(t, value.SetOf(noon, value.TimeOfDay{Hour: 12}), 2, "one of them says nothing of its offset")
	require.Len(t, value.SetOf(noon, value.TimeOfDay{Hour: 12, Nanosecond: 1, HasOffset: true}), 2)
	_, err := value.Encode(value.Set{noon, same})
	require.ErrorContains(t, err, "twice")
}
