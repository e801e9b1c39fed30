// Package storecore holds what every broker.Store does alike: the rules of writes (conditions, repeated requests,
// owners of shared tools), revision tokens, and the feed that tells of changes. It keeps no data.
package storecore
