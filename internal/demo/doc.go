// Package demo holds the tools that the testing strategy names, for `toolbridge serve --demo`, tests and benchmarks.
// They are tools like any user's: typed Go functions.
package demo
