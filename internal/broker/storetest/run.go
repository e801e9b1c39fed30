package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Options say what store a test wants.
type Options struct {
	// Beside is a store on whose data the new one is to be opened, as a second bridge would. A store that cannot share its
	// data returns nil, and the test is skipped. Nil: a store without data.
	Beside broker.Store
}

// Open opens a store for one test and closes it when the test ends.
type Open func(t testing.TB, opts Options) broker.Store

// Run runs the suite against the stores that open makes.
func Run(t *testing.T, open Open) {
	t.Helper()
	for _, group := range []struct {
		name  string
		tests map[string]func(*testing.T, *bench)
	}{
		{"sessions", sessionTests()},
		{"expiry", expiryTests()},
		{"tools", toolTests()},
		{"shared tools", sharedTests()},
		{"variables", variableTests()},
		{"conditions", conditionTests()},
		{"many at once", manyTests()},
		{"watching variables", watchTests()},
		{"agents", agentTests()},
		{"names", nameTests()},
		{"changes", changeTests()},
		{"several bridges", besideTests()},
		{"concurrency", concurrencyTests()},
		{"the document's SessionStore tests", documentTests()},
	} {
		for name, test := range group.tests {
			t.Run(group.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				test(t, &bench{open: open, store: open(t, Options{})})
			})
		}
	}
}

// bench is what a test works with.
type bench struct {
	open  Open
	store broker.Store
}

const (
	owner   = "alice"
	patient = 20 * time.Second
	poll    = 5 * time.Millisecond
)

func key(id string) tool.SessionKey { return tool.SessionKey{Owner: owner, ID: id} }

// session creates a session that lives for an hour.
func (b *bench) session(t *testing.T, id string) *broker.SessionRecord {
	t.Helper()
	record, err := b.store.CreateSession(t.Context(), tool.Session{Key: key(id), TTL: time.Hour})
	require.NoError(t, err)
	return record
}

// set writes one variable without a condition.
func (b *bench) set(t *testing.T, id, name, value string) tool.Variable {
	t.Helper()
	written, err := b.store.SetVariables(t.Context(), key(id), []broker.VariableWrite{variable(name, value)})
	require.NoError(t, err)
	require.Len(t, written, 1)
	return written[0]
}

// get reads a variable.
func (b *bench) get(t *testing.T, id, name string) string {
	t.Helper()
	v, err := b.store.Variable(t.Context(), key(id), name)
	require.NoError(t, err)
	return string(v.Value.Bytes)
}

func variable(name, value string) broker.VariableWrite {
	return broker.VariableWrite{Variable: tool.Variable{Name: name, Value: text(value)}}
}

func text(value string) tool.Value {
	return tool.Value{TypeURL: "type.googleapis.com/google.protobuf.StringValue", Bytes: []byte(value)}
}

func spec(id string) *tool.Spec {
	return &tool.Spec{
		ID: id, Name: id + "_name", Description: "does " + id, Type: tool.Standard, Owner: owner,
		Arguments: []tool.Argument{{Name: "x", Type: "int", Required: true, Default: text("1")}},
		Metadata:  map[string]string{"k": "v"}, Hash: "h1",
	}
}

func specs(n int) []*tool.Spec {
	all := make([]*tool.Spec, n)
	for i := range all {
		all[i] = spec(fmt.Sprintf("tool_%04d", i))
	}
	return all
}

func ids(all []*tool.Spec) []string {
	found := make([]string, len(all))
	for i, s := range all {
		found[i] = s.ID
	}
	return found
}

func names(all []tool.Variable) []string {
	found := make([]string, len(all))
	for i, v := range all {
		found[i] = v.Name
	}
	return found
}

// wantCode asserts that err is the product's own error with that code and a message that is worth reading.
func wantCode(t *testing.T, want tool.Code, err error) {
	t.Helper()
	require.Error(t, err)
	e, ok := err.(*tool.Error) //nolint:errorlint // the contract is this very type, not one wrapped
	require.True(t, ok, "%T is not *tool.Error: %v", err, err)
	require.Equal(t, want, e.Code, e.Message)
	require.NotEmpty(t, e.Message)
}

// until asks again and again until ok, or fails the test.
func until(t *testing.T, ok func() bool, what string) {
	t.Helper()
	require.Eventually(t, ok, patient, poll, what)
}

// watching runs a watch in the background; its result arrives on the channel.
func watching(ctx context.Context, watch func(context.Context) error) <-chan error {
	over := make(chan error, 1)
	go func() { over <- watch(ctx) }()
	return over
}

// within receives from a channel before the test loses patience.
func within[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	limit := time.NewTimer(patient)
	defer limit.Stop()
	select {
	case v := <-from:
		return v
	case <-limit.C:
		require.FailNow(t, "waited in vain for "+what)
		panic("unreachable")
	}
}
