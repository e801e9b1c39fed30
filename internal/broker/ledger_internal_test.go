package broker

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// TestIDsWithOneHashAreToldApart compares a ledger in which many ids have one hash with a plain map.
func TestIDsWithOneHashAreToldApart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newLedger(Limits{RecordedFor: time.Minute, RecordedBytes: 1 << 20})
		hashes := rapid.Uint64Range(1, 3).Draw(t, "hashes")
		l.hash = func(id string) uint64 { return uint64(id[0]) % hashes }
		key, known := tool.SessionKey{Owner: "o", ID: "s"}, map[string]*record{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			id := string(rune('a' + rapid.IntRange(0, 7).Draw(t, "id")))
			rec, first, _ := l.enter(&request{key: key, id: id, payload: 1}, &flight{}, time.Now())
			require.Equal(t, known[id] == nil, first, id)
			if !first {
				require.Same(t, known[id], rec)
			}
			known[id] = rec
			switch rapid.IntRange(0, 3).Draw(t, "then") {
			case 0:
				l.discard(rec)
				delete(known, id)
			case 1:
				if first {
					l.conclude(rec, concluded, 1, tool.Result{}, nil, time.Now())
				}
			case 2:
				l.forget(key, 1)
				for id, rec := range known {
					if rec.state != underWay {
						delete(known, id)
					}
				}
			default:
			}
		}
		for id, rec := range known {
			found, _ := l.sessions[key].find(l.hash(id), id)
			require.Same(t, rec, found)
			l.discard(rec)
		}
		require.Empty(t, l.sessions)
		require.Zero(t, l.bytes)
		require.Nil(t, l.oldest)
		require.Nil(t, l.newest)
	})
}

func TestARecordKeepsNothingOfTheMessageThatItCameIn(t *testing.T) {
	t.Parallel()
	l := newLedger(Limits{RecordedFor: time.Minute, RecordedBytes: 1 << 20})
	rec, _, _ := l.enter(&request{id: "id"}, &flight{}, time.Now())
	body := []byte("value")
	l.conclude(rec, concluded, 1, tool.Result{Value: tool.Value{TypeURL: "type", Bytes: body}, Metrics: tool.Metrics{Worker: "worker"}, Replayed: true}, nil, time.Now())
	clear(body)
	result, err := rec.answer(&tool.Call{})
	require.NoError(t, err)
	require.Equal(t, tool.Result{Value: tool.Value{TypeURL: "type", Bytes: []byte("value")}, Metrics: tool.Metrics{Worker: "worker"}, Replayed: true}, result)
	clear(result.Value.Bytes)
	again, _ := rec.answer(&tool.Call{})
	require.Equal(t, "value", string(again.Value.Bytes), "whoever gets an answer may do with it as he likes")
}

func TestTheOldestRecordsGoFirstAndAfterTheirTime(t *testing.T) {
	t.Parallel()
	l := newLedger(Limits{RecordedFor: time.Minute, RecordedBytes: 10 * (recordOverhead + 1)})
	now := time.Now()
	for i := range 20 {
		rec, first, _ := l.enter(&request{id: string(rune('a' + i))}, &flight{}, now)
		require.True(t, first)
		l.conclude(rec, concluded, 1, tool.Result{}, errors.New(strconv.Itoa(i)), now.Add(time.Duration(i)*time.Second))
	}
	require.Equal(t, "k", l.oldest.id)
	l.sweep(now.Add(74 * time.Second))
	require.Equal(t, "p", l.oldest.id, "of second 15, kept for a minute")
	l.sweep(now.Add(79 * time.Second))
	require.Empty(t, l.sessions)
}
