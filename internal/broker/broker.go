package broker

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Broker is the core of the bridge. Its methods may be called by any number of goroutines. Errors are *tool.Error,
// except those of callbacks, which come back as they are.
type Broker struct {
	store    Store
	observer Observer
	tracer   Tracer
	logger   *slog.Logger
	limits   Limits
	config   Config
	run      string

	scheduler *scheduler
	deadlines *deadlines
	rates     *rates
	changes   *changes
	events    *events
	ledger    *ledger
	seed      maphash.Seed // of fingerprints

	// registering is held for reading while tools are registered, and for writing while they are forgotten because
	// nobody offers them.
	registering sync.RWMutex
	// sharing is held while tools are offered to every session, so that what was checked of them still holds when they are recorded.
	sharing sync.Mutex
	// sweeping is held while a session that was not used for its time to live is ended because somebody asks for it.
	sweeping sync.Mutex
	// routing is held while the scheduler is brought in line with what the store holds, so that it never goes back.
	routing sync.Mutex

	mu     sync.Mutex
	end    context.CancelFunc // ends the broker's own goroutines; nil before Start
	wait   sync.WaitGroup     // for them
	halted bool
}

// New makes a broker. It takes calls after Start.
func New(cfg Config) (*Broker, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Broker{
		store:     cfg.Store,
		observer:  cfg.Observer,
		tracer:    cfg.Tracer,
		logger:    cfg.Logger,
		limits:    cfg.Limits,
		config:    cfg,
		run:       cfg.Run,
		scheduler: newScheduler(cfg.Limits, cfg.ReattachGrace),
		deadlines: newDeadlines(),
		rates:     newRates(cfg.Rates),
		changes:   newChanges(),
		events:    newEvents(),
		ledger:    newLedger(cfg.Limits),
		seed:      maphash.MakeSeed(),
	}, nil
}

// mintID makes an id of 128 random bits.
func mintID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// NewRun makes the name of a run of a bridge.
func NewRun() string { return mintID() }

// Run names this run of the bridge: it changes at every start.
func (b *Broker) Run() string { return b.run }

// Limits returns the limits with their defaults filled in.
func (b *Broker) Limits() Limits { return b.limits }

// Start checks the store and begins to take calls. The context bounds the start only. A broker starts once.
func (b *Broker) Start(ctx context.Context) error {
	if err := b.store.Healthy(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.end != nil || b.halted {
		return tool.Errorf(tool.Internal, "broker: it was started before: make a new one")
	}
	own, end := context.WithCancel(context.Background())
	b.end = end
	b.wait.Go(func() { b.follow(own) })
	b.wait.Go(func() { b.apply(own) })
	b.wait.Go(func() { b.sweep(own) })
	b.scheduler.start(time.Now())
	return nil
}

// Stop drains: new calls are refused, except those made by running ones; running ones may go on until ctx is done, then they are cancelled.
// It returns when all have ended and the broker's goroutines too: nil, or DeadlineExceeded if calls had to be cancelled. For those whose host ignores
// that, it waits no longer than Config.ReattachGrace. It does not close the store.
func (b *Broker) Stop(ctx context.Context) error {
	idle := b.scheduler.drain()
	var err error
	select {
	case <-idle:
	case <-ctx.Done():
		n := b.scheduler.cancelAll(tool.Errorf(tool.Cancelled, "the bridge stopped while the call was under way: make it again when the bridge is back"))
		if n > 0 {
			err = tool.Errorf(tool.DeadlineExceeded, "broker: %d calls did not end in time and were cancelled", n)
		}
		b.linger(idle)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.halted = true
	b.scheduler.stop()
	if b.end != nil {
		b.end()
		b.wait.Wait()
	}
	b.deadlines.close()
	b.events.close()
	return err
}

// linger waits for cancelled calls to end, but not for ever for hosts that do not heed it.
func (b *Broker) linger(idle <-chan struct{}) {
	timer := time.NewTimer(b.config.ReattachGrace)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
		b.logger.Warn("calls did not end after they were cancelled: their hosts do not heed it")
	}
}
