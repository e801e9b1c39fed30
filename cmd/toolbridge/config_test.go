package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConfigCheck_shows_what_holds_in_the_end(t *testing.T) {
	t.Parallel()
	path := file(t, "c.yaml", "grpc: 127.0.0.1:1\nmemory: true\nlimits: {call_timeout: 7s}\n")
	for name, c := range map[string]struct {
		env  map[string]string
		args []string
		grpc string
		want string
	}{
		"the file":                       {nil, []string{path}, "127.0.0.1:1", "in memory"},
		"the file by its flag":           {nil, []string{"--config", path}, "127.0.0.1:1", "in memory"},
		"environment over file":          {map[string]string{"GRPC_PORT": "2", "TOOLBRIDGE_DATA": "/d"}, []string{path}, "127.0.0.1:2", "in /d"},
		"flags over environment":         {map[string]string{"GRPC_PORT": "2", "TOOLBRIDGE_DATA": "/d"}, []string{path, "--grpc", "127.0.0.1:3", "--data", "/e"}, "127.0.0.1:3", "in /e"},
		"memory over all":                {map[string]string{"TOOLBRIDGE_ETCD": "http://a:1"}, []string{path, "--memory"}, "127.0.0.1:1", "in memory"},
		"a cluster over all":             {map[string]string{"TOOLBRIDGE_DATA": "/d"}, []string{path, "--etcd", "http://a:1,http://b:1", "--etcd-prefix", "/p/"}, "127.0.0.1:1", "in etcd at [http://a:1 http://b:1] under /p/"},
		"a cluster from the environment": {map[string]string{"TOOLBRIDGE_ETCD": "http://a:1"}, []string{path}, "127.0.0.1:1", "in etcd at [http://a:1]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got struct {
				Valid  bool
				GRPC   string
				Store  string
				Limits struct {
					CallTimeout float64 `json:"call_timeout_seconds"`
				}
			}
			runWith(t.Context(), c.env, "", append([]string{"config", "check", "--json"}, c.args...)...).document(t, &got)
			require.True(t, got.Valid)
			require.Equal(t, c.grpc, got.GRPC)
			require.Contains(t, got.Store, c.want)
			require.InDelta(t, 7, got.Limits.CallTimeout, 0)
		})
	}
}

func TestConfigCheck_for_people(t *testing.T) {
	t.Parallel()
	out := alone(t, "config", "check", "--memory")
	require.Equal(t, exitOK, out.code)
	require.Contains(t, out.stdout, "the config is valid\n")
	require.Regexp(t, `(?m)^grpc +127\.0\.0\.1:50051$`, out.stdout)
	require.Regexp(t, `(?m)^call timeout +30s$`, out.stdout)
}

func TestConfigCheck_shows_people_every_setting_of_the_document(t *testing.T) {
	t.Parallel()
	out := alone(t, "config", "check", "--json", "--memory")
	var settings map[string]any
	out.document(t, &settings)
	shown := alone(t, "config", "check", "--memory").stdout
	for _, part := range []string{"limits", "telemetry"} {
		for name := range settings[part].(map[string]any) {
			settings[name] = nil
		}
		delete(settings, part)
	}
	for _, apart := range []string{"valid", "rates"} { // said in words of their own
		delete(settings, apart)
	}
	for name := range settings {
		label := strings.ReplaceAll(strings.TrimSuffix(name, "_seconds"), "_", " ")
		require.Regexp(t, "(?m)^"+label+"  ", shown)
	}
}

func TestConfigCheck_shows_the_rates(t *testing.T) {
	t.Parallel()
	path := file(t, "c.yaml", "memory: true\nrates: {session: {per_second: 50, burst: 100}, tools: {search: {per_second: 0.5}, any: {}}}\n")
	out := alone(t, "config", "check", path)
	require.Equal(t, exitOK, out.code, out.stderr)
	require.Regexp(t, `(?m)^rate of a session +50 calls a second, 100 at once$`, out.stdout)
	require.Regexp(t, `(?m)^rates of tools +any: no limit; search: 0.5 calls a second$`, out.stdout)
	type rate struct {
		PerSecond float64 `json:"per_second"`
		Burst     int
	}
	var got struct {
		Rates struct {
			Session rate
			Tools   map[string]rate
		}
	}
	alone(t, "config", "check", path, "--json").document(t, &got)
	require.Equal(t, rate{50, 100}, got.Rates.Session)
	require.Equal(t, rate{0.5, 0}, got.Rates.Tools["search"])
}

func TestConfigCheck_never_prints_a_password(t *testing.T) {
	t.Parallel()
	path := file(t, "c.yaml", "etcd: {endpoints: [\"https://a:1\"], username: u, password: hush}\n")
	for _, args := range [][]string{{path}, {path, "--json"}} {
		out := runWith(t.Context(), map[string]string{"TOOLBRIDGE_ETCD_PASSWORD": "hush"}, "", append([]string{"config", "check"}, args...)...)
		require.Equal(t, exitOK, out.code)
		require.NotContains(t, out.stdout+out.stderr, "hush")
	}
}

func TestConfigCheck_says_what_is_wrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"gprc: x":                                 "field gprc not found",
		"memory: true\ngrpc: a":                   `grpc address "a"`,
		"limits: {session_ttl: 9999h}":            "limits.session_ttl is 9999h0m0s",
		"limits: {call_depth: -3}":                "limits.call_depth is -3",
		"rates: {session: {per_second: .nan}}":    "rates.session.per_second is NaN",
		"rates: {tools: {x: {per_second: .inf}}}": "rates.tools.x.per_second is +Inf",
		"rates: {tools: {x: {per_second: -1}}}":   "rates.tools.x.per_second is -1",
		"rates: {tools: {x: {burst: 2}}}":         "rates.tools.x.burst is 2 without a rate",
		"rates: {session: {rate: 2}}":             "field rate not found",
	} {
		out := alone(t, "config", "check", file(t, "c.yaml", text))
		require.Equal(t, exitUsage, out.code)
		require.Contains(t, out.stderr, want)
	}
	require.Contains(t, alone(t, "config", "check", "a", "--config", "b").stderr, "named twice")
}
