package toolbridge

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/grpc-tool-bridge/toolbridge/internal/direct"
	"github.com/grpc-tool-bridge/toolbridge/internal/link"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// linkKeeper keeps a client's link open: one goroutine opens it anew whenever its connection was lost. Calls go over
// it, and by plain RPCs if the bridge turns out to have no links.
type linkKeeper struct {
	client  *Client
	process *link.Process
	rpc     plainRPC
	offers  offers
	cancel  context.CancelFunc
	ended   chan struct{}

	target    *direct.Target // of a connection of the link's own; nil where there cannot be one
	ownFailed bool           // the last such connection came to no welcome: gRPC is to try, and to say why
	welcomed  atomic.Bool    // by the bridge, on the connection that there is

	// usable is set while the link is connected, plain when the bridge has none.
	usable, plain atomic.Bool
	// incarnation counts the connections that did not go on with what was before.
	incarnation atomic.Uint64

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each change
	lost    error         // why there is no connection
}

// newLinkKeeper makes a link and begins to open it.
func newLinkKeeper(c *Client, rpc plainRPC) *linkKeeper {
	ctx, cancel := context.WithCancel(context.Background())
	k := &linkKeeper{client: c, rpc: rpc, cancel: cancel, ended: make(chan struct{}), changed: make(chan struct{}), target: c.options.target(c.address)}
	k.process = link.NewProcess(link.ProcessConfig{
		Identity: newIdentity(), Labels: c.labels, MaxCalls: c.options.concurrency, Handler: &k.offers, OnState: k.stateChanged,
		Capabilities: []string{"tables"},
	})
	go k.keep(ctx)
	return k
}

// keep opens one connection after the other until ctx ends or the bridge says that it has no links.
func (k *linkKeeper) keep(ctx context.Context) {
	defer close(k.ended)
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.MaxInterval = 20*time.Millisecond, 2*time.Second
	for ctx.Err() == nil {
		began := time.Now()
		err := k.connect(ctx)
		if tool.CodeOf(err) == tool.Unimplemented {
			k.plain.Store(true)
			k.note(nil)
			return
		}
		k.usable.Store(false)
		k.note(err)
		if time.Since(began) > waits.MaxInterval {
			waits.Reset()
		}
		wait(ctx, waits.NextBackOff())
	}
}

// connect serves one connection until it ends.
func (k *linkKeeper) connect(ctx context.Context) error {
	stream, own, err := k.openLink(ctx)
	if err != nil {
		return wire.Error(err)
	}
	defer stream.Close()
	k.welcomed.Store(false)
	err = k.process.Run(ctx, stream)
	k.ownFailed = own && !k.welcomed.Load()
	if err != nil {
		return wire.Error(err)
	}
	return nil
}

// stateChanged is told by the link. It must not block.
func (k *linkKeeper) stateChanged(change link.StateChange) {
	usable := change.State == link.Ready || change.State == link.Unresponsive
	if usable {
		k.welcomed.Store(true)
	}
	if usable && !k.usable.Load() {
		if welcome, ok := k.process.Welcome(); ok {
			k.client.learn(welcome.Limits, welcome.BridgeRun)
		}
	}
	anew := change.State == link.Ready && !change.Resumed
	if anew {
		k.incarnation.Add(1)
	}
	k.usable.Store(usable)
	if usable {
		k.recovered()
	}
	k.note(change.Err)
	if anew {
		k.offers.renew()
	}
}

// recovered forgets why there was no connection.
func (k *linkKeeper) recovered() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lost = nil
}

// note wakes those that wait for a change.
func (k *linkKeeper) note(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.lost = err
	}
	close(k.changed)
	k.changed = make(chan struct{})
}

// settled reports whether a call can be sent now, over the link or because there is none.
func (k *linkKeeper) settled() bool { return k.usable.Load() || k.plain.Load() }

// refusal returns the error with which the bridge refuses this client for good, if it does.
func (k *linkKeeper) refusal() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if code := tool.CodeOf(k.lost); code == tool.Unauthenticated || code == tool.PermissionDenied {
		return k.lost
	}
	return nil
}

// await waits until the link is settled and reports whether it is before ctx ends or the bridge refuses it.
func (k *linkKeeper) await(ctx context.Context) bool {
	for {
		k.mu.Lock()
		changed := k.changed
		k.mu.Unlock()
		if k.settled() {
			return true
		}
		if k.refusal() != nil {
			return false
		}
		select {
		case <-changed:
		case <-k.ended:
			return k.settled()
		case <-ctx.Done():
			return false
		}
	}
}

// trouble says why there is no connection, for the end of an error's message.
func (k *linkKeeper) trouble() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var e *tool.Error
	if errors.As(k.lost, &e) {
		return " (" + e.Message + ")"
	}
	return ""
}

// call makes a call that wants one result.
func (k *linkKeeper) call(ctx context.Context, call *tool.Call, result *tool.Result) error {
	before, err := k.open(ctx)
	if err != nil {
		return err
	}
	err = k.callNow(ctx, call, result)
	if err != nil && k.reopened(ctx, call, before, err) {
		return k.callNow(ctx, call, result)
	}
	return err
}

func (k *linkKeeper) callNow(ctx context.Context, call *tool.Call, result *tool.Result) error {
	rewind(call)
	if k.plain.Load() {
		return k.rpc.call(ctx, call, result)
	}
	return k.process.CallInto(ctx, call, result)
}

// stream makes a call that wants chunks.
func (k *linkKeeper) stream(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	before, err := k.open(ctx)
	if err != nil {
		return tool.Metrics{}, err
	}
	metrics, err := k.streamNow(ctx, call, send)
	if err != nil && k.reopened(ctx, call, before, err) {
		return k.streamNow(ctx, call, send)
	}
	return metrics, err
}

func (k *linkKeeper) streamNow(ctx context.Context, call *tool.Call, send func(tool.Chunk) error) (tool.Metrics, error) {
	rewind(call)
	if k.plain.Load() {
		return k.rpc.stream(ctx, call, send)
	}
	return k.process.Stream(ctx, call, send)
}

// open waits until there is a connection, and returns the incarnation of the link.
func (k *linkKeeper) open(ctx context.Context) (incarnation uint64, err error) {
	if !k.settled() {
		err = k.client.ready(ctx)
	}
	return k.incarnation.Load(), err
}

// reopened reports whether a call is to be made once more: it was certainly not started, because the bridge went away in just the moment
// when it was made, and there is another connection now.
func (k *linkKeeper) reopened(ctx context.Context, call *tool.Call, before uint64, failed error) bool {
	if tool.CodeOf(failed) != tool.WorkerUnavailable || k.settled() && k.incarnation.Load() == before {
		return false
	}
	return repeatable(call) && k.client.ready(ctx) == nil
}

// farewell is how long the bridge is given to read what was sent before the link ends.
const farewell = 500 * time.Millisecond

// close ends the link and the goroutine that keeps it. It says good-bye first, so that what was sent just before, such as
// the cancelling of a call, still arrives.
func (k *linkKeeper) close(ctx context.Context) error {
	if k.usable.Load() {
		bye, cancel := context.WithTimeout(ctx, farewell)
		_ = k.process.Drain(bye, "the client was closed") // the link ends in any case
		cancel()
	}
	err := k.process.Close(ctx)
	k.cancel()
	<-k.ended
	return err
}
