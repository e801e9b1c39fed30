// Package alloctest measures what code under test allocates.
package alloctest

import "runtime"

// SoFar is how many bytes this process has allocated so far, exactly. The difference of two is what ran between them allocated, where
// nothing else ran. (The counters of runtime/metrics are quicker to read, but small objects are added to them only when a span is full
// or garbage is collected: a collection in between then counts up to a few MiB that were allocated before.)
func SoFar() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

// Bytes is how many bytes f allocates.
func Bytes(f func()) uint64 {
	before := SoFar()
	f()
	return SoFar() - before
}
