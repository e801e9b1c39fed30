package bridge

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// Config says what a bridge listens on, where it keeps its state and what it accepts. The zero Config is a bridge on
// the default address with a data folder of its own. The yaml names are those of the config file.
type Config struct {
	// GRPC is the address to listen on for gRPC; port 0 lets the system choose. An address that is not loopback is
	// refused unless InsecureListen. Defaults to "127.0.0.1:50051".
	GRPC string `yaml:"grpc"`
	// HTTP is the address to listen on for HTTP; port 0 lets the system choose. An address that is not loopback is
	// refused unless InsecureListen. Defaults to none: no HTTP.
	HTTP string `yaml:"http"`
	// HTTPHosts are the names, without ports, by which HTTP clients may address the bridge besides localhost and the
	// addresses that it listens on. Defaults to none.
	HTTPHosts []string `yaml:"http_hosts"`
	// Tables reads tables for HTTP clients that ask for their rows: frame.Extension(). Defaults to none, and so to a program
	// that does not link Arrow.
	Tables value.Extension `yaml:"-"`
	// InsecureListen allows an address that others can reach although nobody is asked for credentials. Defaults to false.
	InsecureListen bool `yaml:"insecure_listen"`
	// Data is the folder of the embedded store, created with mode 0700 where it does not exist.
	// Defaults to "toolbridge" in $XDG_DATA_HOME, or in ~/.local/share.
	Data string `yaml:"data"`
	// Memory keeps everything in memory instead: nothing survives the process. Defaults to false.
	Memory bool `yaml:"memory"`
	// Etcd, with at least one endpoint, keeps everything in an external cluster instead. Defaults to none.
	Etcd Etcd `yaml:"etcd"`
	// Limits are what the bridge accepts.
	Limits Limits `yaml:"limits"`
	// Rates limit how often calls may come. Defaults to no limits but those of the tools themselves.
	Rates Rates `yaml:"rates"`
	// ReattachGrace is how long calls wait for a worker whose connection was lost. Defaults to 5 s.
	ReattachGrace time.Duration `yaml:"reattach_grace"`
	// PingInterval is how often an attached process is pinged; after three missed pings it gets no new calls. Defaults to 15 s.
	PingInterval time.Duration `yaml:"ping_interval"`
	// SweepInterval is how often the bridge looks for expired sessions. Defaults to 10 s.
	SweepInterval time.Duration `yaml:"sweep_interval"`
	// Telemetry says what operators are told.
	Telemetry Telemetry `yaml:"telemetry"`
	// AccessLog writes a line for each request and call at the bridge's edges, without values. Defaults to false.
	AccessLog bool `yaml:"access_log"`
	// AccessLogger gets those lines, at level info. Defaults to Logger.
	AccessLogger *slog.Logger `yaml:"-"`
	// Hosts offer tools from the bridge's own process. Defaults to none.
	Hosts []Host `yaml:"-"`
	// Logger gets the bridge's log. Defaults to discarding it.
	Logger *slog.Logger `yaml:"-"`
}

// Etcd says how to reach an external cluster.
type Etcd struct {
	// Endpoints are the members' client URLs.
	Endpoints []string `yaml:"endpoints"`
	// Prefix stands before every key. Defaults to "/toolbridge/".
	Prefix string `yaml:"prefix"`
	// Username and Password are the credentials. Defaults to none.
	Username string `yaml:"username"`
	// Password belongs to Username.
	Password string `yaml:"password"`
	// CA is a file of certificates that sign the members'. Defaults to the system's.
	CA string `yaml:"ca"`
	// Cert and Key are files of the client's own certificate. Defaults to none.
	Cert string `yaml:"cert"`
	// Key belongs to Cert.
	Key string `yaml:"key"`
}

// Limits are what the bridge accepts. A zero field takes its default.
type Limits struct {
	// ValueBytes of a call's arguments, a result, a chunk or all items of a batch. Defaults to 10 MiB, at most 15 MiB.
	ValueBytes int `yaml:"value_bytes"`
	// TableBytes of the tables of a call that are larger than one message and travel in pieces over links. Defaults to 1 GiB.
	TableBytes int `yaml:"table_bytes"`
	// VariableBytes of one variable. Defaults to 1 MiB.
	VariableBytes int `yaml:"variable_bytes"`
	// BatchItems of one batch. Defaults to 10,000.
	BatchItems int `yaml:"batch_items"`
	// CallDepth is how deep calls may be nested. Defaults to 32.
	CallDepth int `yaml:"call_depth"`
	// QueueCalls is how many calls may wait for one tool. Defaults to 1,024.
	QueueCalls int `yaml:"queue_calls"`
	// QueueBytes is how many argument bytes may wait for one tool. Defaults to 64 MiB.
	QueueBytes int `yaml:"queue_bytes"`
	// LinkCalls is how many calls one link may have under way in each direction. Defaults to 4,096.
	LinkCalls int `yaml:"link_calls"`
	// CallTimeout is a call's time limit where neither the caller nor the tool names one. Defaults to 30 s.
	CallTimeout time.Duration `yaml:"call_timeout"`
	// StreamIdle is how long a stream may be silent. Defaults to 30 s.
	StreamIdle time.Duration `yaml:"stream_idle"`
	// SessionTTL is how long a session lives without use where its creator names nothing. Defaults to 1 h, at most 30 d.
	SessionTTL time.Duration `yaml:"session_ttl"`
	// RecordedFor is how long the answers of calls with a request id are kept, so that a retry gets them. Defaults to 10 min.
	RecordedFor time.Duration `yaml:"recorded_for"`
	// RecordedBytes bounds what these take; beyond it the oldest go first. Defaults to 256 MiB.
	RecordedBytes int `yaml:"recorded_bytes"`
}

// Rates limit how often calls may come, besides what each tool says of itself. A call beyond a limit is RateLimitExceeded, is not
// started, and says when to come again.
type Rates struct {
	// Session limits all calls of each session together. Defaults to no limit.
	Session Rate `yaml:"session"`
	// Tools limits the calls of a tool by all sessions together, by the tool's id or name. Defaults to no limits.
	Tools map[string]Rate `yaml:"tools"`
}

// Rate is a bucket of tokens: each call takes one, and PerSecond come back a second until Burst are there.
type Rate struct {
	// PerSecond is how many calls may come a second on average. Defaults to 0: no limit.
	PerSecond float64 `yaml:"per_second"`
	// Burst is how many may come at once. Defaults to a second's worth, at least 1.
	Burst int `yaml:"burst"`
}

// check refuses what is no rate.
func (r *Rates) check() error {
	var e *tool.Error
	if errors.As(r.broker().Check(), &e) {
		return errors.New(e.Message)
	}
	return nil
}

// accessLog is who gets the lines of the access log; nil for nobody.
func (c *Config) accessLog() *slog.Logger {
	switch {
	case !c.AccessLog:
		return nil
	case c.AccessLogger != nil:
		return c.AccessLogger
	default:
		return c.Logger
	}
}

func (r *Rates) broker() broker.Rates {
	out := broker.Rates{Session: broker.Rate(r.Session), Tools: make(map[string]broker.Rate, len(r.Tools))}
	for name, rate := range r.Tools {
		out.Tools[name] = broker.Rate(rate)
	}
	return out
}

// maxValueBytes leaves room for the rest of a message within the transport's 16 MiB.
const maxValueBytes = 15 << 20

// LoadConfig reads a config file (YAML; unknown fields are errors) where path is not empty, and then the
// environment: GRPC_PORT, TOOLBRIDGE_GRPC, HTTP_PORT, TOOLBRIDGE_HTTP, TOOLBRIDGE_HTTP_HOSTS (comma-separated),
// TOOLBRIDGE_DATA, TOOLBRIDGE_ETCD (comma-separated), TOOLBRIDGE_ETCD_USERNAME, TOOLBRIDGE_ETCD_PASSWORD, TOOLBRIDGE_METRICS,
// TOOLBRIDGE_DEBUG, TOOLBRIDGE_OTLP, TOOLBRIDGE_TRACE_RATIO. The environment wins over the file, also in where the state is kept.
func LoadConfig(path string, getenv func(string) string) (Config, error) {
	var c Config
	if path != "" {
		if err := c.read(path); err != nil {
			return Config{}, err
		}
	}
	usePort(&c.GRPC, getenv("GRPC_PORT"))
	usePort(&c.HTTP, getenv("HTTP_PORT"))
	for name, field := range map[string]*string{
		"TOOLBRIDGE_GRPC": &c.GRPC, "TOOLBRIDGE_HTTP": &c.HTTP, "TOOLBRIDGE_ETCD_USERNAME": &c.Etcd.Username, "TOOLBRIDGE_ETCD_PASSWORD": &c.Etcd.Password,
	} {
		if v := getenv(name); v != "" {
			*field = v
		}
	}
	if v := getenv("TOOLBRIDGE_HTTP_HOSTS"); v != "" {
		c.HTTPHosts = strings.Split(v, ",")
	}
	if v := getenv("TOOLBRIDGE_DATA"); v != "" {
		c.Data, c.Memory, c.Etcd.Endpoints = v, false, nil
	}
	if v := getenv("TOOLBRIDGE_ETCD"); v != "" {
		c.Memory, c.Etcd.Endpoints = false, strings.Split(v, ",")
	}
	return c, c.Telemetry.environment(getenv)
}

// usePort puts a port, if it is given, into an address.
func usePort(address *string, port string) {
	if port == "" {
		return
	}
	host, _, err := net.SplitHostPort(*address)
	if err != nil {
		host = "127.0.0.1"
	}
	*address = net.JoinHostPort(host, port)
}

func (c *Config) read(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("config file: %w", err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("config file %s: %s", path, inOneLine(err))
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("config file %s: %s", path, inOneLine(err))
	}
	if faults := fractions(&document, reflect.TypeFor[Config]()); len(faults) > 0 {
		return fmt.Errorf("config file %s: %s", path, strings.Join(faults, "; "))
	}
	return nil
}

// inOneLine puts the faults that the decoder found, one a line, behind each other.
func inOneLine(err error) string {
	var faults *yaml.TypeError
	if errors.As(err, &faults) {
		return strings.Join(faults.Errors, "; ")
	}
	return err.Error()
}

// Check reports what is wrong with the config, defaults applied.
func (c *Config) Check() error {
	d := c.withDefaults()
	return d.check()
}

// withDefaults returns a copy in which no field is left open.
func (c *Config) withDefaults() Config {
	d := *c
	d.setDefaults()
	return d
}

func (c *Config) setDefaults() {
	set(&c.GRPC, "127.0.0.1:50051")
	set(&c.Etcd.Prefix, "/toolbridge/")
	set(&c.Limits.ValueBytes, 10<<20)
	set(&c.Limits.TableBytes, 1<<30)
	set(&c.Limits.VariableBytes, 1<<20)
	set(&c.Limits.BatchItems, 10_000)
	set(&c.Limits.CallDepth, 32)
	set(&c.Limits.QueueCalls, 1024)
	set(&c.Limits.QueueBytes, 64<<20)
	set(&c.Limits.LinkCalls, 4096)
	set(&c.Limits.CallTimeout, 30*time.Second)
	set(&c.Limits.StreamIdle, 30*time.Second)
	set(&c.Limits.SessionTTL, time.Hour)
	set(&c.Limits.RecordedFor, 10*time.Minute)
	set(&c.Limits.RecordedBytes, 256<<20)
	set(&c.ReattachGrace, 5*time.Second)
	set(&c.PingInterval, 15*time.Second)
	set(&c.SweepInterval, 10*time.Second)
	if c.Data == "" && c.embedded() {
		c.Data = defaultData()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// embedded reports whether the bridge runs its own store on disk.
func (c *Config) embedded() bool { return !c.Memory && len(c.Etcd.Endpoints) == 0 }

func defaultData() string {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "toolbridge")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "" // Check says what to do.
	}
	return filepath.Join(home, ".local", "share", "toolbridge")
}

func (c *Config) check() error {
	if err := c.checkAddress("grpc", c.GRPC, "127.0.0.1:50051"); err != nil {
		return err
	}
	if c.HTTP != "" {
		if err := c.checkAddress("http", c.HTTP, "127.0.0.1:8080"); err != nil {
			return err
		}
	}
	if c.embedded() && c.Data == "" {
		return errors.New("no data folder: there is no home folder to put one in; name one (--data DIR), or keep everything in memory (--memory)")
	}
	if c.Memory && len(c.Etcd.Endpoints) > 0 {
		return errors.New("memory and etcd exclude each other: say where the state is to be kept")
	}
	if c.Memory && c.Data != "" {
		return fmt.Errorf("memory and the data folder %q exclude each other: say where the state is to be kept", c.Data)
	}
	if err := c.Etcd.check(); err != nil {
		return err
	}
	if c.Limits.ValueBytes < 0 || c.Limits.ValueBytes > maxValueBytes {
		return fmt.Errorf("limits.value_bytes is %d: want 1 to %d, the transport allows no more", c.Limits.ValueBytes, maxValueBytes)
	}
	if err := c.Rates.check(); err != nil {
		return err
	}
	if err := c.checkHosts(); err != nil {
		return err
	}
	if err := c.checkTelemetry(); err != nil {
		return err
	}
	return c.checkPositive()
}

// checkAddress checks an address to listen on.
func (c *Config) checkAddress(protocol, address, example string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s address %q: %w; want host:port, such as %s", protocol, address, err, example)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%s address %q: port %q is not a number from 0 to 65535", protocol, address, port)
	}
	if !c.InsecureListen && !loopback(host) {
		return fmt.Errorf("%s address %q can be reached by others and nobody is asked for credentials: "+
			"listen on 127.0.0.1, or say insecure_listen (--insecure-listen) if the network is your own", protocol, address)
	}
	return nil
}

func (c *Config) checkHosts() error {
	seen := make(map[string]bool, len(c.Hosts))
	for _, host := range c.Hosts {
		if seen[host.Identity()] {
			return fmt.Errorf("two hosts have the identity %q: each host of a bridge has its own", host.Identity())
		}
		seen[host.Identity()] = true
	}
	return nil
}

func (c *Config) checkPositive() error {
	for name, v := range map[string]int64{
		"limits.table_bytes": int64(c.Limits.TableBytes), "limits.variable_bytes": int64(c.Limits.VariableBytes), "limits.batch_items": int64(c.Limits.BatchItems),
		"limits.call_depth": int64(c.Limits.CallDepth), "limits.queue_calls": int64(c.Limits.QueueCalls),
		"limits.queue_bytes": int64(c.Limits.QueueBytes), "limits.link_calls": int64(c.Limits.LinkCalls),
		"limits.call_timeout": int64(c.Limits.CallTimeout), "limits.stream_idle": int64(c.Limits.StreamIdle),
		"limits.recorded_for": int64(c.Limits.RecordedFor), "limits.recorded_bytes": int64(c.Limits.RecordedBytes),
		"limits.session_ttl": int64(c.Limits.SessionTTL), "reattach_grace": int64(c.ReattachGrace),
		"ping_interval": int64(c.PingInterval), "sweep_interval": int64(c.SweepInterval),
	} {
		if v <= 0 {
			return fmt.Errorf("%s is %d: want more than 0, or leave it out for the default", name, v)
		}
	}
	if most := 30 * 24 * time.Hour; c.Limits.SessionTTL > most {
		return fmt.Errorf("limits.session_ttl is %s: want at most %s", c.Limits.SessionTTL, most)
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// check refuses what could not protect the connection that it seems to protect.
func (e *Etcd) check() error {
	if (e.Cert == "") != (e.Key == "") {
		return errors.New("etcd.cert and etcd.key belong together: name both or neither")
	}
	for _, endpoint := range e.Endpoints {
		u, err := url.Parse(endpoint)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return fmt.Errorf("etcd endpoint %q: want a URL such as https://10.0.0.7:2379", endpoint)
		}
		if u.User != nil {
			return errors.New("an etcd endpoint holds credentials: name them in etcd.username and TOOLBRIDGE_ETCD_PASSWORD")
		}
		if u.Scheme == "http" && (e.CA != "" || e.Cert != "") {
			return fmt.Errorf("etcd endpoint %q is not encrypted although etcd.ca or etcd.cert is named: write https://", endpoint)
		}
	}
	return nil
}

// tls returns the client's TLS settings for the cluster, nil where no endpoint asks for them.
func (e *Etcd) tls() (*tls.Config, error) {
	secure := e.CA != "" || e.Cert != ""
	for _, endpoint := range e.Endpoints {
		secure = secure || strings.HasPrefix(endpoint, "https://")
	}
	if !secure {
		return nil, nil //nolint:nilnil // no TLS is an answer, not an error
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if e.CA != "" {
		pem, err := os.ReadFile(e.CA)
		if err != nil {
			return nil, fmt.Errorf("etcd.ca: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("etcd.ca: %s holds no certificate in PEM form", e.CA)
		}
	}
	if e.Cert != "" {
		pair, err := tls.LoadX509KeyPair(e.Cert, e.Key)
		if err != nil {
			return nil, fmt.Errorf("etcd.cert and etcd.key: %w", err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}
