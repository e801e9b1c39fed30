package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// documentTests are the tests of the testing strategy's suite "Testing SessionStore", by their names there.
func documentTests() map[string]func(*testing.T, *bench) {
	external := func() []*tool.Spec {
		return []*tool.Spec{{ID: "tool_1", Name: "search", Type: tool.External}, {ID: "tool_2", Name: "calculate", Type: tool.Standard}}
	}
	float := func(bits string) tool.Value {
		return tool.Value{TypeURL: "type.googleapis.com/google.protobuf.DoubleValue", Bytes: []byte(bits)}
	}
	threshold, score := float("\x09\x66\x66\x66\x66\x66\x66\xee\x3f"), float("\x09\x00\x00\x00\x00\x00\x60\x55\x40")
	return map[string]func(*testing.T, *bench){
		"session management/creates and retrieves session": func(t *testing.T, b *bench) {
			require.Equal(t, "test_123", b.session(t, "test_123").Key.ID)
			retrieved, err := b.store.Session(t.Context(), key("test_123"))
			require.NoError(t, err)
			require.Equal(t, "test_123", retrieved.Key.ID)
		},
		"session management/handles non-existent session": func(t *testing.T, b *bench) {
			_, err := b.store.Session(t.Context(), key("missing"))
			wantCode(t, tool.SessionNotFound, err)
		},
		"session management/prevents duplicate sessions": func(t *testing.T, b *bench) {
			b.session(t, "dup_123")
			_, err := b.store.CreateSession(t.Context(), tool.Session{Key: key("dup_123"), TTL: time.Hour})
			wantCode(t, tool.SessionAlreadyExists, err)
		},
		"tool management/registers tools for session": func(t *testing.T, b *bench) {
			b.session(t, "session_123")
			_, err := b.store.RegisterTools(t.Context(), key("session_123"), external())
			require.NoError(t, err)
			record, err := b.store.Session(t.Context(), key("session_123"))
			require.NoError(t, err)
			require.Equal(t, "search", record.Tools.Lookup("tool_1").Name)
		},
		"tool management/isolation between sessions": func(t *testing.T, b *bench) {
			b.session(t, "session_123")
			_, err := b.store.RegisterTools(t.Context(), key("session_123"), external())
			require.NoError(t, err)
			b.session(t, "session_456")
			record, err := b.store.Session(t.Context(), key("session_456"))
			require.NoError(t, err)
			require.Nil(t, record.Tools.Lookup("tool_1"))
		},
		"variable management/sets and gets variables": func(t *testing.T, b *bench) {
			b.session(t, "session_123")
			_, err := b.store.SetVariables(t.Context(), key("session_123"), []broker.VariableWrite{{Variable: tool.Variable{Name: "threshold", Value: threshold}}})
			require.NoError(t, err)
			found, err := b.store.Variable(t.Context(), key("session_123"), "threshold")
			require.NoError(t, err)
			require.Equal(t, threshold, found.Value)
		},
		"variable management/variable metadata": func(t *testing.T, b *bench) {
			b.session(t, "session_123")
			metadata := map[string]string{"type": "float", "created_by": "go"}
			_, err := b.store.SetVariables(t.Context(), key("session_123"), []broker.VariableWrite{{Variable: tool.Variable{Name: "score", Value: score, Metadata: metadata}}})
			require.NoError(t, err)
			found, err := b.store.Variable(t.Context(), key("session_123"), "score")
			require.NoError(t, err)
			require.Equal(t, score, found.Value)
			require.Equal(t, "float", found.Metadata["type"])
		},
		"cleanup/removes session and associated data": func(t *testing.T, b *bench) {
			b.session(t, "cleanup_123")
			_, err := b.store.RegisterTools(t.Context(), key("cleanup_123"), []*tool.Spec{{ID: "t1", Name: "tool"}})
			require.NoError(t, err)
			b.set(t, "cleanup_123", "var", "value")
			_, err = b.store.EndSession(t.Context(), key("cleanup_123"), 0)
			require.NoError(t, err)
			_, err = b.store.Session(t.Context(), key("cleanup_123"))
			wantCode(t, tool.SessionNotFound, err)
			_, err = b.store.Variable(t.Context(), key("cleanup_123"), "var")
			wantCode(t, tool.SessionNotFound, err)
		},
	}
}
