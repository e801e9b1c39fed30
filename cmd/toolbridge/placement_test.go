package main

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHTTP_address_is_the_one_asked_for_or_beside_that_of_gRPC(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env  map[string]string
		args []string
		want string
	}{
		{nil, nil, "127.0.0.1:8080"},
		{nil, []string{"--grpc", "127.0.0.1:50051"}, "127.0.0.1:8080"},
		{nil, []string{"--grpc", "127.0.0.1:0"}, "127.0.0.1:0"},
		{map[string]string{"GRPC_PORT": "7"}, nil, "127.0.0.1:0"},
		{map[string]string{"GRPC_PORT": "7", "HTTP_PORT": "8"}, nil, "127.0.0.1:8"},
		{map[string]string{"TOOLBRIDGE_HTTP": "127.0.0.1:9"}, nil, "127.0.0.1:9"},
		{map[string]string{"TOOLBRIDGE_HTTP": "127.0.0.1:9"}, []string{"--http", "127.0.0.1:10"}, "127.0.0.1:10"},
		{nil, []string{"--http", "off"}, ""},
		{map[string]string{"TOOLBRIDGE_HTTP": "off"}, nil, ""},
	} {
		var got struct {
			HTTP  string
			Hosts []string `json:"http_hosts"`
		}
		runWith(t.Context(), c.env, "", append([]string{"config", "check", "--json", "--memory", "--http-host", "a,b"}, c.args...)...).document(t, &got)
		require.Equal(t, c.want, got.HTTP, c)
		require.Equal(t, []string{"a", "b"}, got.Hosts)
	}
	require.Contains(t, alone(t, "serve", "--memory", "--grpc", "127.0.0.1:0", "--http", "0.0.0.0:0").stderr, "can be reached by others")
}

func TestServe_serves_HTTP_where_it_says(t *testing.T) {
	t.Parallel()
	server := startCommand(t, nil, "serve", "--demo", "--memory", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0")
	url := regexp.MustCompile(`(?m)^http on (http://\S+)$`).FindStringSubmatch(server.says("try: "))
	require.NotNil(t, url)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url[1]+"/readyz", nil)
	require.NoError(t, err)
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)

	taken := alone(t, "serve", "--memory", "--grpc", "127.0.0.1:0", "--http", url[1][len("http://"):])
	require.Equal(t, exitFailed, taken.code)
	require.Contains(t, taken.stderr, "http address "+url[1][len("http://"):]+" is in use")
	require.Equal(t, exitOK, server.stop())

	silent := startCommand(t, nil, "serve", "--memory", "--grpc", "127.0.0.1:0", "--http", "off")
	require.NotContains(t, silent.says("try: "), "http on")
	require.Equal(t, exitOK, silent.stop())
}
