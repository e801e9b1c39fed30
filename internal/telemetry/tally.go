package telemetry

import (
	"fmt"
	"math"
	"math/bits"
)

// mostBuckets is how many buckets a tally may have.
const mostBuckets = 18

// buckets are those of a histogram of whole numbers, of which so many make the unit that is shown: 1e9 nanoseconds a second. They do not
// change.
type buckets struct {
	bounds []float64 // as shown
	upper  []int64
	perOne float64
	// first is the bucket of the least value of so many bits, where the search for a value begins.
	first [65]uint8
}

func newBuckets(bounds []float64, perOne float64) *buckets {
	if len(bounds) >= mostBuckets {
		panic(fmt.Sprintf("telemetry: a histogram has %d bounds: want fewer than %d", len(bounds), mostBuckets))
	}
	b := &buckets{bounds: bounds, upper: make([]int64, len(bounds)), perOne: perOne}
	for i, bound := range bounds {
		b.upper[i] = int64(math.Round(bound * perOne))
	}
	for length := 2; length < len(b.first); length++ {
		least := int64(1) << (length - 1)
		i := b.first[length-1]
		for int(i) < len(b.upper) && least > b.upper[i] {
			i++
		}
		b.first[length] = i
	}
	return b
}

// of returns the bucket of a value, the last of all for those above every bound.
func (b *buckets) of(v int64) int {
	i := int(b.first[bits.Len64(uint64(v))])
	for i < len(b.upper) && v > b.upper[i] {
		i++
	}
	return i
}

// tally is a histogram of one stripe. Whoever uses it holds the stripe's mutex.
type tally struct {
	sum    float64
	counts [mostBuckets]uint64
}

// count adds a value.
func (t *tally) count(b *buckets, v int64) {
	v = max(v, 0)
	t.counts[b.of(v)]++
	t.sum += float64(v)
}

// add adds another tally.
func (t *tally) add(other *tally) {
	t.sum += other.sum
	for i, n := range other.counts {
		t.counts[i] += n
	}
}

// shown are the numbers of a histogram as Prometheus has them: how many values there are, their sum, and how many up to each bound.
func (t *tally) shown(b *buckets) (count uint64, sum float64, upTo map[float64]uint64) {
	upTo = make(map[float64]uint64, len(b.bounds))
	for i, n := range t.counts[:len(b.bounds)+1] {
		count += n
		if i < len(b.bounds) {
			upTo[b.bounds[i]] = count
		}
	}
	return count, t.sum / b.perOne, upTo
}
