package chaos

import (
	"slices"

	toxics "github.com/Shopify/toxiproxy/v2/client"
)

// fault is something that happens to a wire.
type fault struct {
	name   string
	toxics []toxic
	// cut ends the connections that there are; stays leaves nobody listening.
	cut, stays bool
	// harmless says that it slows calls down but that they still succeed in time.
	harmless bool
	// patient says that the wire is mended only once everything has ended, also what has long deadlines.
	patient bool
	// brief puts it into the short form too.
	brief bool
}

type toxic struct {
	kind, stream string
	attributes   toxics.Attributes
}

// awaited are the kinds that end before the wire is mended.
func (f fault) awaited(k kind) bool { return f.harmless || f.patient || calls(k) }

// closes reports whether mending it closes the connections that it has held.
func (f fault) closes() bool {
	return slices.ContainsFunc(f.toxics, func(x toxic) bool { return x.kind == "timeout" }) || len(f.toxics) > 2
}

const up, down = "upstream", "downstream"

// both makes a toxic of either direction.
func both(kind string, attributes toxics.Attributes) []toxic {
	return []toxic{{kind, up, attributes}, {kind, down, attributes}}
}

func one(kind, stream string, attributes toxics.Attributes) []toxic {
	return []toxic{{kind, stream, attributes}}
}

// faults are what the wires suffer: all that toxiproxy knows, and combinations. Times are in milliseconds, the slicer's in
// microseconds, sizes in bytes, the bandwidth in KB/s.
func faults() []fault {
	type a = toxics.Attributes
	all := []fault{
		{name: "latency", toxics: both("latency", a{"latency": 60}), harmless: true, brief: true},
		{name: "jitter", toxics: both("latency", a{"latency": 40, "jitter": 40}), harmless: true, brief: true},
		{name: "latency beyond the deadline", toxics: both("latency", a{"latency": 4000})},
		{name: "silence", toxics: both("timeout", a{"timeout": 0}), patient: full(), brief: true},
		{name: "silence of the bridge", toxics: one("timeout", down, a{"timeout": 0})},
		{name: "silence of the process", toxics: one("timeout", up, a{"timeout": 0})},
		{name: "timeout", toxics: both("timeout", a{"timeout": 500}), brief: true},
		{name: "timeout of what the bridge says", toxics: one("timeout", down, a{"timeout": 500})},
		{name: "timeout of what the bridge hears", toxics: one("timeout", up, a{"timeout": 500})},
		{name: "reset_peer", toxics: one("reset_peer", down, a{"timeout": 0}), brief: true},
		{name: "reset_peer of what the bridge hears", toxics: one("reset_peer", up, a{"timeout": 0})},
		{name: "reset_peer after a while", toxics: both("reset_peer", a{"timeout": 300})},
		{name: "slicing", toxics: both("slicer", a{"average_size": 1000, "size_variation": 500, "delay": 10}), harmless: true, brief: true},
		{name: "slicing into bytes", toxics: both("slicer", a{"average_size": 2, "size_variation": 1, "delay": 0})},
		{name: "bandwidth", toxics: both("bandwidth", a{"rate": 20}), brief: true},
		{name: "bandwidth of next to nothing", toxics: both("bandwidth", a{"rate": 1})},
		{name: "limit_data", toxics: one("limit_data", down, a{"bytes": 4000}), brief: true},
		{name: "limit_data of what the bridge hears", toxics: one("limit_data", up, a{"bytes": 4000})},
		{name: "limit_data within the greeting", toxics: both("limit_data", a{"bytes": 100})},
		{name: "slow_close", toxics: both("slow_close", a{"delay": 1000}), cut: true},
		{name: "accepts and says nothing", toxics: both("timeout", a{"timeout": 0}), cut: true, patient: full(), brief: true},
		{name: "refused", cut: true, stays: true, brief: true},
		{name: "cut once", cut: true},
		{name: "all of it", toxics: slices.Concat(both("latency", a{"latency": 30, "jitter": 30}),
			both("slicer", a{"average_size": 100, "size_variation": 50, "delay": 10}), both("bandwidth", a{"rate": 60}))},
	}
	if full() {
		return all
	}
	return slices.DeleteFunc(all, func(f fault) bool { return !f.brief })
}
