package value_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grpc-tool-bridge/toolbridge/internal/alloctest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// taggedBytes is a dspex.bridge.Value of a kind with further fields.
func taggedBytes(kind uint64, fields ...[]byte) []byte {
	return append(protowire.AppendVarint([]byte{8}, kind), bytes.Join(fields, nil)...)
}

func delimitedField(number protowire.Number, contents []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), contents)
}

//nolint:paralleltest // it measures what the process allocates
func TestAnAnyInManyPiecesTakesMemoryInProportion(t *testing.T) {
	piece := delimitedField(12, delimitedField(2, []byte("x")))
	parts := append(bytes.Repeat(piece, 100_000), delimitedField(12, delimitedField(1, []byte("a/b.C")))...)
	encoded := tool.Value{TypeURL: "x/dspex.bridge.Value", Bytes: taggedBytes(22, parts)}
	var decoded any
	var err error
	took := alloctest.Bytes(func() { decoded, err = value.Decode(encoded) })
	require.NoError(t, err)
	require.Equal(t, value.Opaque{TypeURL: "a/b.C", Bytes: []byte("x")}, decoded)
	require.Less(t, took, uint64(20*len(encoded.Bytes)))
}

func TestAnAnyInPiecesLeavesTheBytesThatItCameInAsTheyAre(t *testing.T) {
	t.Parallel()
	encoded := taggedBytes(22, delimitedField(12, delimitedField(1, []byte("a/b.C"))), delimitedField(12, delimitedField(2, []byte("x"))), delimitedField(12, delimitedField(2, []byte("y"))))
	before := bytes.Clone(encoded)
	decoded, err := value.Decode(tool.Value{TypeURL: "x/dspex.bridge.Value", Bytes: encoded})
	require.NoError(t, err)
	require.Equal(t, value.Opaque{TypeURL: "a/b.C", Bytes: []byte("y")}, decoded)
	require.Equal(t, before, encoded)
}

// What a kind does not read is checked once for all values in it, but for those in an Any.
func TestFieldsThatAKindDoesNotReadAreCheckedWhereverTheyAre(t *testing.T) {
	t.Parallel()
	bad := taggedBytes(7, delimitedField(4, []byte("\xff")))
	unread := delimitedField(4, []byte("text of a list"))
	inAny := delimitedField(12, append(delimitedField(1, []byte("x/dspex.bridge.Value")), delimitedField(2, bad)...))
	for name, c := range map[string]struct {
		bytes []byte
		path  string
	}{
		"alone":                     {bad, "$"},
		"in a list":                 {taggedBytes(7, delimitedField(5, bad)), "$[0]"},
		"in a list with such text":  {taggedBytes(7, unread, delimitedField(5, bad)), "$[0]"},
		"in an Any":                 {taggedBytes(22, inAny), "$"},
		"in an Any with such text":  {taggedBytes(22, unread, inAny), "$"},
		"behind one in a list":      {taggedBytes(7, unread, delimitedField(5, taggedBytes(22, inAny))), "$[0]"},
		"beside one that was fine":  {taggedBytes(7, delimitedField(5, taggedBytes(7, unread)), delimitedField(5, bad)), "$[1]"},
		"beside one that is an Any": {taggedBytes(7, unread, delimitedField(5, taggedBytes(22, inAny)), delimitedField(5, taggedBytes(0))), "$[0]"},
	} {
		_, err := value.Decode(tool.Value{TypeURL: "x/dspex.bridge.Value", Bytes: c.bytes})
		require.ErrorContains(t, err, "UTF-8", name)
		require.Equal(t, c.path, details(t, err)["path"], name)
	}
}
