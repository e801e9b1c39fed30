package telemetry_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/telemetry"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestCallsAreCountedByToolKindAndOutcome(t *testing.T) {
	t.Parallel()
	m := telemetry.NewMetrics("test")
	call, metrics := sample("search")
	m.CallEnded(call, metrics, 7, nil)
	m.CallEnded(call, metrics, 7, nil)
	m.CallEnded(call, tool.Metrics{Duration: time.Second, Queue: time.Second}, 0, tool.Errorf(tool.Overloaded, "no"))
	stream, metrics := sample("search")
	stream.Stream = true
	metrics.Attempts = 3
	m.CallEnded(stream, metrics, 9, nil)

	text := scrape(t, m)

	for _, line := range []string{
		`toolbridge_calls_total{kind="call",outcome="ok",tool="search"} 2`,
		`toolbridge_calls_total{kind="call",outcome="Overloaded",tool="search"} 1`,
		`toolbridge_calls_total{kind="stream",outcome="ok",tool="search"} 1`,
		`toolbridge_call_duration_seconds_count{kind="call",tool="search"} 3`,
		`toolbridge_call_duration_seconds_bucket{kind="call",tool="search",le="0.00025"} 2`,
		`toolbridge_call_phase_seconds_count{phase="execute"} 3`,
		`toolbridge_call_phase_seconds_count{phase="transport"} 3`,
		`toolbridge_call_phase_seconds_count{phase="route"} 4`,
		`toolbridge_call_phase_seconds_count{phase="queue"} 1`,
		`toolbridge_call_phase_seconds_sum{phase="queue"} 1`,
		`toolbridge_call_argument_bytes_count 4`,
		`toolbridge_call_result_bytes_count 3`,
		`toolbridge_call_result_bytes_sum 23`,
		`toolbridge_call_redispatches_total 2`,
		`toolbridge_info{version="test"} 1`,
	} {
		require.Contains(t, text, line+"\n")
	}
}

func TestPhasesThatACallDidNotHaveOrThatNobodyKnowsAreNotCounted(t *testing.T) {
	t.Parallel()
	m := telemetry.NewMetrics("test")
	call, _ := sample("search")
	for _, metrics := range []tool.Metrics{
		{Duration: 3 * time.Second, Route: time.Second, Execute: 2 * time.Second, Attempts: 1},                     // its host did not answer
		{Duration: 3 * time.Second, Route: time.Second, Transport: 2 * time.Second, Attempts: 1},                   // its host did not take it
		{Duration: 3 * time.Second, Route: time.Second, Queue: 2 * time.Second},                                    // nobody got it
		{Duration: 3 * time.Second, Route: time.Second, Execute: time.Second, Transport: time.Second, Attempts: 1}, // all went well
	} {
		m.CallEnded(call, metrics, 0, tool.Errorf(tool.DeadlineExceeded, "late"))
	}

	text := scrape(t, m)

	for _, line := range []string{
		`toolbridge_call_phase_seconds_count{phase="route"} 4`,
		`toolbridge_call_phase_seconds_count{phase="queue"} 1`,
		`toolbridge_call_phase_seconds_count{phase="execute"} 2`,
		`toolbridge_call_phase_seconds_sum{phase="execute"} 3`,
		`toolbridge_call_phase_seconds_count{phase="transport"} 2`,
		`toolbridge_call_phase_seconds_sum{phase="transport"} 3`,
	} {
		require.Contains(t, text, line+"\n")
	}
}

func TestWorkersSessionsAndWritesAreCounted(t *testing.T) {
	t.Parallel()
	m := telemetry.NewMetrics("test")
	for _, state := range []broker.HostState{broker.Ready, broker.Unresponsive, broker.Detached, broker.Ready, broker.Draining} {
		m.HostChanged("worker-1", state, false)
	}
	m.HostChanged("worker-1", broker.Detached, true)
	key := tool.SessionKey{Owner: "canary-owner", ID: "canary-session"}
	m.SessionChanged(key, 1)
	m.SessionChanged(key, 1)
	m.SessionChanged(key, -1)
	m.StoreAnswered("create_session", 2*time.Millisecond, nil)
	m.StoreAnswered("create_session", time.Second, tool.Errorf(tool.StoreUnavailable, "no"))
	m.StoreAnswered("set_variables", time.Second, errors.New("not ours"))
	m.StoreRead("get_variable", 20*time.Microsecond, nil)
	m.StoreRead("watch_variables", time.Second, tool.Errorf("canary-code", "a code that is in no table"))

	text := scrape(t, m)

	for _, line := range []string{
		`toolbridge_worker_changes_total{state="ready"} 2`,
		`toolbridge_worker_changes_total{state="unresponsive"} 1`,
		`toolbridge_worker_changes_total{state="detached"} 1`,
		`toolbridge_worker_changes_total{state="draining"} 1`,
		`toolbridge_worker_changes_total{state="gone"} 1`,
		`toolbridge_session_changes_total{event="created"} 2`,
		`toolbridge_session_changes_total{event="ended"} 1`,
		`toolbridge_store_write_seconds_count{outcome="ok",verb="create_session"} 1`,
		`toolbridge_store_write_seconds_count{outcome="StoreUnavailable",verb="create_session"} 1`,
		`toolbridge_store_write_seconds_count{outcome="Internal",verb="set_variables"} 1`,
		`toolbridge_store_read_seconds_bucket{outcome="ok",verb="get_variable",le="1e-05"} 0`,
		`toolbridge_store_read_seconds_bucket{outcome="ok",verb="get_variable",le="2.5e-05"} 1`,
		`toolbridge_store_read_seconds_count{outcome="Internal",verb="watch_variables"} 1`,
	} {
		require.Contains(t, text, line+"\n")
	}
	require.NotContains(t, text, "worker-1", "identities are no labels")
	require.NotContains(t, text, "canary")
}

func TestStateIsReadWhenSomebodyAsks(t *testing.T) {
	t.Parallel()
	load := broker.Load{Running: 5, Sessions: 3, Queues: []broker.QueueLoad{
		{Tool: "search", Calls: 2, Bytes: 20}, {Tool: "search", Session: true, Calls: 1, Bytes: 1}, {Tool: "first call waits", Calls: 4, Bytes: 8},
	}}
	m := watched(load, telemetry.Links{
		ByState: map[string]int{"ready": 2, "detached": 1}, QueuedBytes: 6, CreditWaits: 7, LateFrames: 8, MessagesSent: 9, MessagesRead: 10,
	})
	call, metrics := sample("search")
	m.CallEnded(call, metrics, 0, nil)

	text := scrape(t, m)

	for _, line := range []string{
		`toolbridge_calls_running 5`, `toolbridge_sessions 3`,
		`toolbridge_queue_calls{tool="search"} 3`, `toolbridge_queue_bytes{tool="search"} 21`,
		`toolbridge_queue_calls{tool="first call waits"} 4`,
		`toolbridge_links{state="ready"} 2`, `toolbridge_links{state="detached"} 1`,
		`toolbridge_link_queued_bytes 6`, `toolbridge_link_credit_waits_total 7`, `toolbridge_link_late_frames_total 8`,
		`toolbridge_link_messages_total{direction="sent"} 9`, `toolbridge_link_messages_total{direction="read"} 10`,
	} {
		require.Contains(t, text, line+"\n")
	}
	require.NotContains(t, scrape(t, watched(broker.Load{Sessions: -1}, telemetry.Links{})), "toolbridge_sessions ",
		"a store that does not count has no number")
}

func TestToolsThatAreWaitedForHaveNoMoreLabelsThanOthers(t *testing.T) {
	t.Parallel()
	var load broker.Load
	for i := range 2000 {
		load.Queues = append(load.Queues, broker.QueueLoad{Tool: fmt.Sprint("own-", i), Session: true, Calls: 1}, broker.QueueLoad{Tool: fmt.Sprint("shared-", i), Calls: 1})
	}
	m := watched(load, telemetry.Links{})

	text := scrape(t, m)

	require.Equal(t, telemetry.MaxTools/2, strings.Count(text, `toolbridge_queue_calls{tool="own-`))
	require.Equal(t, telemetry.MaxTools/2, strings.Count(text, `toolbridge_queue_calls{tool="shared-`))
	require.Contains(t, text, `toolbridge_queue_calls{tool="other"} 3500`)
	require.NotContains(t, text, "toolbridge_calls_total", "no call has ended")
}

func TestNobodyOutsideMakesLabels(t *testing.T) {
	t.Parallel()
	m := telemetry.NewMetrics("test")
	for i := range 5000 {
		unknown, metrics := sample(fmt.Sprint("guess-", i))
		unknown.Spec = nil
		m.CallEnded(unknown, metrics, 0, tool.Errorf(tool.ToolNotFound, "no"))
		own, metrics := sample(fmt.Sprint("own-", i))
		own.Spec.SessionID = "s"
		m.CallEnded(own, metrics, 0, nil)
		shared, metrics := sample(fmt.Sprint("shared-", i))
		m.CallEnded(shared, metrics, 0, nil)
		m.CallEnded(shared, metrics, 0, tool.Errorf(tool.Code(fmt.Sprint("Made-up-", i)), "a worker sends what it likes"))
	}

	text := scrape(t, m)

	require.NotContains(t, text, "guess-")
	require.NotContains(t, text, "Made-up-")
	require.Contains(t, text, `toolbridge_calls_total{kind="call",outcome="ToolNotFound",tool="unknown"} 5000`)
	tools := map[string]bool{}
	own := 0
	for _, line := range ours(text) {
		if _, after, is := strings.Cut(line, `tool="`); is {
			name, _, _ := strings.Cut(after, `"`)
			if !tools[name] && strings.HasPrefix(name, "own-") {
				own++
			}
			tools[name] = true
		}
	}
	require.Len(t, tools, telemetry.MaxTools+2)
	require.Equal(t, telemetry.MaxTools/2, own, "tools of sessions leave room for those of everybody")
	require.True(t, tools[telemetry.Other] && tools[telemetry.Unknown])
	require.Less(t, len(text), 4<<20)
}

func TestALabelIsTextAndShort(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		`quo"te\`:                     `tool="quo\"te\\"`,
		strings.Repeat("x", 64):       `tool="` + strings.Repeat("x", 64) + `"`,
		strings.Repeat("x", 256):      `tool="` + strings.Repeat("x", 64) + `…"`,
		"x" + strings.Repeat("é", 99): `tool="x` + strings.Repeat("é", 31) + `…"`,
		"bad \xff utf":                `tool="bad ? utf"`,
	} {
		m := telemetry.NewMetrics("test")
		call, metrics := sample(id)
		m.CallEnded(call, metrics, 0, nil)
		require.Contains(t, scrape(t, m), want)
	}
}

func TestManyCountAtOnceWhileOthersRead(t *testing.T) {
	t.Parallel()
	m := watched(broker.Load{}, telemetry.Links{})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 700 {
				call, metrics := sample(fmt.Sprint("tool-", i%30))
				call.Stream = i%2 == 0
				m.CallEnded(call, metrics, 1, nil)
			}
		})
	}
	all.Go(func() { _ = scrape(t, m) })
	all.Wait()
	require.Contains(t, scrape(t, m), `toolbridge_call_argument_bytes_count 5600`)
}

func TestTheRegistryIsOurOwn(t *testing.T) {
	t.Parallel()
	telemetry.NewMetrics("one")
	telemetry.NewMetrics("two") // the same names again
	families, err := prometheus.DefaultGatherer.Gather()
	require.NoError(t, err)
	for _, f := range families {
		require.NotContains(t, f.GetName(), "toolbridge")
	}
}
