package alloctest_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/internal/alloctest"
)

var kept []byte

func TestBytesAreThoseOfTheFunctionAlone(t *testing.T) { //nolint:paralleltest // what others allocate would count
	for range 20 {
		for range 5000 { // small objects of a few spans
			kept = make([]byte, 48)
		}
		took := alloctest.Bytes(func() {
			kept = make([]byte, 10_000)
			runtime.GC()
		})
		require.GreaterOrEqual(t, took, uint64(10_000))
		require.Less(t, took, uint64(64<<10), "a collection adds nothing that was allocated before")
	}
}
