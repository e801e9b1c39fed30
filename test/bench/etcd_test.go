package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestABareEtcdPutsWhenItIsAsked(t *testing.T) {
	t.Parallel()
	asks, ask := io.Pipe()
	answers, answer := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- serveEtcd(t.Context(), []string{t.TempDir()}, asks, answer) }()
	lines := bufio.NewReader(answers)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "listening on no address\n", line)
	for range 2 {
		require.NoError(t, json.NewEncoder(ask).Encode(asked{Way: "puts", Width: 4, Seconds: 0.001}))
		line, err = lines.ReadString('\n')
		require.NoError(t, err)
		var told answered
		require.NoError(t, json.Unmarshal([]byte(line), &told))
		require.Empty(t, told.Error)
		require.GreaterOrEqual(t, told.Calls, 4)
		require.Positive(t, told.Rate)
	}
	require.NoError(t, ask.Close())
	require.NoError(t, <-ended)
	require.ErrorContains(t, serveEtcd(t.Context(), []string{"/dev/null/nowhere"}, asks, answer), "etcd in /dev/null/nowhere")
}

func TestAQuestionIsAnsweredWithWhatFailed(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	var out strings.Builder
	run := func(context.Context, int, time.Duration) (sample, error) { return sample{}, broken }
	require.NoError(t, answer(t.Context(), strings.NewReader(`{"width": 1, "seconds": 1}`+"\n"), &out, run))
	_, err := ask(io.Discard, bufio.NewReader(strings.NewReader(out.String())), asked{})
	require.ErrorContains(t, err, "broken")
	require.ErrorContains(t, answer(t.Context(), strings.NewReader("hello\n"), &out, run), "a question:")
}
