package toolbridge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridgetest"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestAVariableComesBackWithItsMetadataAndRevision(t *testing.T) {
	t.Parallel()
	s := bridgetest.New(t).Session()
	first, err := s.Set(t.Context(), "score", 85.5, toolbridge.Metadata(map[string]string{"type": "float"}))
	require.NoError(t, err)
	score, err := toolbridge.Get[float64](t.Context(), s, "score")
	require.NoError(t, err)
	require.InDelta(t, 85.5, score, 0)
	v, err := s.Variable(t.Context(), "score")
	require.NoError(t, err)
	require.Equal(t, "score", v.Name)
	require.InDelta(t, 85.5, v.Value, 0)
	require.Equal(t, map[string]string{"type": "float"}, v.Metadata)
	require.Equal(t, first, v.Revision)
	require.WithinDuration(t, time.Now(), v.UpdatedAt, time.Minute)
	var f float64
	require.NoError(t, v.Into(&f))
	require.InDelta(t, 85.5, f, 0)
	untyped, err := s.Get(t.Context(), "score")
	require.NoError(t, err)
	require.InDelta(t, 85.5, untyped, 0)
}

func TestAMissingVariableIsNamed(t *testing.T) {
	t.Parallel()
	s := bridgetest.New(t).Session()
	_, err := s.Get(t.Context(), "nothing")
	e := asError(t, err)
	require.Equal(t, tool.VariableNotFound, e.Code)
	require.Contains(t, e.Message, "nothing")
	_, err = s.Variable(t.Context(), "nothing")
	require.Equal(t, tool.VariableNotFound, asError(t, err).Code)
	require.Equal(t, tool.VariableNotFound, asError(t, s.Delete(t.Context(), "nothing")).Code)
}

func TestConditionsGuardAWrite(t *testing.T) {
	t.Parallel()
	s := bridgetest.New(t).Session()
	first, err := s.Set(t.Context(), "x", 1, toolbridge.IfAbsent())
	require.NoError(t, err)
	_, err = s.Set(t.Context(), "x", 2, toolbridge.IfAbsent())
	require.Equal(t, tool.RevisionConflict, asError(t, err).Code)
	second, err := s.Set(t.Context(), "x", 2, toolbridge.IfRevision(first))
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	_, err = s.Set(t.Context(), "x", 3, toolbridge.IfRevision(first))
	require.Equal(t, tool.RevisionConflict, asError(t, err).Code)
	require.Equal(t, tool.RevisionConflict, asError(t, s.Delete(t.Context(), "x", first)).Code)
	require.NoError(t, s.Delete(t.Context(), "x", second))
}

func TestSeveralVariablesAreWrittenTogetherAndListed(t *testing.T) {
	t.Parallel()
	s := bridgetest.New(t).Session()
	require.NoError(t, s.SetAll(t.Context(), map[string]any{"a.two": 2, "a.one": 1, "b": []any{"x"}}))
	require.Error(t, s.SetAll(t.Context(), map[string]any{"ok": 1, "": 2}))
	listed := bridgetest.Record(s.Variables(t.Context(), "a."))
	require.NoError(t, listed.Err)
	require.Len(t, listed.Items, 2)
	require.Equal(t, "a.one", listed.Items[0].Name)
	require.Equal(t, int64(1), listed.Items[0].Value)
	names := bridgetest.Record(s.VariableNames(t.Context(), ""))
	require.Len(t, names.Items, 3)
	require.Nil(t, names.Items[2].Value)
	require.True(t, names.Items[2].Encoded.IsZero())
	require.Len(t, bridgetest.RecordSome(s.Variables(t.Context(), ""), 1).Items, 1)
}

func TestBadVariablesAreRefusedBeforeTheyAreSent(t *testing.T) {
	t.Parallel()
	s := bridgetest.New(t).Session()
	_, err := s.Set(t.Context(), "large", strings.Repeat("x", 2<<20))
	require.Equal(t, tool.MessageTooLarge, asError(t, err).Code)
	require.Contains(t, err.Error(), `message too large: variable "large"`)
	require.Contains(t, err.Error(), "the bridge takes 1048576")
	require.Contains(t, err.Error(), "a table that is one alone, of a call over a link, may be larger than a message")
	_, err = s.Set(t.Context(), "", 1)
	require.Equal(t, tool.ValidationError, asError(t, err).Code)
	_, err = s.Set(t.Context(), "x", make(chan int))
	require.Equal(t, tool.SerializationError, asError(t, err).Code)
	require.Contains(t, err.Error(), `variable "x" cannot be encoded`)
}

func TestAWatchBeginsWithWhatIsThereAndThenFollows(t *testing.T) {
	t.Parallel()
	s := bridgetest.New(t).Session()
	_, err := s.Set(t.Context(), "x", 1)
	require.NoError(t, err)
	_, err = s.Set(t.Context(), "unwatched", 1)
	require.NoError(t, err)
	var seen []toolbridge.VariableChange
	for change, err := range s.Watch(t.Context(), "x") {
		require.NoError(t, err)
		seen = append(seen, change)
		switch {
		case change.Current:
			_, err := s.Set(t.Context(), "x", 2)
			require.NoError(t, err)
		case change.Variable.Value == int64(2):
			require.NoError(t, s.Delete(t.Context(), "x"))
		}
		if change.Deleted {
			break
		}
	}
	require.Len(t, seen, 4)
	require.Equal(t, int64(1), seen[0].Variable.Value)
	require.True(t, seen[1].Current)
	require.Equal(t, int64(2), seen[2].Variable.Value)
	require.Equal(t, "x", seen[3].Variable.Name)
}

func TestAWatchEndsWithItsSession(t *testing.T) {
	t.Parallel()
	s := bridgetest.New(t).Session()
	var last error
	for change, err := range s.Watch(t.Context()) {
		last = err
		if change.Current {
			_, err := s.End(t.Context(), toolbridge.Force())
			require.NoError(t, err)
		}
	}
	require.Equal(t, tool.SessionExpired, asError(t, last).Code)
}
