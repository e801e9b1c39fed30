package etcdstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/etcdstore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestEverythingIsThereAfterARestart(t *testing.T) {
	t.Parallel()
	dir := data(t)
	store := open(t, etcdstore.Config{Dir: dir})
	made, err := store.CreateSession(t.Context(), tool.Session{Key: key("s"), TTL: time.Minute, Metadata: map[string]string{"a": "b"}})
	require.NoError(t, err)
	full, err := store.RegisterTools(t.Context(), key("s"), []*tool.Spec{{ID: "b", Name: "bee", Timeout: time.Second}, {ID: "a", Name: "ay"}})
	require.NoError(t, err)
	written, err := store.SetVariables(t.Context(), key("s"), []broker.VariableWrite{{Variable: tool.Variable{Name: "v", Value: tool.Value{TypeURL: "u", Bytes: []byte("x")}}}})
	require.NoError(t, err)
	require.NoError(t, store.PutAgent(t.Context(), key("s"), tool.Agent{ID: "agent"}))
	_, err = store.RegisterShared(t.Context(), []*tool.Spec{{ID: "z", Name: "zee", Owner: "alice"}, {ID: "y", Name: "why", Owner: "alice"}})
	require.NoError(t, err)
	_, err = store.CreateSession(t.Context(), tool.Session{Key: key("ended")})
	require.NoError(t, err)
	_, err = store.EndSession(t.Context(), key("ended"), 0)
	require.NoError(t, err)
	used, err := store.LastUsed(t.Context(), key("s"))
	require.NoError(t, err)
	require.NoError(t, store.Close())

	store = open(t, etcdstore.Config{Dir: dir})
	record, err := store.Session(t.Context(), key("s"))
	require.NoError(t, err)
	require.True(t, made.CreatedAt.Equal(record.CreatedAt))
	require.Equal(t, made.Metadata, record.Metadata)
	require.Equal(t, made.TTL, record.TTL)
	require.Equal(t, full.Revision, record.Revision, "tokens outlive a restart")
	require.Equal(t, []*tool.Spec{full.Tools.Lookup("b"), full.Tools.Lookup("a")}, record.Tools.All())
	again, err := store.LastUsed(t.Context(), key("s"))
	require.NoError(t, err)
	require.True(t, used.Equal(again))
	v, err := store.Variable(t.Context(), key("s"), "v")
	require.NoError(t, err)
	require.Equal(t, written[0].Revision, v.Revision)
	agents, err := store.Agents(t.Context(), key("s"))
	require.NoError(t, err)
	require.Len(t, agents, 1)
	shared, err := store.SharedTools(t.Context())
	require.NoError(t, err)
	require.Equal(t, "z", shared.All()[0].ID)
	epoch, err := store.Tombstone(t.Context(), key("ended"))
	require.NoError(t, err)
	require.EqualValues(t, 1, epoch)
}

func TestCleanupLeavesNothingButATombstone(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, security{})
	store := open(t, etcdstore.Config{Endpoints: cluster.endpoints, Prefix: "p"})
	before := cluster.raw(t, "")
	for _, id := range []string{"s", "s/x", "s2"} {
		_, err := store.CreateSession(t.Context(), tool.Session{Key: key(id)})
		require.NoError(t, err)
		var tools []*tool.Spec
		var writes []broker.VariableWrite
		for i := range 150 {
			tools = append(tools, &tool.Spec{ID: fmt.Sprint("../", i), Name: fmt.Sprint(i)})
			writes = append(writes, broker.VariableWrite{Variable: tool.Variable{Name: fmt.Sprint("*/", i)}})
		}
		_, err = store.RegisterTools(t.Context(), key(id), tools)
		require.NoError(t, err)
		_, err = store.SetVariables(t.Context(), key(id), writes)
		require.NoError(t, err)
		require.NoError(t, store.PutAgent(t.Context(), key(id), tool.Agent{ID: "../../a"}))
	}
	for _, name := range cluster.raw(t, "") {
		require.True(t, strings.HasPrefix(name, "p/"), "%q left the prefix", name)
	}
	for _, id := range []string{"s", "s/x", "s2"} {
		_, err := store.EndSession(t.Context(), key(id), 0)
		require.NoError(t, err)
	}
	require.ElementsMatch(t, append(before, "p/tombstone/alice/s", "p/tombstone/alice/s%2Fx", "p/tombstone/alice/s2"), cluster.raw(t, ""))
}

func TestTombstonesShareALease(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, security{})
	store := open(t, etcdstore.Config{Endpoints: cluster.endpoints})
	client := cluster.client(t, "", "")
	for round := range 3 {
		for _, id := range []string{"a", "b"} {
			_, err := store.CreateSession(t.Context(), tool.Session{Key: key(id)})
			require.NoError(t, err)
			_, err = store.EndSession(t.Context(), key(id), 0)
			require.NoError(t, err)
		}
		leases, err := client.Leases(t.Context())
		require.NoError(t, err)
		require.Len(t, leases.Leases, 1)
		left, err := client.TimeToLive(t.Context(), leases.Leases[0].ID)
		require.NoError(t, err)
		require.Greater(t, left.TTL, int64(24*60*60), "a tombstone lives for at least a day")
		if round == 1 {
			_, err := client.Revoke(t.Context(), leases.Leases[0].ID)
			require.NoError(t, err, "a lease that is gone is replaced")
			epoch, err := store.Tombstone(t.Context(), key("a"))
			require.NoError(t, err)
			require.Zero(t, epoch)
		}
	}
}

func TestAClusterWithTLSAndAPassword(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, security{tls: true, password: "secret"})
	cfg := etcdstore.Config{Endpoints: cluster.endpoints, TLS: cluster.tls, Username: "root", Password: "secret", DialTimeout: 10 * time.Second}
	store := open(t, cfg)
	_, err := store.CreateSession(t.Context(), tool.Session{Key: key("s")})
	require.NoError(t, err)
	require.NoError(t, store.Healthy(t.Context()))

	for name, change := range map[string]func(*etcdstore.Config){
		"wrong password": func(c *etcdstore.Config) { c.Password = "guess" },
		"no password":    func(c *etcdstore.Config) { c.Username, c.Password = "", "" },
		"no trust":       func(c *etcdstore.Config) { c.TLS = nil },
		"nobody there":   func(c *etcdstore.Config) { c.Endpoints, c.TLS = []string{"http://127.0.0.1:1"}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wrong := cfg
			wrong.DialTimeout = 500 * time.Millisecond
			change(&wrong)
			_, err := etcdstore.Open(t.Context(), wrong)
			require.Equal(t, tool.StoreUnavailable, tool.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, wrong.Endpoints[0])
			require.NotContains(t, err.Error(), "guess")
		})
	}
}

func TestAClusterThatGoesAway(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, security{})
	store := open(t, etcdstore.Config{Endpoints: cluster.endpoints, RequestTimeout: 5 * time.Second})
	_, err := store.CreateSession(t.Context(), tool.Session{Key: key("s")})
	require.NoError(t, err)
	cluster.stop()

	_, err = store.Session(t.Context(), key("s"))
	require.NoError(t, err, "from memory")
	_, err = store.Variable(t.Context(), key("s"), "v")
	require.Equal(t, tool.StoreUnavailable, tool.CodeOf(err), "%v", err)
	_, err = store.SetVariables(t.Context(), key("s"), []broker.VariableWrite{{Variable: tool.Variable{Name: "v"}}})
	require.Contains(t, []tool.Code{tool.OutcomeUnknown, tool.StoreUnavailable}, tool.CodeOf(err), "%v", err)
	require.Equal(t, tool.StoreUnavailable, tool.CodeOf(store.Healthy(t.Context())))
}

func TestACallerWhoseTimeIsOver(t *testing.T) {
	t.Parallel()
	store := open(t, etcdstore.Config{Dir: data(t)})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := store.CreateSession(gone, tool.Session{Key: key("s")})
	require.Equal(t, tool.Cancelled, tool.CodeOf(err))
	late, cancel := context.WithTimeout(t.Context(), -1)
	defer cancel()
	_, err = store.Variable(late, key("s"), "v")
	require.Equal(t, tool.DeadlineExceeded, tool.CodeOf(err))
	require.NoError(t, store.Healthy(t.Context()), "a caller that goes away is no fault of the store")
}

func TestAFullStoreRefusesAndSaysSo(t *testing.T) {
	t.Parallel()
	store := open(t, etcdstore.Config{Dir: data(t), QuotaBytes: 8 << 20})
	_, err := store.CreateSession(t.Context(), tool.Session{Key: key("s")})
	require.NoError(t, err)
	value := tool.Value{TypeURL: "u", Bytes: make([]byte, 1<<20)}
	acknowledged := 0
	for ; err == nil && acknowledged < 100; acknowledged++ {
		_, err = store.SetVariables(t.Context(), key("s"), []broker.VariableWrite{{Variable: tool.Variable{Name: fmt.Sprint("v", acknowledged), Value: value}}})
	}
	require.Equal(t, tool.StoreUnavailable, tool.CodeOf(err), "%v", err)
	require.Equal(t, tool.StoreUnavailable, tool.CodeOf(store.Healthy(t.Context())))
	for i := range acknowledged - 1 {
		v, err := store.Variable(t.Context(), key("s"), fmt.Sprint("v", i))
		require.NoError(t, err)
		require.Len(t, v.Value.Bytes, 1<<20)
	}
	_, err = store.Variable(t.Context(), key("s"), fmt.Sprint("v", acknowledged-1))
	require.Equal(t, tool.VariableNotFound, tool.CodeOf(err), "a refused write leaves nothing")
}

func TestAVariableTooLargeForEtcdIsRefused(t *testing.T) {
	t.Parallel()
	store := open(t, etcdstore.Config{Dir: data(t)})
	_, err := store.CreateSession(t.Context(), tool.Session{Key: key("s")})
	require.NoError(t, err)
	_, err = store.SetVariables(t.Context(), key("s"), []broker.VariableWrite{{Variable: tool.Variable{Name: "v", Value: tool.Value{Bytes: make([]byte, 2<<20)}}}})
	require.Equal(t, tool.MessageTooLarge, tool.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "message too large")
	require.NoError(t, store.Healthy(t.Context()))
}
