package value_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/alloctest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

func manyOf(item string, bytesInAll int) []byte {
	return []byte("[" + strings.Repeat(item+",", bytesInAll/(len(item)+1)) + item + "]")
}

//nolint:paralleltest // it measures what the process allocates
func TestTextOfMoreThanAValueMayHaveIsRefusedBeforeAnythingIsMadeOfIt(t *testing.T) {
	for _, item := range []string{"1", "1.5", "null", `""`, "[]", "{}", "[[1]]", `{"$set":[]}`} {
		text := manyOf(item, 8<<20)
		codec := value.New(value.MaxBytes(len(text) / 100))
		var err error
		took := alloctest.Bytes(func() { _, err = codec.FromJSON(text) })
		require.ErrorIs(t, err, &tool.Error{Code: tool.MessageTooLarge}, item)
		require.Less(t, took, uint64(len(text)), "%d bytes of %s", len(text), item)
	}
}

//nolint:paralleltest // it measures what the process allocates
func TestListsOfNumbersTakeNoMoreThanTheirNumbersOnTheWayFromJSON(t *testing.T) {
	text := manyOf("1000", 8<<20)
	var err error
	took := alloctest.Bytes(func() { _, err = value.FromJSON(text) })
	require.NoError(t, err)
	require.Less(t, took, uint64(20*len(text)))
}

func TestEveryVectorIsAtLeastAsLargeAsItsTextIsTakenToBe(t *testing.T) {
	t.Parallel()
	for _, samples := range vectorFiles() {
		for _, s := range samples {
			encoded, err := value.Encode(s.value)
			require.NoError(t, err)
			text, err := value.ToJSON(encoded)
			require.NoError(t, err)
			_, err = value.New(value.MaxBytes(encoded.Size())).FromJSON(text)
			require.NoError(t, err, s.name)
			if i := bytes.IndexByte(text, '['); i >= 0 {
				_, err = value.New(value.MaxBytes(1)).FromJSON(text)
				require.ErrorIs(t, err, &tool.Error{Code: tool.MessageTooLarge}, s.name)
			}
		}
	}
}

func TestListsOfNumbersAreTheSameHoweverTheyAreRead(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`[1,2]`, `[1.5,2.0]`, `[1,2.5]`, `[2.5,1]`, `[1,"a"]`, `[1,null]`, `[]`, `[1,123456789012345678901234567890]`,
		`[[1],[2.0]]`, `{"$tuple":[1,2]}`, `{"$map":[[[1].length,1]]}`, `[ 1 , 2 ]`, `[-0,-1]`, `[1e3,2]`, `{"a":[1,2],"b":[0.5]}`,
	} {
		made, err := value.DecodeJSON([]byte(text))
		packed, packedErr := value.FromJSON([]byte(text))
		if err != nil {
			require.EqualError(t, packedErr, err.Error(), text)
			continue
		}
		require.NoError(t, packedErr, text)
		encoded, err := value.Encode(made)
		require.NoError(t, err)
		require.Equal(t, encoded, packed, text)
	}
	_, err := value.FromJSON([]byte(`{"$set":[[1,2]]}`))
	require.ErrorContains(t, err, "want a hashable value, got list")
	_, err = value.FromJSON([]byte(`{"$map":[[[1.5],2]]}`))
	require.ErrorContains(t, err, "want a hashable value, got list")
}

func TestATextThatIsNoUTF8IsNamedByItsPath(t *testing.T) {
	t.Parallel()
	for text, path := range map[string]string{
		"\"\xff\"":                                  "$",
		"{\"rows\":[0,{\"price\":\"a\xc3(\"}]}":     "$.rows[1].price",
		"{\"rows\":[{\"price\":\"\xed\xa0\x80\"}]}": "$.rows[0].price",
		"{\"a\":{\"\xff\":1}}":                      "$.a",
		"[1,\xff]":                                  "$",
	} {
		_, err := value.FromJSON([]byte(text))
		requireRefusedAt(t, err, path)
	}
}
