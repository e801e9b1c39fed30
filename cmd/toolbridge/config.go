package main

import (
	"errors"

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
		"grpc", cfg.GRPC, "http", orDash(cfg.HTTP), "store", storeText(&cfg), "call timeout", l.CallTimeout.String(), "session ttl", l.SessionTTL.String(),
		"value bytes", number(l.ValueBytes), "variable bytes", number(l.VariableBytes), "batch items", number(l.BatchItems),
		"queue calls", number(l.QueueCalls), "call depth", number(l.CallDepth),
	))
}

func configDocument(cfg *bridge.Config) map[string]any {
	l := cfg.Limits
	return map[string]any{
		"valid": true, "grpc": cfg.GRPC, "http": cfg.HTTP, "http_hosts": cfg.HTTPHosts, "store": storeText(cfg), "insecure_listen": cfg.InsecureListen,
		"limits": map[string]any{
			"value_bytes": l.ValueBytes, "variable_bytes": l.VariableBytes, "batch_items": l.BatchItems, "call_depth": l.CallDepth,
			"queue_calls": l.QueueCalls, "queue_bytes": l.QueueBytes, "link_calls": l.LinkCalls,
			"call_timeout_seconds": l.CallTimeout.Seconds(), "stream_idle_seconds": l.StreamIdle.Seconds(), "session_ttl_seconds": l.SessionTTL.Seconds(),
		},
		"reattach_grace_seconds": cfg.ReattachGrace.Seconds(), "ping_interval_seconds": cfg.PingInterval.Seconds(),
		"sweep_interval_seconds": cfg.SweepInterval.Seconds(),
	}
}
