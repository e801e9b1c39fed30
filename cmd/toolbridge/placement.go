package main

import (
	"strings"

	"github.com/grpc-tool-bridge/toolbridge/bridge"
)

// placement are the flags that say where a bridge listens and where it keeps its state. They win over the environment,
// which wins over the config file.
type placement struct {
	Config         string   `type:"path" placeholder:"FILE" help:"Config file (YAML). The environment and flags win over it."`
	GRPC           string   `name:"grpc" placeholder:"ADDR" help:"Address to listen on; port 0 lets the system choose. Defaults to $$TOOLBRIDGE_GRPC, the port $$GRPC_PORT, or 127.0.0.1:50051."`
	HTTP           string   `name:"http" placeholder:"ADDR" help:"Address to listen on for HTTP, or off. Defaults to $$TOOLBRIDGE_HTTP, the port $$HTTP_PORT, or 127.0.0.1:8080; any free port where gRPC has another than 50051."`
	HTTPHost       []string `name:"http-host" placeholder:"NAME" help:"Name by which HTTP clients may address the bridge, besides localhost."`
	Data           string   `xor:"store" type:"path" placeholder:"DIR" help:"Folder to keep everything in. Defaults to $$TOOLBRIDGE_DATA, or toolbridge in the user's data folder."`
	Memory         bool     `xor:"store" help:"Keep everything in memory; it ends with the process."`
	Etcd           []string `xor:"store" placeholder:"URL" help:"Keep everything in this etcd cluster. Defaults to $$TOOLBRIDGE_ETCD."`
	EtcdPrefix     string   `placeholder:"PREFIX" help:"What stands before every key in the cluster. Defaults to /toolbridge/."`
	EtcdCA         string   `name:"etcd-ca" type:"path" placeholder:"FILE" help:"Certificates that sign the cluster's."`
	EtcdCert       string   `type:"path" placeholder:"FILE" help:"Certificate to show to the cluster."`
	EtcdKey        string   `type:"path" placeholder:"FILE" help:"Key of that certificate."`
	EtcdUser       string   `placeholder:"NAME" help:"User of the cluster; the password stands in $$TOOLBRIDGE_ETCD_PASSWORD."`
	Metrics        bool     `help:"Serve metrics for Prometheus at /metrics, where HTTP listens."`
	Debug          string   `placeholder:"ADDR" help:"Serve Go's profiles at /debug/pprof/, and metrics, at an address of their own. Off unless asked for."`
	OTLP           string   `name:"otlp" placeholder:"URL" help:"Send metrics and traces to this collector by OTLP over gRPC, such as http://localhost:4317."`
	TraceRatio     *float64 `placeholder:"RATIO" help:"Part, 0 to 1, of the calls without a trace of their own that begin one. Defaults to 0: calls that come in a sampled trace are recorded, no others. Needs --otlp."`
	InsecureListen bool     `help:"Listen on an address that others can reach although nobody is asked for credentials."`
}

// config puts file, environment and flags together.
func (p *placement) config(s *shell) (bridge.Config, error) {
	cfg, err := bridge.LoadConfig(p.Config, s.env)
	if err != nil {
		return bridge.Config{}, usage("%w", err)
	}
	p.place(&cfg)
	for _, set := range []struct {
		field *string
		flag  string
	}{
		{&cfg.GRPC, p.GRPC},
		{&cfg.HTTP, p.HTTP},
		{&cfg.Etcd.Prefix, p.EtcdPrefix},
		{&cfg.Etcd.CA, p.EtcdCA},
		{&cfg.Etcd.Cert, p.EtcdCert},
		{&cfg.Etcd.Key, p.EtcdKey},
		{&cfg.Etcd.Username, p.EtcdUser},
	} {
		if set.flag != "" {
			*set.field = set.flag
		}
	}
	if len(p.HTTPHost) > 0 {
		cfg.HTTPHosts = p.HTTPHost
	}
	p.tell(&cfg.Telemetry)
	cfg.HTTP = httpAddress(cfg.HTTP, cfg.GRPC)
	cfg.InsecureListen = cfg.InsecureListen || p.InsecureListen
	return cfg, nil
}

// tell says what operators are told.
func (p *placement) tell(t *bridge.Telemetry) {
	t.Metrics = t.Metrics || p.Metrics
	if p.Debug != "" {
		t.Debug = p.Debug
	}
	if p.OTLP != "" {
		t.OTLP = p.OTLP
	}
	if p.TraceRatio != nil {
		t.TraceRatio = *p.TraceRatio
	}
}

// place says where the state is kept. A flag for one place takes the others out that the file or the environment named.
func (p *placement) place(cfg *bridge.Config) {
	switch {
	case p.Memory:
		cfg.Memory, cfg.Etcd.Endpoints, cfg.Data = true, nil, ""
	case len(p.Etcd) > 0:
		cfg.Memory, cfg.Etcd.Endpoints, cfg.Data = false, p.Etcd, ""
	case p.Data != "":
		cfg.Memory, cfg.Etcd.Endpoints, cfg.Data = false, nil, p.Data
	}
}

// httpAddress is where to listen for HTTP. Where nobody says, it is port 8080 beside gRPC's own default port; beside any
// other it is a port that the system chooses, so that several bridges on one machine do not meet there.
func httpAddress(asked, grpc string) string {
	switch {
	case asked == "off":
		return ""
	case asked != "":
		return asked
	case grpc == "" || strings.HasSuffix(grpc, ":50051"):
		return "127.0.0.1:8080"
	default:
		return "127.0.0.1:0"
	}
}
