// Package chaos holds the tests that put toxiproxy between an SDK and the bridge and between the bridge and a worker, and
// break what passes through it. They start real processes: the bridge, toxiproxy, workers and callers in Go and Python.
//
// `make chaos` runs them in their long form, `make test` in a short one, `go test -short` leaves them out.
package chaos
