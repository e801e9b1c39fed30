package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// maxTimeout is the longest time limit that a request may ask for.
const maxTimeout = 24 * time.Hour

// request is what every call says besides its body.
type request struct {
	received  time.Time
	query     url.Values
	codec     *value.Codec // for answers
	timeout   time.Duration
	wantStack bool
	requestID string
	session   string
}

// newRequest reads the query and the headers. Other parameters than those of every call and the given ones are refused.
func (g *Gateway) newRequest(r *http.Request, others ...string) (*request, error) {
	q, err := query(r, append(others, "ints", "frames", "timeout", "stack")...)
	if err != nil {
		return nil, err
	}
	out := &request{received: time.Now(), query: q, session: r.PathValue("session_id")}
	if err := tool.CheckName("session id", out.session); err != nil {
		return nil, err
	}
	if out.requestID, err = idempotencyKey(r); err != nil {
		return nil, err
	}
	if out.codec, err = g.codecFor(q.Get("ints"), q.Get("frames")); err != nil {
		return nil, err
	}
	if out.timeout, err = timeout(q); err != nil {
		return nil, err
	}
	out.wantStack, err = flag(q, "stack")
	return out, err
}

// read reads the body, as Gateway.read does. Metrics count from when it is there, however long the client took to send it.
func (q *request) read(g *Gateway, w http.ResponseWriter, r *http.Request) (data []byte, done func(), err error) {
	data, done, err = g.read(w, r)
	q.received = time.Now()
	return data, done, err
}

// query reads the parameters, each at most once and none unknown.
func query(r *http.Request, known ...string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, tool.Errorf(tool.ValidationError, "the query cannot be read: %w", err).With("field", "query")
	}
	return q, checkQuery(q, known...)
}

func checkQuery(q url.Values, known ...string) error {
	for name, values := range q {
		if !slices.Contains(known, name) {
			return tool.Errorf(tool.ValidationError, "query parameter %s is unknown: known are %q", shownText(name), known).With("field", name)
		}
		if values[0] == "" {
			return tool.Errorf(tool.ValidationError, "query parameter %q is empty: leave it out", name).With("field", name)
		}
		if len(values) > 1 {
			return tool.Errorf(tool.ValidationError, "query parameter %q is given %d times: give it once", name, len(values)).With("field", name)
		}
	}
	return nil
}

// idempotencyKey returns the name of a request; empty where it has none.
func idempotencyKey(r *http.Request) (string, error) {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return "", nil
	}
	if err := tool.CheckName("header Idempotency-Key", keys[0]); err != nil {
		return "", err
	}
	return keys[0], nil
}

// timeout reads a time limit in seconds; 0 where none is asked for.
func timeout(q url.Values) (time.Duration, error) {
	if !q.Has("timeout") {
		return 0, nil
	}
	return seconds(q.Get("timeout"), "timeout", maxTimeout)
}

// timeout reads the time limit of an item.
func (m member) timeout() (time.Duration, error) { return m.span(maxTimeout) }

// span reads a span of time in seconds; a most of 0 leaves the bound to the broker.
func (m member) span(most time.Duration) (time.Duration, error) {
	var n json.Number
	if m.json[0] == '"' || m.decode(&n, "seconds") != nil {
		return 0, m.wrong("want seconds, got %s", shown(m.json))
	}
	if most == 0 {
		most = math.MaxInt64
	}
	return seconds(n.String(), m.path, most)
}

// maxWhole bounds the counts that requests may name. The schemas say it too.
const maxWhole = 1_000_000

// whole reads a count. As in JSON Schema, 3.0 is a whole number.
func (m member) whole(most int) (int, error) {
	var n float64
	if err := m.decode(&n, "a whole number"); err != nil {
		return 0, err
	}
	if n != math.Trunc(n) || n < 0 || n > float64(most) {
		return 0, tool.Errorf(tool.ValidationError, "%s is %s: want a whole number from 0 to %d", m.path, shown(m.json), most).
			With("path", m.path).With("field", m.name).With("limit", strconv.Itoa(most))
	}
	return int(n), nil
}

func seconds(s, what string, most time.Duration) (time.Duration, error) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(n) || n <= 0 || n > most.Seconds() {
		return 0, tool.Errorf(tool.ValidationError, "%s is %s: want seconds, more than 0 and at most %.0f", what, shownText(s), most.Seconds()).
			With("field", what).With("path", what).With("limit", strconv.FormatFloat(most.Seconds(), 'f', 0, 64))
	}
	return max(wire.FromMillis(n*1000), time.Microsecond), nil
}

func flag(q url.Values, name string) (bool, error) {
	switch s := q.Get(name); {
	case s == "true":
		return true, nil
	case s == "false" || !q.Has(name):
		return false, nil
	default:
		return false, tool.Errorf(tool.ValidationError, `query parameter %q is %s: want "true" or "false"`, name, shownText(s)).With("field", name)
	}
}

// context limits a request's context to the time that it asks for.
func (q *request) context(ctx context.Context) (context.Context, context.CancelFunc) {
	if q.timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, q.timeout)
}

// call is a call of the request's session, yet without arguments.
func (q *request) call(r *http.Request, toolID string) *tool.Call {
	return &tool.Call{
		Principal: principal(r.Context()), SessionID: q.session, Tool: toolID, RequestID: q.requestID, WantStack: q.wantStack,
		TraceParent: r.Header.Get("Traceparent"), TraceState: r.Header.Get("Tracestate"), Received: q.received,
		Linger: true,
	}
}

// room is how many bytes the values of a request may still take. A request with too many is refused where they exceed it,
// before the rest of them is read: a value can be many times as large as its text.
type room struct{ left, limit int }

func (g *Gateway) newRoom() *room {
	n := g.broker.Limits().ValueBytes
	return &room{n, n}
}

// take gives a value its part.
func (r *room) take(v tool.Value, at text) error {
	if r.left -= v.Size(); r.left >= 0 {
		return nil
	}
	advice := "send less at once"
	if tool.IsTable(v.TypeURL) {
		advice = "a table of this size is sent as it is, as the body of a call of its own, with the header Content-Type: " + arrowType
	}
	return tool.Errorf(tool.MessageTooLarge, "message too large: the values of the request up to %s have more than %d bytes together: %s", at.path, r.limit, advice).
		With("path", at.path).With("limit", strconv.Itoa(r.limit))
}

// readCall reads the arguments of a call from an object; other members go to more, which says whether it knows them.
func (g *Gateway) readCall(ctx context.Context, t text, call *tool.Call, left *room, more func(member) (bool, error)) error {
	return t.members(func(m member) (err error) {
		known := true
		switch m.name {
		case "args":
			call.Args, err = g.readArgs(ctx, m.text, left)
		case "kwargs":
			call.Kwargs, err = g.readKwargs(ctx, m.text, left)
		default:
			known, err = more(m)
		}
		if err == nil && !known {
			err = unknownMember(m)
		}
		return err
	})
}

func unknownMember(m member) error {
	return tool.Errorf(tool.ValidationError, "the request has a member that nobody knows, %s: leave it out", m.path).
		With("path", m.path).With("field", m.name)
}

func (g *Gateway) readArgs(ctx context.Context, t text, left *room) ([]tool.Value, error) {
	var values []tool.Value
	err := t.items(func(_ int, item text) error {
		v, err := g.fromJSON(ctx, item)
		if err != nil {
			return err
		}
		values = append(values, v)
		return left.take(v, item)
	})
	return values, err
}

func (g *Gateway) readKwargs(ctx context.Context, t text, left *room) ([]tool.Keyword, error) {
	var keywords []tool.Keyword
	err := t.members(func(m member) error {
		v, err := g.fromJSON(ctx, m.text)
		if err != nil {
			return err
		}
		keywords = append(keywords, tool.Keyword{Name: m.name, Value: v})
		return left.take(v, m.text)
	})
	return keywords, err
}

// fromJSON reads a value; its errors say where in the request it stands. A large one waits until others are read.
func (g *Gateway) fromJSON(ctx context.Context, t text) (tool.Value, error) {
	if size := int64(min(len(t.json), readAtOnce)); size > smallBody {
		if err := g.reading.Acquire(ctx, size); err != nil {
			return tool.Value{}, err
		}
		defer g.reading.Release(size)
	}
	v, err := g.codec.FromJSON(t.json)
	if err == nil {
		return v, nil
	}
	var e *tool.Error
	if !errors.As(err, &e) {
		return tool.Value{}, t.wrong("%w", err)
	}
	at := e.Details["path"]
	where := t.path + strings.TrimPrefix(at, "$")
	placed := e.With("path", where)
	placed.Message = "value at " + where + ": " + strings.TrimPrefix(strings.TrimPrefix(e.Message, "value at "+at+": "), "value: ")
	return tool.Value{}, placed
}
