package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const description = "Sessions, tools, variables and agents of a bridge. Values are JSON without loss: ints keep every digit, floats have a " +
	"fraction or an exponent, and what JSON has no form for is an object with one $ key, such as {\"$bytes\": \"aGk=\"}. " +
	"Errors are problem documents whose code is that of the error table."

// newAPI makes the part of the gateway that huma serves.
func (g *Gateway) newAPI(mux *http.ServeMux) huma.API {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	return humago.New(mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI:    "3.1.0",
			Info:       &huma.Info{Title: "Toolbridge", Version: g.config.Version, Description: description},
			Components: &huma.Components{Schemas: registry},
		},
		Formats: map[string]huma.Format{
			jsonType: {Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: json.Unmarshal},
			"json":   {Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: json.Unmarshal},
		},
		DefaultFormat:                jsonType,
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{explained},
	})
}

// operation describes an operation.
func operation(method, path, id, tag, summary string) huma.Operation {
	return huma.Operation{Method: method, Path: path, OperationID: id, Tags: []string{tag}, Summary: summary}
}

// register adds an operation that huma serves. Its errors become problem documents. Huma takes an empty parameter for a
// missing one and the first of several; that is refused here as it is elsewhere.
func register[I, O any](g *Gateway, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	op.Middlewares = huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		if _, err := query(r, queryNames(ctx.Operation())...); err != nil {
			g.fail(w, err)
			return
		}
		next(ctx)
	}}
	huma.Register(g.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, g.newProblem(err)
		}
		return out, nil
	})
}

// queryNames are the parameters that an operation reads from the query.
func queryNames(op *huma.Operation) (names []string) {
	for _, p := range op.Parameters {
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	return names
}

// schema describes a document.
func (g *Gateway) schema(document any) *huma.Schema {
	t := reflect.TypeOf(document)
	return g.api.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
}

// detail adds to the description of an operation.
type detail func(*huma.Operation)

// serve adds an operation that a plain handler serves.
func (g *Gateway) serve(mux *http.ServeMux, op huma.Operation, handle http.HandlerFunc, details ...detail) {
	op.Responses = map[string]*huma.Response{}
	for _, name := range pathParameters(op.Path) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "path", Required: true, Schema: nameSchema()})
	}
	for _, add := range details {
		add(&op)
	}
	g.api.OpenAPI().AddOperation(&op)
	mux.HandleFunc(op.Method+" "+op.Path, handle)
}

// pathParameters are the names in braces.
func pathParameters(path string) (names []string) {
	for part := range strings.SplitSeq(path, "/") {
		if name, is := strings.CutPrefix(part, "{"); is {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

// takes describes the body.
func takes(schema *huma.Schema) detail {
	return func(op *huma.Operation) {
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{jsonType: {Schema: schema}}}
	}
}

// answers describes an answer; an operation may have several types of one status.
func answers(status int, contentType string, schema *huma.Schema) detail {
	return func(op *huma.Operation) {
		key := strconv.Itoa(status)
		if op.Responses[key] == nil {
			op.Responses[key] = &huma.Response{Description: http.StatusText(status), Content: map[string]*huma.MediaType{}}
		}
		op.Responses[key].Content[contentType] = &huma.MediaType{Schema: schema}
	}
}

// streams describes a stream of documents.
func (g *Gateway) streams(line any) detail {
	schema := g.schema(line)
	return func(op *huma.Operation) {
		answers(http.StatusOK, ndjsonType, schema)(op)
		answers(http.StatusOK, eventsType, textSchema())(op)
	}
}

func header(name, doc string, schema *huma.Schema) detail {
	return parameter("header", name, doc, schema)
}

func inQuery(name, doc string, schema *huma.Schema) detail {
	return parameter("query", name, doc, schema)
}

func parameter(in, name, doc string, schema *huma.Schema) detail {
	return func(op *huma.Operation) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: in, Description: doc, Schema: schema})
	}
}

// ofCall describes what every call may say besides its body.
func ofCall(op *huma.Operation) {
	least, most := 0.0, maxTimeout.Seconds()
	for _, add := range []detail{
		inQuery("timeout", "Seconds that it may take.", &huma.Schema{Type: "number", ExclusiveMinimum: &least, Maximum: &most}),
		inQuery("ints", "How ints of values are written; string is for clients whose numbers are doubles.", oneOf("number", "string")),
		inQuery("frames", framesHelp, oneOf("arrow", "records")),
		inQuery("stack", "Wants the stack of an error of the tool.", &huma.Schema{Type: "boolean"}),
		header("Idempotency-Key", "Names the request, so that it is done once.", keySchema()),
	} {
		add(op)
	}
}

// publish writes the document, once everything is described, and serves it.
func (g *Gateway) publish(mux *http.ServeMux) error {
	problems := &huma.Response{
		Description: "A problem document; its code says what went wrong.",
		Content:     map[string]*huma.MediaType{problemType: {Schema: g.schema(Problem{})}},
	}
	doc := g.api.OpenAPI()
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Delete} {
			if op != nil {
				op.Responses["default"] = problems
			}
		}
	}
	delete(doc.Components.Schemas.Map(), "ErrorModel")
	delete(doc.Components.Schemas.Map(), "ErrorDetail")
	text, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("the OpenAPI document: %w", err)
	}
	g.document = text
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(g.document)
	})
	return nil
}
