package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheChartIsAPictureWithARowForEachComparison(t *testing.T) {
	t.Parallel()
	picture := drawChart(report{Processors: 2, Go: "go1.26", Figures: []figure{
		{Scene: "calls", Name: "relay & more", Width: 64, Unit: "calls/s", Theirs: 1, Ratio: 2, Low: 1.5, High: 2.5, Reach: 1.7, Reached: true},
		{Name: "late", Width: 1, Unit: "p50 ms", Theirs: 1, Ratio: 2, Low: 1, High: 4, Reach: 1.15, AtMost: true},
		{Name: "peer", Unit: "calls/s", Theirs: 1, Ratio: 1e6, Low: 1, High: 1e9, Look: true},
		{Name: "not compared", Unit: "µs", Ratio: 12},
	}})
	parser := xml.NewDecoder(strings.NewReader(picture))
	for {
		_, err := parser.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
	require.Contains(t, picture, "relay &amp; more (64 at a time), calls/s")
	require.Contains(t, picture, ">0.50x<", "twice as slow is half as good")
	require.NotContains(t, picture, "not compared")
	require.Equal(t, 1+2, strings.Count(picture, `class="want"`), "a mark for each goal, and one that explains it")
	require.Equal(t, 1+1, strings.Count(picture, `class="look"`), "what is only looked at, and what explains it")
	require.Contains(t, picture, `class="scene" x="12" y="108">calls<`)
	require.Contains(t, picture, "prefers-color-scheme: dark")
}

func TestLessIsDrawnAsHowManyTimesLess(t *testing.T) {
	t.Parallel()
	ratio, low, high, want := figure{Ratio: 0.5, Low: 0.4, High: 0.8, Reach: 0.8, AtMost: true}.better()
	require.InDeltaSlice(t, []float64{2, 1.25, 2.5, 1.25}, []float64{ratio, low, high, want}, 1e-9)
}
