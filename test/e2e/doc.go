// Package e2e holds the tests that start real processes: the bridge, workers and clients in Go and Python, both ways.
// `go test -short` leaves them out.
package e2e
