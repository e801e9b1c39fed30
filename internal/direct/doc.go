// Package direct carries a link's stream on a connection of its own, without goroutines between the link and the socket: what
// a link sends is written by the goroutine that sends it, and what comes is read by the one that receives. gRPC hands each message to a goroutine
// on its way out and to another on its way in, at both ends, and waking them takes longer than all else that a lone call needs.
//
// On the wire it is gRPC over HTTP/2 (RFC 9113) with one stream, so either end also understands one that is served by gRPC itself.
// Dial is the process's side; it needs nothing of the other. Listener is the bridge's: it keeps the connections that say by a
// setting of their own, which everybody else ignores, that they carry nothing but a link, and leaves the others to gRPC.
//
//	Send ─► frames ─► conn ─► ... ─► conn ─► frames ─► Recv
//	           ▲                                │
//	           └── answers to settings, pings ◄─┘   by a goroutine that lives as long as one is sent
package direct
