package value_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/typepb"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// typed is protobuf's JSON of a message in so many Anys.
func typed(anys int) string {
	return `{"$message":` + strings.Repeat(`{"@type":"type.googleapis.com/google.protobuf.Any","value":`, anys) +
		`{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}` + strings.Repeat(`}`, anys) + `}`
}

// inAnys is the same message.
func inAnys(t *testing.T, anys int) proto.Message {
	t.Helper()
	m := proto.Message(durationpb.New(1_000_000_000))
	for range anys {
		packed, err := anypb.New(m)
		require.NoError(t, err)
		m = packed
	}
	return m
}

func TestMessagesAreProtobufsJSONUnlessTheirAnysAreManyInOneAnother(t *testing.T) {
	t.Parallel()
	for _, anys := range []int{0, 1, 7} {
		text, err := value.EncodeJSON(inAnys(t, anys))
		require.NoError(t, err)
		require.Equal(t, typed(anys), string(text))
		encoded, err := value.FromJSON(text)
		require.NoError(t, err)
		again, err := value.ToJSON(encoded)
		require.NoError(t, err)
		require.Equal(t, string(text), string(again))
	}
	for _, anys := range []int{8, 9, 100} {
		given := inAnys(t, anys)
		text, err := value.EncodeJSON([]any{given})
		require.NoError(t, err)
		require.Contains(t, string(text), `[{"$any":{"type_url":"type.googleapis.com/google.protobuf.Any","base64":`)
		back, err := value.DecodeJSON(text)
		require.NoError(t, err)
		require.True(t, proto.Equal(given, back.([]any)[0].(proto.Message)), "it comes back from that too")
	}
	for _, anys := range []int{8, 60} {
		_, err := value.FromJSON([]byte(typed(anys)))
		require.ErrorContains(t, err, `at most 8 messages with an "@type" in one another; deeper ones are written as $any`)
		require.Equal(t, `$["$message"]`, details(t, err)["path"])
	}
}

func TestAnysBesideOneAnotherAreNotInOneAnother(t *testing.T) {
	t.Parallel()
	packed, err := anypb.New(durationpb.New(1))
	require.NoError(t, err)
	m := &typepb.Type{Name: "T"}
	for range 20 {
		m.Options = append(m.Options, &typepb.Option{Name: `"@type"`, Value: packed})
	}
	text, err := value.EncodeJSON(m)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), `{"$message":{`), string(text))
	back, err := value.DecodeJSON(text)
	require.NoError(t, err)
	require.True(t, proto.Equal(m, back.(proto.Message)))
	m.Options[19].Value, _ = inAnys(t, 8).(*anypb.Any)
	text, err = value.EncodeJSON(m)
	require.NoError(t, err)
	require.Contains(t, string(text), `{"$any":{`)
}
