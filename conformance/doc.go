// Package conformance runs scenarios that are data, against a real bridge, by every face of the protocol: SDKs, a bare
// gRPC client, HTTP. README.md says how a scenario is written and what the adapter of a new SDK has to do.
package conformance
