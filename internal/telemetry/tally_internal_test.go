package telemetry

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestATallyCountsAsAHistogramOfTheLibraryDoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bounds []float64
		perOne float64
	}{"times": {callSeconds(), 1e9}, "phases": {phaseSeconds(), 1e9}, "sizes": {sizes(), 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			theirs := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "x", Buckets: c.bounds})
			b, ours := newBuckets(c.bounds, c.perOne), tally{}
			values := []int64{0, 1, 2, 3, 1 << 62}
			for _, upper := range b.upper { // a value on a bound is below it
				values = append(values, upper-1, upper, upper+1)
			}
			for range 5000 {
				values = append(values, rand.Int64N(1<<rand.IntN(45)+1))
			}
			for _, v := range values {
				ours.count(b, v)
				theirs.Observe(float64(v) / c.perOne)
			}
			registry := prometheus.NewRegistry()
			registry.MustRegister(theirs)
			found, err := registry.Gather()
			require.NoError(t, err)
			want := found[0].GetMetric()[0].GetHistogram()
			count, sum, upTo := ours.shown(b)
			require.Equal(t, want.GetSampleCount(), count)
			require.InEpsilon(t, want.GetSampleSum(), sum, 1e-9)
			for _, bucket := range want.GetBucket() {
				require.Equal(t, bucket.GetCumulativeCount(), upTo[bucket.GetUpperBound()], "up to %v", bucket.GetUpperBound())
			}
		})
	}
}

func TestATimeBelowNothingIsNone(t *testing.T) {
	t.Parallel()
	b, one := newBuckets(callSeconds(), 1e9), tally{}
	one.count(b, -5)
	count, sum, upTo := one.shown(b)
	require.Equal(t, []any{uint64(1), 0.0, uint64(1)}, []any{count, sum, upTo[1e-4]})
}

func TestMoreBoundsThanATallyHasRoomForAreAMistake(t *testing.T) {
	t.Parallel()
	require.PanicsWithValue(t, "telemetry: a histogram has 18 bounds: want fewer than 18", func() { newBuckets(make([]float64, mostBuckets), 1) })
}

func TestStripesAreAddedUp(t *testing.T) {
	t.Parallel()
	c := newCalls()
	series := []*series{c.seriesOf("a", "call"), c.seriesOf("b", "call"), c.seriesOf("a", "call")}
	require.Same(t, series[0], series[2], "two ids may have one label")
	call := &tool.Call{}
	for i := range c.stripes { // each stripe counts once
		c.hints.Put(&hint{stripe: c.stripes[i]})
		c.count(series[i%2], call, &tool.Metrics{Duration: time.Second, Attempts: 1}, 3, tool.Errorf(tool.Overloaded, "no"))
	}
	all, known := c.sum()
	n := uint64(len(c.stripes))
	require.Len(t, known, 2)
	require.Equal(t, n, all.series[0].failed["Overloaded"]+all.series[1].failed["Overloaded"])
	count, sum, _ := all.resultBytes.shown(c.bytes)
	require.Equal(t, n, count)
	require.InDelta(t, 3*float64(n), sum, 0)
}
