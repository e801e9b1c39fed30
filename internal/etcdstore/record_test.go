package etcdstore

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestASessionIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	for _, header := range []sessionHeader{
		{},
		{Epoch: 1, Created: time.Now().UnixNano(), TTL: time.Hour, Write: 1 << 40},
		{Epoch: math.MaxUint64, Created: math.MinInt64, TTL: math.MaxInt64, Write: math.MaxUint64},
		{Epoch: 2, Metadata: map[string]string{"team": "red", `a"b`: "{},"}, Created: 3, TTL: 4, Write: 5},
	} {
		record, err := encode(&header, nil)
		require.NoError(t, err)
		short, err := encodeSession(&header)
		require.NoError(t, err)
		require.Equal(t, string(record), string(short))
		read := sessionHeader{Epoch: 9, TTL: 9}
		if header.Metadata == nil {
			require.True(t, new(sessionHeader).parse(record[2:]), "in the short way")
		}
		_, err = decode(record, &read)
		require.NoError(t, err)
		require.Equal(t, header, read)
	}
}

func TestAVariableIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	for _, header := range []variableHeader{
		{},
		{TypeURL: "type.googleapis.com/google.protobuf.StringValue", Updated: time.Now().UnixNano(), Request: "7f-A ~", Write: math.MaxUint64},
		{TypeURL: "u", Updated: math.MinInt64},
		{Request: "only", Updated: 1},
		{TypeURL: `a "quoted" type`, Request: `back\slash`, Updated: 2, Write: 3},
		{TypeURL: "tab\t", Request: "ü\u2028 and \x7f", Updated: 4, Write: 5},
		{TypeURL: "<&>", Request: "<&>", Updated: 4, Write: 5},
		{TypeURL: "u", Metadata: map[string]string{"team": "red"}, Updated: 6, Request: "r", Write: 7},
		{TypeURL: strings.Repeat("t", 300), Updated: 6, Request: strings.Repeat("r", 300), Write: 7},
	} {
		record, err := encodeVariable(&header, []byte("value"))
		require.NoError(t, err)
		read := variableHeader{}
		value, err := decode(record, &read)
		require.NoError(t, err)
		require.Equal(t, "value", string(value))
		require.Equal(t, header, read)
		if !strings.Contains(header.Request, "<") { // which JSON need not escape, but Go does
			long, err := encode(&header, []byte("value"))
			require.NoError(t, err)
			require.Equal(t, string(long), string(record))
		}
	}
}

func TestAHeaderInAnotherFormIsLeftToJSON(t *testing.T) {
	t.Parallel()
	for _, head := range []string{
		"", "{", "{}", "null",
		`{"epoch":1,"created":2,"ttl":3,"write":4`, `{"epoch":1,"created":2,"ttl":3,"write":4}}`, `{"epoch":1,"created":2,"ttl":3,"write":4,"new":5}`,
		`{"epoch": 1,"created":2,"ttl":3,"write":4}`, `{"created":2,"epoch":1,"ttl":3,"write":4}`, `{"epoch":1,"created":2,"ttl":3}`,
		`{"epoch":-1,"created":2,"ttl":3,"write":4}`, `{"epoch":1e3,"created":2,"ttl":3,"write":4}`, `{"epoch":,"created":2,"ttl":3,"write":4}`,
		`{"epoch":18446744073709551616,"created":2,"ttl":3,"write":4}`,
	} {
		read := sessionHeader{Epoch: 7}
		require.False(t, read.parse([]byte(head)), head)
		require.Equal(t, sessionHeader{Epoch: 7}, read, "nothing is changed by %q", head)
	}
	record, err := encode(map[string]any{"write": 4, "ttl": 3, "created": 2, "epoch": 1, "new": "field"}, nil)
	require.NoError(t, err)
	var read sessionHeader
	_, err = decode(record, &read)
	require.NoError(t, err)
	require.Equal(t, sessionHeader{Epoch: 1, Created: 2, TTL: 3, Write: 4}, read)
}
