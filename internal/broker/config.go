package broker

import (
	"log/slog"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Config is what a Broker is made from.
type Config struct {
	// Store keeps the state. The caller closes it after Stop. Required.
	Store Store
	// Run names this run of the bridge. Defaults to NewRun.
	Run string
	// Observer is told what happens. Defaults to nobody.
	Observer Observer
	// Tracer records calls as parts of traces. Defaults to nobody.
	Tracer Tracer
	// Logger gets what operators should see. Defaults to slog.Default().
	Logger *slog.Logger
	// Limits bound what is accepted. Each of its fields that is 0 defaults as it says.
	Limits Limits
	// Rates limit how often calls may come. Defaults to no limits but those of the tools themselves.
	Rates Rates
	// ReattachGrace is how long calls wait for a host after the last one of their tool left, and after Start. Defaults to 5 s.
	ReattachGrace time.Duration
	// SweepInterval is the time between two looks for expired sessions. Defaults to 10 s.
	SweepInterval time.Duration
	// ForgetToolsAfter is how long shared tools that nobody offers are remembered. Defaults to 24 h.
	ForgetToolsAfter time.Duration
}

// Limits are the bounds that a broker enforces; each error that one causes names it.
type Limits struct {
	// ValueBytes bounds the value bytes of a call's arguments, of a result, of a chunk, and of all items of a batch. Defaults to 10 MiB.
	ValueBytes int
	// TableBytes bounds the tables of a call that are larger than one message and travel in pieces. Defaults to 1 GiB.
	TableBytes int
	// VariableBytes bounds a variable's value. Defaults to 1 MiB.
	VariableBytes int
	// MetadataBytes bounds the keys and values of the metadata of a session or variable. Defaults to 16 KiB.
	MetadataBytes int
	// CallDepth bounds how many calls a call may be nested in. Defaults to 32.
	CallDepth int
	// BatchItems bounds the items of a batch. Defaults to 10,000.
	BatchItems int
	// BatchConcurrency is how many items of a batch run at once where it does not say. Defaults to 64.
	BatchConcurrency int
	// QueuedCalls bounds the calls that wait for one tool. Defaults to 1,024.
	QueuedCalls int
	// QueuedBytes bounds the argument bytes of the calls that wait for one tool. Defaults to 64 MiB.
	QueuedBytes int
	// CallTimeout is the time limit of a call that wants one result, where neither caller nor tool name one. Defaults to 30 s.
	CallTimeout time.Duration
	// StreamIdle is how long a stream may make no progress. Defaults to 30 s.
	StreamIdle time.Duration
	// SessionTTL is a session's time to live where its creator names none. Defaults to 1 h.
	SessionTTL time.Duration
	// MaxSessionTTL bounds a session's time to live. Defaults to 30 d.
	MaxSessionTTL time.Duration
	// ToolsPerRegistration bounds the tools of one registration. Defaults to 1,000.
	ToolsPerRegistration int
	// CatalogBytes bounds the descriptions of the tools of one session, and of those that are offered to every session: both
	// travel together in one answer. Defaults to 4 MiB.
	CatalogBytes int
	// EndedCalls is how many of the calls that ended last are remembered for operators. Defaults to 1,024.
	EndedCalls int
	// RecordedFor is how long the answers of calls with a request id are kept to be replayed. Defaults to 10 min.
	RecordedFor time.Duration
	// RecordedBytes bounds what they take, about; beyond it the oldest go first. Defaults to 256 MiB.
	RecordedBytes int
}

const day = 24 * time.Hour

// withDefaults fills in what is not set and refuses what makes no sense.
func (c Config) withDefaults() (Config, error) {
	if c.Store == nil {
		return c, tool.Errorf(tool.ValidationError, "broker: Config.Store is required")
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Run == "" {
		c.Run = NewRun()
	}
	c.Limits.setDefaults()
	if err := c.Limits.check(); err != nil {
		return c, err
	}
	if err := c.Rates.Check(); err != nil {
		return c, err
	}
	for _, d := range []struct {
		name  string
		value *time.Duration
		def   time.Duration
	}{
		{"ReattachGrace", &c.ReattachGrace, 5 * time.Second},
		{"SweepInterval", &c.SweepInterval, 10 * time.Second},
		{"ForgetToolsAfter", &c.ForgetToolsAfter, day},
	} {
		if *d.value < 0 {
			return c, tool.Errorf(tool.ValidationError, "broker: Config.%s is %v: it must not be negative", d.name, *d.value)
		}
		setDefault(d.value, d.def)
	}
	return c, nil
}

func (l *Limits) setDefaults() {
	setDefault(&l.ValueBytes, 10<<20)
	setDefault(&l.TableBytes, tool.DefaultTableBytes)
	setDefault(&l.VariableBytes, 1<<20)
	setDefault(&l.MetadataBytes, 16<<10)
	setDefault(&l.CallDepth, 32)
	setDefault(&l.BatchItems, 10_000)
	setDefault(&l.BatchConcurrency, 64)
	setDefault(&l.QueuedCalls, 1024)
	setDefault(&l.QueuedBytes, 64<<20)
	setDefault(&l.ToolsPerRegistration, 1000)
	setDefault(&l.CatalogBytes, 4<<20)
	setDefault(&l.EndedCalls, 1024)
	setDefault(&l.RecordedFor, 10*time.Minute)
	setDefault(&l.RecordedBytes, 256<<20)
	setDefault(&l.CallTimeout, 30*time.Second)
	setDefault(&l.StreamIdle, 30*time.Second)
	setDefault(&l.SessionTTL, time.Hour)
	setDefault(&l.MaxSessionTTL, 30*day)
}

func (l *Limits) check() error {
	for _, v := range []struct {
		name  string
		value int64
	}{
		{"ValueBytes", int64(l.ValueBytes)}, {"VariableBytes", int64(l.VariableBytes)}, {"MetadataBytes", int64(l.MetadataBytes)},
		{"CallDepth", int64(l.CallDepth)}, {"BatchItems", int64(l.BatchItems)}, {"BatchConcurrency", int64(l.BatchConcurrency)},
		{"QueuedCalls", int64(l.QueuedCalls)}, {"QueuedBytes", int64(l.QueuedBytes)}, {"ToolsPerRegistration", int64(l.ToolsPerRegistration)},
		{"CatalogBytes", int64(l.CatalogBytes)}, {"TableBytes", int64(l.TableBytes)},
		{"EndedCalls", int64(l.EndedCalls)}, {"RecordedFor", int64(l.RecordedFor)}, {"RecordedBytes", int64(l.RecordedBytes)},
		{"CallTimeout", int64(l.CallTimeout)}, {"StreamIdle", int64(l.StreamIdle)},
		{"SessionTTL", int64(l.SessionTTL)}, {"MaxSessionTTL", int64(l.MaxSessionTTL)},
	} {
		if v.value < 0 {
			return tool.Errorf(tool.ValidationError, "broker: Limits.%s is %d: it must not be negative", v.name, v.value)
		}
	}
	if l.SessionTTL > l.MaxSessionTTL {
		return tool.Errorf(tool.ValidationError, "broker: Limits.SessionTTL is %v: it must not be above MaxSessionTTL, %v", l.SessionTTL, l.MaxSessionTTL)
	}
	return nil
}

func setDefault[T int | time.Duration](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}
