package value_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/valuetest"
)

type (
	octet  byte
	octets [3]octet

	hidden struct{ a, b int }
	marker struct{ _ [0]func() }
	held   struct{ Rows []hidden }

	inner   struct{ Z int }
	pointed struct {
		*inner
		A int
	}
)

func TestAnArrayOfANamedTypeOfBytesIsBytes(t *testing.T) {
	t.Parallel()
	encoded, err := value.Encode(octets{1, 2, 255})
	require.NoError(t, err)
	decoded, err := value.Decode(encoded)
	require.NoError(t, err)
	require.Equal(t, []byte{1, 2, 255}, decoded)
	back, err := value.As[octets](encoded)
	require.NoError(t, err)
	require.Equal(t, octets{1, 2, 255}, back)
}

func TestADictThatIsNoPointerIsEncodedAsOneThatIs(t *testing.T) {
	t.Parallel()
	dict := value.NewDict("b", 1, "a", nil, 3, "c")
	want, err := value.Encode([]any{dict})
	require.NoError(t, err)
	got, err := value.Encode([]any{*dict})
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestAStructThatWouldLoseItsFieldsInSilenceIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		in         any
		path, says string
	}{
		"none is exported":     {held{[]hidden{{1, 2}}}, "$.Rows[0]", "not exported"},
		"credentials of a URL": {&url.URL{Host: "h", User: url.UserPassword("u", "p")}, "$.User", "not exported"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := value.Encode(test.in)
			requireRefusedAt(t, err, test.path)
			require.ErrorContains(t, err, test.says)
		})
	}
}

func TestAStructWithoutAnythingToLoseIsAnEmptyDict(t *testing.T) {
	t.Parallel()
	for _, in := range []any{struct{}{}, marker{}} {
		encoded, err := value.Encode(in)
		require.NoError(t, err)
		decoded, err := value.Decode(encoded)
		require.NoError(t, err)
		require.Empty(t, valuetest.Difference(value.NewDict(), decoded))
	}
}

func TestFieldsBehindAnEmbeddedPointerToAnUnexportedStructAreSent(t *testing.T) {
	t.Parallel()
	encoded, err := value.Encode(pointed{&inner{7}, 1})
	require.NoError(t, err)
	decoded, err := value.Decode(encoded)
	require.NoError(t, err)
	require.Equal(t, value.NewDict("Z", int64(7), "A", int64(1)), decoded)

	back := pointed{inner: &inner{}}
	require.NoError(t, value.DecodeInto(encoded, &back))
	require.Equal(t, pointed{&inner{7}, 1}, back)
	_, err = value.As[pointed](encoded) // nobody but its own package can make one
	requireRefusedAt(t, err, "$.Z")
}

func TestATimeWhoseOffsetIsADayIsRefusedWhereItIsSent(t *testing.T) {
	t.Parallel()
	for _, seconds := range []int{86_400, -86_400, 90_000} {
		_, err := value.Encode([]any{time.Date(2024, 1, 1, 0, 0, 0, 0, time.FixedZone("", seconds))})
		requireRefusedAt(t, err, "$[0]")
		require.ErrorContains(t, err, "24 hours")
	}
}

func TestWhatWasWantedIsNamedAsTheProtocolDoes(t *testing.T) {
	t.Parallel()
	encoded, err := value.Encode(map[string]any{"At": nil})
	require.NoError(t, err)
	_, err = value.As[struct{ At time.Time }](encoded)
	requireRefusedAt(t, err, "$.At")
	require.ErrorContains(t, err, "want datetime with an offset, got none")
}

func requireRefusedAt(t *testing.T, err error, path string) {
	t.Helper()
	var refused *tool.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, tool.SerializationError, refused.Code)
	require.Equal(t, path, refused.Details["path"])
}
