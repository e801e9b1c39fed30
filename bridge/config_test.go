package bridge_test

import (
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/bridge"
)

func TestConfig_defaults_are_those_of_the_documentation(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/data")
	b, err := bridge.New(bridge.Config{})
	require.NoError(t, err)

	got := b.Config()

	require.Equal(t, "127.0.0.1:50051", got.GRPC)
	require.Equal(t, "/data/toolbridge", got.Data)
	require.Equal(t, "/toolbridge/", got.Etcd.Prefix)
	require.Equal(t, bridge.Limits{
		ValueBytes: 10 << 20, TableBytes: 1 << 30, VariableBytes: 1 << 20, BatchItems: 10_000, CallDepth: 32, QueueCalls: 1024, QueueBytes: 64 << 20,
		LinkCalls: 4096, CallTimeout: 30 * time.Second, StreamIdle: 30 * time.Second, SessionTTL: time.Hour,
		RecordedFor: 10 * time.Minute, RecordedBytes: 256 << 20,
	}, got.Limits)
	require.Equal(t, 5*time.Second, got.ReattachGrace)
	require.Equal(t, 15*time.Second, got.PingInterval)
	require.Equal(t, 10*time.Second, got.SweepInterval)
	require.NotNil(t, got.Logger)
	require.Empty(t, b.Addr())
}

func TestConfig_keeps_its_state_in_the_home_folder_where_no_other_is_named(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "")
	t.Setenv("HOME", "/home/somebody")
	b, err := bridge.New(bridge.Config{})
	require.NoError(t, err)
	require.Equal(t, "/home/somebody/.local/share/toolbridge", b.Config().Data)
}

func TestConfig_without_any_home_asks_for_a_folder(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "relative")
	t.Setenv("HOME", "")
	_, err := bridge.New(bridge.Config{})
	require.ErrorContains(t, err, "--data DIR")
}

func TestConfig_in_memory_or_in_a_cluster_needs_no_folder(t *testing.T) {
	t.Parallel()
	for _, cfg := range []bridge.Config{{Memory: true}, {Etcd: bridge.Etcd{Endpoints: []string{"http://127.0.0.1:2379"}}}} {
		b, err := bridge.New(cfg)
		require.NoError(t, err)
		require.Empty(t, b.Config().Data)
	}
}

func TestNew_refuses_a_config_that_cannot_work_and_names_the_field(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]bridge.Config{
		`grpc address "50051"`:                                  {GRPC: "50051"},
		`port "many" is not a number`:                           {GRPC: "127.0.0.1:many"},
		`port "70000" is not a number`:                          {GRPC: "127.0.0.1:70000"},
		`"0.0.0.0:50051" can be reached by others`:              {GRPC: "0.0.0.0:50051"},
		`":50051" can be reached by others`:                     {GRPC: ":50051"},
		`"[::]:50051" can be reached by others`:                 {GRPC: "[::]:50051"},
		`"10.0.0.7:50051" can be reached by others`:             {GRPC: "10.0.0.7:50051"},
		`"example.org:50051" can be reached by others`:          {GRPC: "example.org:50051"},
		"memory and etcd exclude each other":                    {Memory: true, Etcd: bridge.Etcd{Endpoints: []string{"http://a:1"}}},
		`memory and the data folder "kept" exclude each other`:  {Memory: true, Data: "kept"},
		`etcd endpoint "a:2379"`:                                {Etcd: bridge.Etcd{Endpoints: []string{"a:2379"}}},
		`etcd endpoint ""`:                                      {Etcd: bridge.Etcd{Endpoints: []string{"http://a:1", ""}}},
		"an etcd endpoint holds credentials":                    {Etcd: bridge.Etcd{Endpoints: []string{"http://me:secret@a:1"}}},
		"is not encrypted although":                             {Etcd: bridge.Etcd{Endpoints: []string{"http://a:1"}, CA: "ca.pem"}},
		"etcd.cert and etcd.key belong together":                {Memory: true, Etcd: bridge.Etcd{Key: "key.pem"}},
		"limits.value_bytes is 15728641: want 1 to 15728640":    {Limits: bridge.Limits{ValueBytes: 15<<20 + 1}},
		"limits.value_bytes is -1":                              {Limits: bridge.Limits{ValueBytes: -1}},
		"limits.variable_bytes is -1: want more than 0":         {Limits: bridge.Limits{VariableBytes: -1}},
		"limits.table_bytes is -1: want more than 0":            {Limits: bridge.Limits{TableBytes: -1}},
		"limits.recorded_for is -1: want more than 0":           {Limits: bridge.Limits{RecordedFor: -1}},
		"limits.recorded_bytes is -1: want more than 0":         {Limits: bridge.Limits{RecordedBytes: -1}},
		"limits.call_depth is -1":                               {Limits: bridge.Limits{CallDepth: -1}},
		"limits.session_ttl is 721h0m0s: want at most 720h0m0s": {Limits: bridge.Limits{SessionTTL: 721 * time.Hour}},
		"rates.session.per_second is -1":                        {Rates: bridge.Rates{Session: bridge.Rate{PerSecond: -1}}},
		"rates.tools.x.per_second is +Inf":                      {Rates: bridge.Rates{Tools: map[string]bridge.Rate{"x": {PerSecond: math.Inf(1)}}}},
		"rates.tools.x.burst is 5 without a rate":               {Rates: bridge.Rates{Tools: map[string]bridge.Rate{"x": {Burst: 5}}}},
		"reattach_grace is -1":                                  {ReattachGrace: -1},
	} {
		if !cfg.Memory && len(cfg.Etcd.Endpoints) == 0 {
			cfg.Data = "unused"
		}
		_, err := bridge.New(cfg)
		require.ErrorContains(t, err, want)
		require.Error(t, cfg.Check())
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestConfig_listens_where_others_can_reach_it_only_when_told_so(t *testing.T) {
	t.Parallel()
	for _, cfg := range []bridge.Config{
		{GRPC: "0.0.0.0:0", InsecureListen: true, Memory: true},
		{GRPC: "localhost:0", Memory: true},
		{GRPC: "[::1]:0", Memory: true},
		{GRPC: "127.0.0.2:0", Memory: true},
	} {
		require.NoError(t, cfg.Check())
	}
}

func TestLoadConfig_reads_every_field_of_a_file(t *testing.T) {
	t.Parallel()
	path := file(t, "bridge.yaml", `
grpc: 127.0.0.1:6000
insecure_listen: true
data: /var/lib/bridge
memory: false
etcd: {endpoints: ["https://a:2379", "https://b:2379"], prefix: /p/, username: u, password: p, ca: ca.pem, cert: c.pem, key: k.pem}
limits: {value_bytes: 1, variable_bytes: 2, batch_items: 3, call_depth: 4, queue_calls: 5, queue_bytes: 6, link_calls: 7,
  call_timeout: 8s, stream_idle: 9s, session_ttl: 10m, recorded_for: 11s, recorded_bytes: 12, table_bytes: 13}
rates: {session: {per_second: 50, burst: 100}, tools: {search: {per_second: 0.5}}}
reattach_grace: 1s
ping_interval: 2s
sweep_interval: 3s
`)

	got, err := bridge.LoadConfig(path, environment(nil))

	require.NoError(t, err)
	require.Equal(t, bridge.Config{
		GRPC: "127.0.0.1:6000", InsecureListen: true, Data: "/var/lib/bridge",
		Etcd: bridge.Etcd{
			Endpoints: []string{"https://a:2379", "https://b:2379"}, Prefix: "/p/", Username: "u", Password: "p", CA: "ca.pem", Cert: "c.pem", Key: "k.pem",
		},
		Limits: bridge.Limits{
			ValueBytes: 1, TableBytes: 13, VariableBytes: 2, BatchItems: 3, CallDepth: 4, QueueCalls: 5, QueueBytes: 6, LinkCalls: 7,
			CallTimeout: 8 * time.Second, StreamIdle: 9 * time.Second, SessionTTL: 10 * time.Minute,
			RecordedFor: 11 * time.Second, RecordedBytes: 12,
		},
		Rates:         bridge.Rates{Session: bridge.Rate{PerSecond: 50, Burst: 100}, Tools: map[string]bridge.Rate{"search": {PerSecond: 0.5}}},
		ReattachGrace: time.Second, PingInterval: 2 * time.Second, SweepInterval: 3 * time.Second,
	}, got)
}

func TestLoadConfig_refuses_a_fraction_where_a_whole_number_is_wanted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"rates: {session: {per_second: 1.5, burst: 1.5}}":                      "line 1: burst is 1.5: want a whole number",
		"rates:\n  tools:\n    search: {per_second: 0.5, burst: 2.01}":         "line 3: burst is 2.01: want a whole number",
		"limits: {batch_items: .5, call_depth: 2.5}":                           "line 1: batch_items is .5: want a whole number; line 1: call_depth is 2.5",
		"rates: {session: &r {per_second: 1, burst: 2.5}, tools: {other: *r}}": "burst is 2.5",
	} {
		_, err := bridge.LoadConfig(file(t, "bridge.yaml", text), environment(nil))
		require.ErrorContains(t, err, want, text)
	}
	got, err := bridge.LoadConfig(file(t, "bridge.yaml", "limits: {value_bytes: 1e6, batch_items: 3.0}"), environment(nil))
	require.NoError(t, err)
	require.Equal(t, bridge.Limits{ValueBytes: 1_000_000, BatchItems: 3}, got.Limits)
}

func TestLoadConfig_lets_the_environment_win_over_the_file(t *testing.T) {
	t.Parallel()
	path := file(t, "bridge.yaml", "grpc: 127.0.0.2:6000\nmemory: true\netcd: {username: file, password: file}\n")
	for name, c := range map[string]struct {
		env  map[string]string
		want bridge.Config
	}{
		"nothing": {nil, bridge.Config{GRPC: "127.0.0.2:6000", Memory: true, Etcd: bridge.Etcd{Username: "file", Password: "file"}}},
		"port keeps the host": {map[string]string{"GRPC_PORT": "7"}, bridge.Config{
			GRPC: "127.0.0.2:7", Memory: true, Etcd: bridge.Etcd{Username: "file", Password: "file"},
		}},
		"address wins over the port": {map[string]string{"GRPC_PORT": "7", "TOOLBRIDGE_GRPC": "[::1]:8"}, bridge.Config{
			GRPC: "[::1]:8", Memory: true, Etcd: bridge.Etcd{Username: "file", Password: "file"},
		}},
		"folder instead of memory": {map[string]string{"TOOLBRIDGE_DATA": "/d"}, bridge.Config{
			GRPC: "127.0.0.2:6000", Data: "/d", Etcd: bridge.Etcd{Username: "file", Password: "file"},
		}},
		"cluster instead of memory": {
			map[string]string{"TOOLBRIDGE_ETCD": "http://a:1,http://b:1", "TOOLBRIDGE_ETCD_USERNAME": "env", "TOOLBRIDGE_ETCD_PASSWORD": "env2"},
			bridge.Config{GRPC: "127.0.0.2:6000", Etcd: bridge.Etcd{Endpoints: []string{"http://a:1", "http://b:1"}, Username: "env", Password: "env2"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := bridge.LoadConfig(path, environment(c.env))
			require.NoError(t, err)
			require.Equal(t, c.want, got)
			require.NoError(t, got.Check())
		})
	}
}

func TestLoadConfig_without_a_file_takes_the_port_on_loopback(t *testing.T) {
	t.Parallel()
	got, err := bridge.LoadConfig("", environment(map[string]string{"GRPC_PORT": "6001"}))
	require.NoError(t, err)
	require.Equal(t, bridge.Config{GRPC: "127.0.0.1:6001"}, got)
}

func TestLoadConfig_says_what_is_wrong_with_a_file(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"gprc: 127.0.0.1:1\nmemry: true\n": "line 1: field gprc not found in type bridge.Config; line 2: field memry not found",
		"limits: {call_timeout: soon}":     "line 1: cannot unmarshal !!str `soon` into time.Duration",
		"grpc: [":                          "did not find expected node content",
	} {
		path := file(t, "bridge.yaml", text)
		_, err := bridge.LoadConfig(path, environment(nil))
		require.ErrorContains(t, err, path)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "\n")
	}
	_, err := bridge.LoadConfig(filepath.Join(t.TempDir(), "none.yaml"), environment(nil))
	require.ErrorContains(t, err, "none.yaml")
}

func TestLoadConfig_takes_an_empty_file(t *testing.T) {
	t.Parallel()
	got, err := bridge.LoadConfig(file(t, "bridge.yaml", "# nothing\n"), environment(nil))
	require.NoError(t, err)
	require.Equal(t, bridge.Config{}, got)
}
