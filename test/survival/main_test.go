package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAValueThatIsOnlyPassedOnIsWhatGoTakesItFor(t *testing.T) {
	t.Parallel()
	require.Equal(t, `[9007199254740992,1,null]`, through([]byte(`[9007199254740993,1.0,null]`)))
	require.Equal(t, `{"a":1,"b":2}`, through([]byte(`{"b":2,"a":1}`)))
	require.Equal(t, "error: json.SyntaxError", through([]byte(`NaN`)))
}
