package broker

import (
	"context"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Submit runs a call as Call does, and gives the result to then, once. It returns when the call has ended or its host, one that is a
// Starter, has it: while such a host works, the call has no goroutine.
func (b *Broker) Submit(ctx context.Context, call *tool.Call, then tool.Answerer) {
	if call.RequestID != "" {
		then.Answer(b.Call(ctx, call))
		return
	}
	r := &run{call: call, then: then, broker: b}
	later, err := b.perform(b.begin(ctx, r), r)
	if !later {
		then.Answer(b.complete(r, err))
	}
}

// Answer takes what the host of a call has to say that nobody waits for.
func (r *run) Answer(result tool.Result, err error) {
	defer r.rescue()
	b := r.broker
	r.result = result
	err = b.returned(r, err)
	if r.mayGoAgain(err) {
		go b.again(r, err)
		return
	}
	r.conclude(err)
	b.leave(r)
	r.then.Answer(b.complete(r, err))
}

// again attempts a call once more that a host failed.
func (b *Broker) again(r *run, failed error) {
	defer r.rescue()
	err := b.retreat(r, failed)
	if err != nil {
		r.conclude(err)
		b.leave(r)
	} else {
		var later bool
		if later, err = b.goOn(r); later {
			return
		}
	}
	r.then.Answer(b.complete(r, err))
}

// rescue ends a call whose way back panicked, and answers it: the goroutine belongs to the host's link.
func (r *run) rescue() {
	p := recover()
	if p == nil {
		return
	}
	err := tool.Errorf(tool.Internal, "answering the call of tool %q panicked: %v", r.call.Tool, p)
	if !r.left {
		r.conclude(err)
		r.broker.leave(r)
	}
	r.then.Answer(tool.Result{}, err)
}
