// Package broker is the core of the bridge: sessions, the registry of tools, routing of calls to hosts, admission,
// streams, batches and events. It knows no wire format and no transport; values pass through it undecoded.
//
// The way of a call: session, tool, cheap validation, queue of the tool, host. What it needs from outside stands behind
// the seams Store (the only place where state is written), Host (whoever runs calls) and Observer.
package broker
