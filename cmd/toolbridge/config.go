package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/grpc-tool-bridge/toolbridge/bridge"
)

type configVerb struct {
	Check configCheck `cmd:"" help:"Check a config file with the environment and flags, and show where a bridge would listen and store."`
}

type configCheck struct {
	placement
	File string `arg:"" optional:"" type:"path" help:"Config file (YAML); the same as --config."`
}

// Run checks a config without starting anything.
func (v *configCheck) Run(s *shell) error {
	if v.File != "" && v.Config != "" {
		return usage("the config file is named twice: %s and --config %s", v.File, v.Config)
	}
	if v.File != "" {
		v.Config = v.File
	}
	cfg, err := v.config(s)
	if err != nil {
		return err
	}
	b, err := bridge.New(cfg)
	if err != nil {
		return usage("%w", err)
	}
	cfg = b.Config()
	if s.json {
		return s.document(configDocument(&cfg))
	}
	l := cfg.Limits
	return errors.Join(s.line("the config is valid"), s.fields(
		"grpc", cfg.GRPC, "http", orDash(cfg.HTTP), "http hosts", orDash(strings.Join(cfg.HTTPHosts, ", ")), "insecure listen", strconv.FormatBool(cfg.InsecureListen),
		"access log", strconv.FormatBool(cfg.AccessLog), "store", storeText(&cfg),
		"metrics", strconv.FormatBool(cfg.Telemetry.Metrics), "debug", orDash(cfg.Telemetry.Debug), "otlp", orDash(cfg.Telemetry.OTLP),
		"trace ratio", strconv.FormatFloat(cfg.Telemetry.TraceRatio, 'g', -1, 64),
		"call timeout", l.CallTimeout.String(), "stream idle", l.StreamIdle.String(), "session ttl", l.SessionTTL.String(),
		"reattach grace", cfg.ReattachGrace.String(), "ping interval", cfg.PingInterval.String(), "sweep interval", cfg.SweepInterval.String(),
		"value bytes", number(l.ValueBytes), "table bytes", number(l.TableBytes), "variable bytes", number(l.VariableBytes), "batch items", number(l.BatchItems),
		"queue calls", number(l.QueueCalls), "queue bytes", number(l.QueueBytes), "link calls", number(l.LinkCalls), "call depth", number(l.CallDepth),
		"recorded for", l.RecordedFor.String(), "recorded bytes", number(l.RecordedBytes),
		"rate of a session", rateText(cfg.Rates.Session), "rates of tools", ratesText(cfg.Rates.Tools),
	))
}

// rateText says a limit in words.
func rateText(r bridge.Rate) string {
	switch {
	case r.PerSecond == 0:
		return "no limit"
	case r.Burst == 0:
		return fmt.Sprintf("%v calls a second", r.PerSecond)
	default:
		return fmt.Sprintf("%v calls a second, %d at once", r.PerSecond, r.Burst)
	}
}

func ratesText(rates map[string]bridge.Rate) string {
	texts := make([]string, 0, len(rates))
	for _, name := range slices.Sorted(maps.Keys(rates)) {
		texts = append(texts, name+": "+rateText(rates[name]))
	}
	return orDash(strings.Join(texts, "; "))
}

func rateDocument(r bridge.Rate) map[string]any {
	return map[string]any{"per_second": r.PerSecond, "burst": r.Burst}
}

func ratesDocument(rates map[string]bridge.Rate) map[string]any {
	out := make(map[string]any, len(rates))
	for name, r := range rates {
		out[name] = rateDocument(r)
	}
	return out
}

func configDocument(cfg *bridge.Config) map[string]any {
	l := cfg.Limits
	return map[string]any{
		"valid": true, "grpc": cfg.GRPC, "http": cfg.HTTP, "http_hosts": cfg.HTTPHosts, "store": storeText(cfg), "insecure_listen": cfg.InsecureListen,
		"access_log": cfg.AccessLog,
		"telemetry": map[string]any{
			"metrics": cfg.Telemetry.Metrics, "debug": cfg.Telemetry.Debug, "otlp": cfg.Telemetry.OTLP, "trace_ratio": cfg.Telemetry.TraceRatio,
		},
		"limits": map[string]any{
			"value_bytes": l.ValueBytes, "table_bytes": l.TableBytes, "variable_bytes": l.VariableBytes, "batch_items": l.BatchItems, "call_depth": l.CallDepth,
			"queue_calls": l.QueueCalls, "queue_bytes": l.QueueBytes, "link_calls": l.LinkCalls,
			"call_timeout_seconds": l.CallTimeout.Seconds(), "stream_idle_seconds": l.StreamIdle.Seconds(), "session_ttl_seconds": l.SessionTTL.Seconds(),
			"recorded_for_seconds": l.RecordedFor.Seconds(), "recorded_bytes": l.RecordedBytes,
		},
		"rates":                  map[string]any{"session": rateDocument(cfg.Rates.Session), "tools": ratesDocument(cfg.Rates.Tools)},
		"reattach_grace_seconds": cfg.ReattachGrace.Seconds(), "ping_interval_seconds": cfg.PingInterval.Seconds(),
		"sweep_interval_seconds": cfg.SweepInterval.Seconds(),
	}
}
