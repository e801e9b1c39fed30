// Package gosdk is the adapter of the Go SDK, and the model of one: what a step of a conformance scenario asks for, done
// with the public SDK and nothing else. It also has the stage, the tools that scenarios call.
package gosdk
