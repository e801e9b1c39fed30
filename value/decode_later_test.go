package value_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// later are fields that this version does not know, of each form.
var later = map[string][]byte{
	"delimited": {0x6a, 3, 1, 2, 3}, "varint": {0x68, 1}, "large number": {0x98, 6, 1}, "fixed64": {0x69, 0, 0, 0, 0, 0, 0, 0, 0}, "fixed32": {0x6d, 0, 0, 0, 0},
	"group": {0x6b, 0x6c},
}

func TestAValueWithAFieldOfALaterVersionKeepsIt(t *testing.T) {
	strict := value.New(value.Strict())
	for name, field := range later {
		for _, known := range [][]byte{
			nil, fields(kindField, str, textField, "x"), fields(kindField, list), fields(kindField, list, intsField, "\x02\x04"),
			fields(kindField, dict, textsField, "a", itemsField, ""),
		} {
			data := append(append([]byte{}, field...), known...)
			sent := tool.Value{TypeURL: google + "dspex.bridge.Value", Bytes: data}
			back, err := value.Decode(sent)
			require.NoError(t, err, name)
			require.Equal(t, data, back.(value.Unknown).Bytes, name)
			again, err := value.Encode(back)
			require.NoError(t, err, name)
			require.Equal(t, sent, again, name)
			_, err = strict.Decode(sent)
			require.ErrorContains(t, err, "want known fields only, got a value of kind", name)

			var numbers []int64
			require.ErrorContains(t, value.DecodeInto(sent, &numbers), "got a value of kind", name)
		}
	}
}
