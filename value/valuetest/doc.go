// Package valuetest generates values of every kind that the codec knows, for property tests with rapid, and compares
// values strictly: by type and value, NaN with its sign, dicts with the order of their keys.
package valuetest
