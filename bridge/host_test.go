package bridge_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/bridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

type sum struct {
	A int `bridge:"a" desc:"the first summand"`
	B int `bridge:"b" desc:"the second summand"`
}

func add(_ context.Context, in sum) (int, error) { return in.A + in.B, nil }

func count(_ context.Context, n int, yield func(int) error) error {
	for i := range n {
		if err := yield(i); err != nil {
			return err
		}
	}
	return nil
}

// host offers functions under a name.
func host(t *testing.T, name string, functions ...bridge.Function) bridge.Host {
	t.Helper()
	h, err := bridge.NewHost(name, functions...)
	require.NoError(t, err)
	return h
}

func adding(t *testing.T, name string) bridge.Function {
	t.Helper()
	f, err := bridge.NewFunction(name, add, bridge.FunctionOptions{Description: "Adds.", Idempotent: true})
	require.NoError(t, err)
	return f
}

// waitingHost offers "wait", which says that it began and goes on when it is told, and "at_once".
func waitingHost(t *testing.T, began chan<- struct{}, goOn <-chan struct{}) bridge.Host {
	t.Helper()
	wait, err := bridge.NewFunction("wait", func(ctx context.Context, _ struct{}) (string, error) {
		close(began)
		select {
		case <-goOn:
			return "done", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}, bridge.FunctionOptions{})
	require.NoError(t, err)
	atOnce, err := bridge.NewFunction("at_once", func(context.Context, struct{}) (string, error) { return "done", nil }, bridge.FunctionOptions{})
	require.NoError(t, err)
	return host(t, "waiting", wait, atOnce)
}

func TestHosts_offer_their_functions_to_every_session(t *testing.T) {
	t.Parallel()
	counting, err := bridge.NewStreamingFunction("count", count, bridge.FunctionOptions{Description: "Counts."})
	require.NoError(t, err)
	b := start(t, bridge.Config{Memory: true, Hosts: []bridge.Host{host(t, "one", adding(t, "add"), counting), host(t, "two", adding(t, "plus"))}})
	s := session(t, b, "s")

	tools, err := s.Tools(t.Context())
	require.NoError(t, err)
	got, err := toolbridge.Call[int](t.Context(), s, "add", 2, toolbridge.Kw{"b": 40})
	require.NoError(t, err)
	var chunks []int
	for chunk, err := range toolbridge.Stream[int](t.Context(), s, "count", 3) {
		require.NoError(t, err)
		chunks = append(chunks, chunk)
	}

	require.Len(t, tools, 3)
	for i, name := range []string{"add", "count", "plus"} {
		require.Equal(t, name, tools[i].Name())
		require.True(t, tools[i].Spec().Available)
	}
	require.Equal(t, "Adds.", tools[0].Spec().Description)
	require.True(t, tools[0].Spec().Idempotent)
	require.Equal(t, 42, got)
	require.Equal(t, []int{0, 1, 2}, chunks)
}

func TestHosts_refuse_wrong_arguments_by_name(t *testing.T) {
	t.Parallel()
	b := start(t, bridge.Config{Memory: true, Hosts: []bridge.Host{host(t, "one", adding(t, "add"))}})
	_, err := session(t, b, "s").Call(t.Context(), "add", 2, "x")
	require.Equal(t, tool.ValidationError, tool.CodeOf(err))
	require.ErrorContains(t, err, `argument "b" of tool "add": want int, got str`)
}

func TestNewHost_refuses_two_functions_of_one_name(t *testing.T) {
	t.Parallel()
	_, err := bridge.NewHost("one", adding(t, "add"), adding(t, "add"))
	require.ErrorContains(t, err, `"add"`)
}

func TestNewFunction_refuses_what_cannot_be_called_from_outside(t *testing.T) {
	t.Parallel()
	_, err := bridge.NewFunction("bad", func(context.Context, chan int) (int, error) { return 0, nil }, bridge.FunctionOptions{})
	require.ErrorContains(t, err, `"bad"`)
	_, err = bridge.NewStreamingFunction("", count, bridge.FunctionOptions{})
	require.Error(t, err)
}

func TestHosts_keep_their_tools_over_a_restart(t *testing.T) {
	t.Parallel()
	cfg := bridge.Config{Data: t.TempDir() + "/data", Hosts: []bridge.Host{host(t, "one", adding(t, "add"))}}
	stop(t, start(t, cfg))
	got, err := toolbridge.Call[int](t.Context(), session(t, start(t, cfg), "s"), "add", 1, 1)
	require.NoError(t, err)
	require.Equal(t, 2, got)
}

func TestNew_refuses_two_hosts_of_one_identity(t *testing.T) {
	t.Parallel()
	_, err := bridge.New(bridge.Config{Memory: true, Hosts: []bridge.Host{host(t, "one", adding(t, "add")), host(t, "one", adding(t, "plus"))}})
	require.ErrorContains(t, err, `two hosts have the identity "one"`)
}

func TestStart_refuses_tools_of_one_name_under_two_ids(t *testing.T) {
	t.Parallel()
	b := made(t, bridge.Config{Memory: true, Hosts: []bridge.Host{renamed{host(t, "one", adding(t, "add"))}, host(t, "two", adding(t, "add"))}})
	err := b.Start(t.Context())
	require.ErrorContains(t, err, `tools of host "two"`)
	require.Equal(t, tool.ToolConflict, tool.CodeOf(err))
}

// renamed is a host whose tools have other ids than names.
type renamed struct{ bridge.Host }

// Specs implements bridge.Host.
func (r renamed) Specs() []*tool.Spec {
	specs := make([]*tool.Spec, 0, len(r.Host.Specs()))
	for _, spec := range r.Host.Specs() {
		c := *spec
		c.ID = "other_" + c.Name
		specs = append(specs, &c)
	}
	return specs
}
