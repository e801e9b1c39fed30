package gateway

import (
	"context"
	"net/http"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// download is a result that is larger than one message, a table, as it is written while it comes. Its answer begins with the first piece;
// after that nothing but breaking the connection tells the client that the table is not whole. The goroutine of the request does
// not touch it, nor the writer, while the call runs.
type download struct {
	w     http.ResponseWriter
	limit int // bytes

	size  int
	ended bool
}

// put implements tool.Tables.Put.
func (d *download) put(ctx context.Context, kind string, piece []byte) error {
	if err := wire.ContextError(ctx); err != nil {
		return err
	}
	if len(piece) == 0 {
		d.ended = true
		return nil
	}
	if d.size += len(piece); d.size > d.limit {
		return tool.TablesTooLarge(d.size, d.limit)
	}
	if d.size == len(piece) {
		arrowHead(d.w, kind)
	}
	if _, err := d.w.Write(piece); err != nil {
		return tool.Errorf(tool.Cancelled, "the client reads no more of the table: %w", err)
	}
	return nil
}

// begun reports whether the answer has begun.
func (d *download) begun() bool { return d != nil && d.size > 0 }

// whole judges a call whose answer has begun: nil if the table is the result, and all of it was written.
func (d *download) whole(result tool.Value, err error) error {
	if err != nil {
		return err
	}
	if _, _, streamed := result.Streamed(); !streamed || !d.ended {
		return tool.Errorf(tool.ProtocolError, "the host sent %d bytes of a table, and then another result", d.size)
	}
	return nil
}

// arrowHead begins an answer that is an Arrow stream.
func arrowHead(w http.ResponseWriter, kind string) {
	w.Header().Set("Content-Type", arrowType)
	if kind != "" {
		w.Header().Set("Value-Type", wire.Text(kind))
	}
	w.WriteHeader(http.StatusOK)
}
