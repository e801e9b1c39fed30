package toolbridge

import (
	"context"
	"fmt"
	"log/slog"

	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Bounds on the tools that are registered at once: as many as a bridge takes, and so few bytes that it need not count what is in
// them. One tool that is larger goes alone.
const (
	mostTools = 1000
	mostBytes = 2 * wire.MaxParts
)

// registration is what the bridge was told of a worker's tools under one incarnation of the link: parts of them in their order,
// each of which the bridge takes as a whole or not at all.
type registration struct {
	incarnation string
	ends        []int // of the parts that were sent, as places among the tools
	taken       int   // how many parts the bridge is known to have taken; one more may be on its way
}

// begin forgets what another incarnation was told, and returns how many parts were taken.
func (r *registration) begin(incarnation string) (parts int) {
	if r.incarnation != incarnation {
		*r = registration{incarnation: incarnation}
	}
	return r.taken
}

// part returns where a part begins and ends.
func (r *registration) part(i int) (first, end int) {
	if i > 0 {
		first = r.ends[i-1]
	}
	return first, r.ends[i]
}

// next returns the part that is to be sent: one that was not answered once more as it was, as it may have been taken. It reports false if
// there is none.
func (r *registration) next(specs []*tool.Spec) (first, end int, more bool) {
	if r.taken > 0 {
		first = r.ends[r.taken-1]
	}
	if first == len(specs) {
		return first, first, false
	}
	if len(r.ends) == r.taken {
		r.ends = append(r.ends, first+partOf(specs[first:]))
	}
	return first, r.ends[r.taken], true
}

// forget forgets the parts from this one on.
func (r *registration) forget(from int) {
	r.ends, r.taken = r.ends[:from], from
}

// partOf returns how many of the first specs make a part.
func partOf(specs []*tool.Spec) int {
	bytes := 0
	for i, s := range specs {
		bytes += proto.Size(&bridgepb.Register{Tools: []*bridgepb.ToolSpec{wire.SpecProto(s)}})
		if i > 0 && (i == mostTools || bytes > mostBytes) {
			return i
		}
	}
	return len(specs)
}

// incarnation is the one of the link that tools are registered under.
func (w *Worker) incarnation() string {
	welcome, _ := w.client.link.process.Welcome()
	return welcome.Incarnation
}

// tell registers the parts of which the bridge does not know yet, each after the one before it was taken.
func (w *Worker) tell(ctx context.Context, specs []*tool.Spec) error {
	for {
		first, end, more := w.told.next(specs)
		if !more {
			return nil
		}
		if _, err := w.client.link.process.Register(ctx, specs[first:end]); err != nil {
			if first > 0 || end < len(specs) {
				return fmt.Errorf("tools %d to %d of %d (%q to %q), which are registered together: %w", first+1, end, len(specs), specs[first].ID, specs[end-1].ID, err)
			}
			return err
		}
		if w.incarnation() != w.told.incarnation { // the parts before this one are not known any more
			return tool.Errorf(tool.WorkerLost, "the link was opened anew while tools were registered")
		}
		w.told.taken++
	}
}

// takeBack withdraws the parts from this one on, of which the bridge has refused the last, so that it does not have half of the tools.
func (w *Worker) takeBack(ctx context.Context, specs []*tool.Spec, from int) {
	w.told.ends = w.told.ends[:w.told.taken] // what was refused is not there
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.options.drain)
	defer cancel()
	if err := w.unregister(ctx, specs, from); err != nil {
		w.client.options.logger.WarnContext(ctx, "tools that were registered before others were refused could not be withdrawn", slog.Any("error", err))
	}
}

// unregister withdraws the parts from this one on, with the one that may have been taken.
func (w *Worker) unregister(ctx context.Context, specs []*tool.Spec, from int) error {
	for i := from; i < len(w.told.ends); i++ {
		first, end := w.told.part(i)
		ids := make([]string, 0, end-first)
		for _, spec := range specs[first:end] {
			ids = append(ids, spec.ID)
		}
		err := w.client.link.process.Unregister(ctx, w.options.sessionID, ids)
		if err != nil && (i < w.told.taken || tool.CodeOf(err) != tool.ToolNotFound) {
			return err
		}
	}
	w.told.forget(from)
	return nil
}
