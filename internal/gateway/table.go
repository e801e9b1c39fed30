package gateway

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// arrowType is a table as it is: the Arrow IPC stream that its value holds.
const arrowType = "application/vnd.apache.arrow.stream"

// framesHelp documents the query parameter frames.
const framesHelp = "How tables in values are written: arrow, which loses nothing, or records, a list of rows for people who want to look, which loses " +
	"index, dtypes, shape and attrs."

// codecFor returns the codec that writes answers: ints as numbers or as strings, tables as Arrow or as records.
func (g *Gateway) codecFor(ints, frames string) (*value.Codec, error) {
	codec := g.codec
	switch ints {
	case "", "number":
	case "string":
		codec = g.textCodec
	default:
		return nil, wrongChoice("ints", ints, "number", "string")
	}
	switch frames {
	case "", "arrow":
		return codec, nil
	case "records":
	default:
		return nil, wrongChoice("frames", frames, "arrow", "records")
	}
	if g.config.Tables == nil {
		return nil, tool.Errorf(tool.Unimplemented, `this bridge was built without what reads tables: leave out the query parameter "frames"`).With("field", "frames")
	}
	return codec.Configured(value.With(g.config.Tables), value.TablesAsRows()), nil
}

func wrongChoice(name, got, first, second string) error {
	return tool.Errorf(tool.ValidationError, "query parameter %q is %s: want %q or %q", name, shownText(got), first, second).With("field", name)
}

// wantsTable reports whether a client likes a table as Arrow better than JSON, and whether it takes JSON as well.
func wantsTable(r *http.Request) (arrow, text bool) {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if accept == "" {
		return false, true
	}
	liked := quality(accept, jsonType)
	return quality(accept, arrowType) > liked, liked > 0
}

// writeTable answers with the Arrow stream of a table, if that is what the client wants. What is no table is refused, unless the
// client takes JSON too: then done is false.
func writeTable(w http.ResponseWriter, r *http.Request, v tool.Value) (done bool, err error) {
	arrow, text := wantsTable(r)
	if !arrow {
		return false, nil
	}
	kind := tool.TableKind(v.TypeURL)
	if !tool.IsTable(v.TypeURL) {
		if text {
			return false, nil
		}
		return false, refusal(http.StatusNotAcceptable, tool.Errorf(tool.ValidationError,
			"the value is a %q, which is no table, and the header Accept takes nothing but %s: add application/json;q=0.5", kind, arrowType).
			With("field", "Accept").With("type_url", v.TypeURL))
	}
	arrowHead(w, kind)
	_, _ = w.Write(v.Bytes)
	return true, nil
}

// answersTable describes an answer that may be a table.
func answersTable(op *huma.Operation) { answers(http.StatusOK, arrowType, binarySchema())(op) }
