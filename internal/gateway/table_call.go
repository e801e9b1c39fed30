package gateway

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const (
	// kindHeader names the kind of a table whose Arrow stream is a body: what stands behind the slash of its type URL.
	kindHeader = "Value-Type"
	// plainKind is a table of which nothing more is known.
	plainKind = "pyarrow.Table"
)

// carriage carries the tables of a call that are larger than one message between the bodies of its request and answer and its host.
type carriage struct {
	up   *upload   // nil where the request has none
	down *download // nil where the client takes none
}

// Count implements tool.Tables.
func (c *carriage) Count() int {
	if c.up == nil {
		return 0
	}
	return 1
}

// Next implements tool.Tables.
func (c *carriage) Next(ctx context.Context) ([]byte, error) {
	if c.up == nil {
		return nil, io.EOF
	}
	return c.up.next(ctx)
}

// Takes implements tool.Tables.
func (c *carriage) Takes() bool { return c.down != nil }

// Put implements tool.Tables.
func (c *carriage) Put(ctx context.Context, kind string, piece []byte) error {
	return c.down.put(ctx, kind, piece)
}

// Moved implements tool.Tables.
func (c *carriage) Moved() bool { return c.up != nil && c.up.moved || c.down.begun() }

// takeDownload lets the result of a call come in pieces, if the client wants a table as Arrow.
func (g *Gateway) takeDownload(w http.ResponseWriter, r *http.Request, call *tool.Call) *carriage {
	c, is := call.Tables.(*carriage)
	if !is {
		c = &carriage{}
	}
	if arrow, _ := wantsTable(r); arrow {
		c.down = &download{w: w, limit: g.broker.Limits().TableBytes}
		call.Tables = c
	}
	return c
}

// givesTable reports whether the body of a request is a table.
func givesTable(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == arrowType
}

// callParameters are the parameters of the query that say what a body cannot: the other arguments of a table's call.
func callParameters(r *http.Request) []string {
	if givesTable(r) {
		return []string{"args", "kwargs", "argument"}
	}
	return nil
}

// tableCall reads a call of which one argument is the body of the request, an Arrow stream. The others stand in the query.
func (g *Gateway) tableCall(w http.ResponseWriter, r *http.Request, q *request) (call *tool.Call, done func(), err error) {
	kind, err := kindOf(r)
	if err != nil {
		return nil, nil, err
	}
	call = q.call(r, r.PathValue("tool_id"))
	if err := g.queryArguments(r, q, call); err != nil {
		return nil, nil, err
	}
	table, carried, done, err := g.readTable(w, r, kind)
	if err != nil {
		return nil, nil, err
	}
	if carried != nil {
		call.Tables = carried
	}
	name := q.query.Get("argument")
	switch {
	case name == "":
		call.Args = slices.Insert(call.Args, 0, table)
	case slices.ContainsFunc(call.Kwargs, func(k tool.Keyword) bool { return k.Name == name }):
		done()
		return nil, nil, tool.Errorf(tool.ValidationError, "argument %s is given twice, by the query parameters \"argument\" and \"kwargs\"", shownText(name)).With("argument", name)
	default:
		call.Kwargs = append(call.Kwargs, tool.Keyword{Name: name, Value: table})
	}
	return call, done, nil
}

// kindOf is what a client says that its table is.
func kindOf(r *http.Request) (string, error) {
	kind := r.Header.Get(kindHeader)
	switch {
	case kind == "":
		return plainKind, nil
	case !tool.IsTable(kind) || strings.Contains(kind, "/"):
		return "", tool.Errorf(tool.ValidationError, "header %s is %s: want a kind of table, such as pandas.DataFrame, polars.DataFrame or %s", kindHeader, shownText(kind), plainKind).
			With("field", kindHeader)
	default:
		return kind, nil
	}
}

// readTable reads a table that fits one message; of a larger one it begins to read, and returns what stands for it. The caller calls done
// when the call is over.
func (g *Gateway) readTable(w http.ResponseWriter, r *http.Request, kind string) (table tool.Value, carried *carriage, done func(), err error) {
	most, limits := int64(g.broker.Limits().ValueBytes), g.broker.Limits()
	if r.ContentLength > int64(limits.TableBytes) {
		return table, nil, nil, tableTooLong(limits.TableBytes)
	}
	table = tool.Value{TypeURL: "type.googleapis.com/" + kind}
	most -= int64(len(table.TypeURL))
	var begun []byte
	done = func() {}
	if r.ContentLength <= most { // or not told
		if begun, done, err = g.readPart(w, r, most); err != nil {
			return table, nil, nil, err
		}
		if int64(len(begun)) <= most {
			table.Bytes = begun
			return table, nil, done, nil
		}
	}
	_ = http.NewResponseController(w).EnableFullDuplex() // a tool may answer while it reads; a recorder of a test cannot
	up := g.newUpload(w, begun, r.Body)
	given := done
	done = func() {
		up.end(false)
		given()
	}
	return tool.StandIn(kind, 0, int(max(r.ContentLength, 0))), &carriage{up: up}, done, nil
}

// readPart reads a body up to one byte more than a limit.
func (g *Gateway) readPart(w http.ResponseWriter, r *http.Request, most int64) (data []byte, done func(), err error) {
	reserved := r.ContentLength
	if reserved < 0 {
		reserved = most
	}
	if reserved <= smallBody {
		reserved = 0
	}
	if err := g.reserve(reserved); err != nil {
		return nil, nil, err
	}
	data, err = io.ReadAll(io.LimitReader(r.Body, most+1))
	if err != nil {
		g.bodies.give(reserved)
		return nil, nil, g.unread(err)
	}
	if int64(len(data)) <= most {
		restful(w)
	}
	return data, func() { g.bodies.give(reserved) }, nil
}

// namesArrow adds to an error of a result that is too large as JSON how the client gets it, if it is a table.
func namesArrow(r *http.Request, err error) error {
	e := asToolError(err)
	if arrow, _ := wantsTable(r); e == nil || e.Code != tool.MessageTooLarge || arrow || !tool.IsTable(e.Details["type_url"]) {
		return err
	}
	told := *e
	told.Message += "; over HTTP a table of this size is given as Arrow only: send the header Accept: " + arrowType
	return &told
}

// takesTable describes a body that may be a table.
func takesTable(op *huma.Operation) {
	op.RequestBody.Content[arrowType] = &huma.MediaType{Schema: binarySchema()}
	for _, add := range []detail{
		inQuery("argument", "With a table as the body: the argument that it is; without it the first by position.", nameSchema()),
		inQuery("args", "With a table as the body: the other positional arguments, a JSON list.", textSchema()),
		inQuery("kwargs", "With a table as the body: keyword arguments, a JSON object.", textSchema()),
		header(kindHeader, "With a table as the body: its kind, such as pandas.DataFrame; without it "+plainKind+".", textSchema()),
	} {
		add(op)
	}
}

// cause is why a call failed: where its table could not be read, that is why. A body that cannot be read also ends the context of its
// request, which may be seen before.
func (c *carriage) cause(err error) error {
	if c.up == nil {
		return err
	}
	c.up.end(false)
	if failed := c.up.failed; failed != nil && (c.up.cause != nil || tool.CodeOf(err) == tool.Cancelled) {
		return failed
	}
	return err
}

// completeDownload ends an answer that is a table: as it should be, or so that no client takes it for whole.
func (g *Gateway) completeDownload(w http.ResponseWriter, tables *carriage, err error) {
	if err == nil {
		return
	}
	if patient, is := w.(*patientWriter); is {
		patient.code = g.newProblem(err).Code
	}
	if tables.up != nil {
		tables.up.end(true)
	}
	panic(http.ErrAbortHandler)
}

func asToolError(err error) *tool.Error {
	var e *tool.Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
