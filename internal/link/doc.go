// Package link is the symmetric multiplexed connection between a process and the bridge: one bidirectional stream
// over which both sides offer, call and answer tools. The comments of LinkMessage and Frame in
// proto/dspex_bridge.proto are its specification.
//
// A Process is a process's end, a Bridge the bridge's end of one incarnation of it. Both survive their connections:
// a Process is given one Stream after the other (Process.Run), a Bridge one Handshake after the other
// (Bridge.Serve). Calls under way go on over a lost connection, because each end keeps what the other has not yet
// read and sends it again. A process that is closed says goodbye by ending its side of the stream: then the bridge does not
// wait for it to come back.
//
//	Call ─► queue ─► packs ─► window ─► Stream ─► decode ─► Handler.Call on a goroutine of its own
//	  ▲                                                          │
//	  └──────── decode ◄── Stream ◄── window ◄── packs ◄─────────┘
//
// All mutable state of an end is in one struct, engine, behind one mutex. One goroutine of each connection reads, one
// writes, and neither ever waits for a call.
package link
