package main

import (
	"math"
	"time"
)

// Latencies below least are counted as least; each further place of the counts is 1 % longer, so that quantiles are exact to 1 % from 1 µs to 17 minutes.
const (
	leastLatency   = time.Microsecond
	latencyPlaces  = 2084
	latencyPerStep = 1.01
)

// latencies count how long things took. One goroutine uses them at a time.
type latencies struct {
	counts [latencyPlaces]int
	count  int
	sum    time.Duration
	most   time.Duration
}

// add counts one.
func (l *latencies) add(d time.Duration) {
	place := 0
	if d > leastLatency {
		place = min(int(math.Log(float64(d)/float64(leastLatency))/math.Log(latencyPerStep)), latencyPlaces-1)
	}
	l.counts[place]++
	l.count++
	l.sum += d
	l.most = max(l.most, d)
}

// merge adds those that others counted.
func (l *latencies) merge(other *latencies) {
	for place, n := range &other.counts {
		l.counts[place] += n
	}
	l.count += other.count
	l.sum += other.sum
	l.most = max(l.most, other.most)
}

// quantile is what so many of one (0.99: of all 99 %) did not exceed; 0 where nothing was counted.
func (l *latencies) quantile(q float64) time.Duration {
	rank := max(1, int(math.Ceil(q*float64(l.count))))
	for place, n := range &l.counts {
		if rank -= n; rank <= 0 && place < latencyPlaces-1 {
			above := time.Duration(float64(leastLatency) * math.Pow(latencyPerStep, float64(place+1)))
			return min(above, l.most)
		}
	}
	return l.most
}

// mean is the average; 0 where nothing was counted.
func (l *latencies) mean() time.Duration {
	if l.count == 0 {
		return 0
	}
	return l.sum / time.Duration(l.count)
}

// document is what is printed for programs, in milliseconds.
func (l *latencies) document() map[string]float64 {
	return map[string]float64{
		"mean": milliseconds(l.mean()), "p50": milliseconds(l.quantile(0.5)), "p95": milliseconds(l.quantile(0.95)),
		"p99": milliseconds(l.quantile(0.99)), "p99.9": milliseconds(l.quantile(0.999)), "max": milliseconds(l.most),
	}
}

// latencyHeading names the columns of cells.
func latencyHeading() []string {
	return []string{"MEAN ms", "P50", "P95", "P99", "P99.9", "MAX"}
}

// cells are the same for people.
func (l *latencies) cells() []string {
	var out []string
	for _, d := range []time.Duration{l.mean(), l.quantile(0.5), l.quantile(0.95), l.quantile(0.99), l.quantile(0.999), l.most} {
		out = append(out, fixed(milliseconds(d)))
	}
	return out
}
