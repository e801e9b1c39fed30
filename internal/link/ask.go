package link

import (
	"context"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// AsksCapability is what a bridge has that takes calls with Asks.
const AsksCapability = "asks"

// Ask asks the bridge itself, as call.Asks says. It reports false where that cannot be done at once, because the bridge takes no asks,
// or a queue or a limit is in the way: then nothing was sent. Errors are those of Call.
func (p *Process) Ask(ctx context.Context, call *tool.Call) (r tool.Result, sent bool, err error) {
	e := p.current()
	if !e.asks.Load() {
		return tool.Result{}, false, nil
	}
	return e.callNow(ctx, call)
}

// callNow is Call for a small call that waits for nothing before it is sent: it reports false where it would have to.
func (e *engine) callNow(ctx context.Context, call *tool.Call) (r tool.Result, sent bool, err error) {
	head, parent, err := e.headOf(ctx, call)
	if err != nil {
		return tool.Result{}, false, nil
	}
	enc := newSharer()
	defer enc.free()
	enc.call(call, head)
	if enc.invalid || enc.size() > maxPiece {
		return tool.Result{}, false, nil
	}
	c := e.newOutCall()
	c.call, c.parent = call, parent
	if !e.issueNow(c, enc) {
		c.free()
		return tool.Result{}, false, nil
	}
	if c.wait(ctx) {
		defer c.free()
	}
	r, err = c.answer()
	return r, true, err
}
