package gateway

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const (
	problemType = "application/problem+json"
	problemURN  = "urn:toolbridge:error:"
)

// Problem is an error as HTTP clients get it: a problem document of RFC 9457. It is also the error of an item of a
// batch and of a stream.
type Problem struct { //nolint:errname // named for the document that it is
	Type       string            `json:"type" doc:"A URN that ends in the code." example:"urn:toolbridge:error:ToolNotFound"`
	Title      string            `json:"title" doc:"The code in words."`
	Status     int               `json:"status" doc:"The HTTP status of the code."`
	Detail     string            `json:"detail" doc:"What was wrong, with what, and what to do."`
	Code       tool.Code         `json:"code" doc:"The code of the error table." example:"ToolNotFound"`
	Retryable  bool              `json:"retryable" doc:"The same request may succeed later, and does no harm."`
	RetryAfter float64           `json:"retry_after,omitempty" doc:"Seconds to wait before that."`
	Details    map[string]string `json:"details,omitempty" doc:"Fields for programs, such as path, argument or limit."`
	ClassName  string            `json:"class_name,omitempty" doc:"ExecutionError: the class of what the tool raised."`
	Exception  json.RawMessage   `json:"exception,omitempty" doc:"ExecutionError: what the tool raised, as a value."`
	StackTrace string            `json:"stack_trace,omitempty" doc:"ExecutionError: the tool's stack, where stack=true asks for it."`

	allow string // the header Allow
}

// newProblem makes a problem document of any error, with the status of the error table.
func (g *Gateway) newProblem(err error) *Problem {
	var known *Problem
	if errors.As(err, &known) {
		return known
	}
	e := wire.Error(err)
	p := &Problem{
		Type: problemURN + string(e.Code), Title: titleOf(e.Code), Status: wire.HTTP(e.Code), Detail: wire.Text(e.Message),
		Code: e.Code, Retryable: e.Retryable, RetryAfter: float64(max(e.RetryAfter, 0)) / float64(time.Second), Details: e.Details,
		ClassName: wire.Text(e.Class), StackTrace: wire.Text(e.Stack),
	}
	if !e.Exception.IsZero() {
		if text, err := g.codec.ToJSON(e.Exception); err == nil {
			p.Exception = text
		}
	}
	return p
}

// refusal is a problem that HTTP knows and the error table does not: its status is given.
func refusal(status int, err *tool.Error) *Problem {
	return &Problem{
		Type: problemURN + string(err.Code), Title: titleOf(err.Code), Status: status, Detail: err.Message, Code: err.Code,
		Retryable: err.Retryable, Details: err.Details,
	}
}

// titleOf splits a code into words.
func titleOf(code tool.Code) string {
	var b strings.Builder
	for i, r := range string(code) {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte(' ')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Error implements error.
func (p *Problem) Error() string { return string(p.Code) + ": " + p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return problemType }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header {
	headers := http.Header{}
	if p.allow != "" {
		headers.Set("Allow", p.allow)
	}
	if p.RetryAfter > 0 {
		headers.Set("Retry-After", strconv.Itoa(int(math.Ceil(min(p.RetryAfter, math.MaxInt32)))))
	}
	return headers
}

// fail answers with a problem document.
func (g *Gateway) fail(w http.ResponseWriter, err error) {
	p := g.newProblem(err)
	if patient, is := w.(*patientWriter); is {
		patient.code = p.Code
	}
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	writeDocument(w, problemType, p.Status, p)
}

// explained turns what huma itself finds wrong into a problem of ours.
func explained(_ huma.Context, _ string, body any) (any, error) {
	found, is := body.(*huma.ErrorModel)
	if !is {
		return body, nil
	}
	code := tool.ValidationError
	switch {
	case found.Status == http.StatusRequestEntityTooLarge:
		code = tool.MessageTooLarge
	case found.Status >= http.StatusInternalServerError:
		code = tool.Internal
	}
	e := tool.Errorf(code, "%s", found.Detail)
	for _, detail := range found.Errors {
		e = tool.Errorf(code, "%s: %s: %s", e.Message, detail.Location, detail.Message).With("field", detail.Location)
	}
	return refusal(found.Status, e), nil
}
