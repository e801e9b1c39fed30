package hosttest

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const prefix = "type.googleapis.com/google.protobuf."

// text encodes a StringValue: field 1, of a length.
func text(s string) tool.Value {
	v := tool.Value{TypeURL: prefix + "StringValue"}
	if s != "" {
		v.Bytes = append(binary.AppendUvarint([]byte{1<<3 | 2}, uint64(len(s))), s...)
	}
	return v
}

// number encodes an Int64Value: field 1, a varint.
func number(n int64) tool.Value {
	v := tool.Value{TypeURL: prefix + "Int64Value"}
	if n != 0 {
		v.Bytes = binary.AppendUvarint([]byte{1 << 3}, uint64(n))
	}
	return v
}

func textOf(t *testing.T, v tool.Value) string {
	t.Helper()
	require.Equal(t, prefix+"StringValue", v.TypeURL)
	if len(v.Bytes) == 0 {
		return ""
	}
	size, n := binary.Uvarint(v.Bytes[1:])
	require.Positive(t, n)
	require.EqualValues(t, len(v.Bytes)-1-n, size)
	return string(v.Bytes[1+n:])
}

func numberOf(t *testing.T, v tool.Value) int64 {
	t.Helper()
	require.Equal(t, prefix+"Int64Value", v.TypeURL)
	if len(v.Bytes) == 0 {
		return 0
	}
	n, size := binary.Uvarint(v.Bytes[1:])
	require.Positive(t, size)
	return int64(n)
}
