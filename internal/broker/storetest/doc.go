// Package storetest is the conformance suite of broker.Store: every sentence of the interface as a test that each store passes.
package storetest
