// Package telemetry tells operators what a bridge does: metrics for Prometheus, and metrics and traces over OTLP.
//
// Metrics is a broker.Observer that counts on the path of a call, in stripes of its own that are added up when somebody asks;
// all else it counts with the Prometheus library. What is only looked at (queues, links, sessions) is read when somebody asks. Nobody outside
// can make labels: a tool is named only once the catalog knows it, as many as MaxTools, and an outcome is a code of the
// error table. Tracer is a broker.Tracer that records the calls that belong to a sampled trace. Export sends both to a collector.
package telemetry
