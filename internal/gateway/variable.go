package gateway

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

const atVariable = inSession + "/variables/{name}"

// Variable is a variable as documents say it.
type Variable struct {
	Name      string            `json:"name"`
	Value     json.RawMessage   `json:"value,omitempty" doc:"Left out of a list that is not asked for values."`
	Metadata  map[string]string `json:"metadata" doc:"Free labels."`
	Revision  string            `json:"revision" doc:"An opaque token of the last write, for If-Match."`
	UpdatedAt string            `json:"updated_at" format:"date-time"`
}

// VariableRequest is what a variable is to hold.
type VariableRequest struct {
	Value    Value             `json:"value" doc:"Any value."`
	Metadata map[string]string `json:"metadata,omitempty" doc:"Free labels, in place of those that it had."`
}

// WrittenVariable tells of a write.
type WrittenVariable struct {
	Name     string `json:"name"`
	Revision string `json:"revision" doc:"An opaque token of this write, for If-Match."`
}

func variableOf(codec *value.Codec, v tool.Variable) (Variable, error) {
	out := Variable{Name: v.Name, Metadata: labels(v.Metadata), Revision: v.Revision, UpdatedAt: moment(v.UpdatedAt)}
	if v.Value.IsZero() {
		return out, nil
	}
	var err error
	out.Value, err = codec.ToJSON(v.Value)
	return out, err
}

func (g *Gateway) routeVariables(mux *http.ServeMux) {
	ints := inQuery("ints", "How ints of values are written.", oneOf("number", "string"))
	ifMatch := header("If-Match", "Only if it is at this revision, in quotes as ETag says it; * if it exists.", matchSchema())
	g.serve(mux, operation(http.MethodGet, atVariable, "get-variable", "Variables", "Read a variable"), g.getVariable,
		ints, inQuery("frames", framesHelp, oneOf("arrow", "records")), answers(http.StatusOK, jsonType, g.schema(Variable{})), answersTable)
	g.serve(mux, operation(http.MethodPut, atVariable, "set-variable", "Variables", "Write a variable, durably"), g.setVariable,
		ifMatch, header("If-None-Match", "* writes only what does not exist.", oneOf("*")),
		header("Idempotency-Key", "Names the request, so that it is recognised when it comes again.", keySchema()),
		takes(g.schema(VariableRequest{})), answers(http.StatusOK, jsonType, g.schema(WrittenVariable{})))
	g.serve(mux, operation(http.MethodDelete, atVariable, "delete-variable", "Variables", "Delete a variable"), g.deleteVariable, ifMatch, answersNothing)
	register(g, operation(http.MethodGet, inSession+"/variables", "list-variables", "Variables", "List variables in the order of their names, a page at a time"), g.listVariables)
}

func (g *Gateway) getVariable(w http.ResponseWriter, r *http.Request) {
	if err := g.readVariable(w, r); err != nil {
		w.Header().Del("ETag")
		g.fail(w, err)
	}
}

func (g *Gateway) readVariable(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "ints", "frames")
	if err != nil {
		return err
	}
	codec, err := g.codecFor(q.Get("ints"), q.Get("frames"))
	if err != nil {
		return err
	}
	found, err := g.broker.Variable(r.Context(), principal(r.Context()), r.PathValue("session_id"), 0, r.PathValue("name"))
	if err != nil {
		return err
	}
	w.Header().Set("ETag", `"`+found.Revision+`"`)
	if done, err := writeTable(w, r, found.Value); done || err != nil {
		return err
	}
	v, err := variableOf(codec, found)
	if err == nil {
		writeDocument(w, jsonType, http.StatusOK, v)
	}
	return err
}

func (g *Gateway) setVariable(w http.ResponseWriter, r *http.Request) {
	written, err := g.written(w, r)
	if err != nil {
		g.fail(w, err)
		return
	}
	w.Header().Set("ETag", `"`+written.Revision+`"`)
	writeDocument(w, jsonType, http.StatusOK, WrittenVariable{written.Name, written.Revision})
}

func (g *Gateway) written(w http.ResponseWriter, r *http.Request) (tool.Variable, error) {
	if _, err := query(r); err != nil {
		return tool.Variable{}, err
	}
	data, done, err := g.read(w, r)
	if err != nil {
		return tool.Variable{}, err
	}
	defer done()
	write, err := g.readWrite(r.Context(), data)
	if err != nil {
		return tool.Variable{}, err
	}
	write.Name = r.PathValue("name")
	if write.RequestID, err = idempotencyKey(r); err != nil {
		return tool.Variable{}, err
	}
	if write.If, err = g.conditionOf(r); err != nil {
		return tool.Variable{}, err
	}
	all, err := g.broker.SetVariables(r.Context(), principal(r.Context()), r.PathValue("session_id"), 0, []broker.VariableWrite{write})
	if err != nil {
		return tool.Variable{}, err
	}
	return all[0], nil
}

func (g *Gateway) readWrite(ctx context.Context, data []byte) (broker.VariableWrite, error) {
	var out broker.VariableWrite
	err := body(data).members(func(m member) (err error) {
		switch m.name {
		case "value":
			out.Value, err = g.fromJSON(ctx, m.text)
		case "metadata":
			out.Metadata, err = g.readLabels(m.text)
		default:
			err = unknownMember(m)
		}
		return err
	})
	if err != nil {
		return out, err
	}
	if out.Value.IsZero() {
		return out, tool.Errorf(tool.ValidationError, "the request has no value: give $.value, null to write none").With("path", "$.value").With("field", "value")
	}
	return out, nil
}

// conditionOf says when a variable may be written or deleted.
func (g *Gateway) conditionOf(r *http.Request) (broker.Condition, error) {
	_, absent, err := condition(r, "If-None-Match")
	if err != nil {
		return broker.Condition{}, err
	}
	revision, present, err := condition(r, "If-Match")
	if err != nil {
		return broker.Condition{}, err
	}
	if absent && (present || revision != "") {
		return broker.Condition{}, tool.Errorf(tool.ValidationError, "headers If-Match and If-None-Match exclude each other").With("field", "If-Match")
	}
	if present {
		return g.present(r)
	}
	return broker.Condition{Revision: revision, Absent: absent}, nil
}

// present demands that the variable exists, as it is now.
func (g *Gateway) present(r *http.Request) (broker.Condition, error) {
	name := r.PathValue("name")
	v, err := g.broker.Variable(r.Context(), principal(r.Context()), r.PathValue("session_id"), 0, name)
	if tool.CodeOf(err) == tool.VariableNotFound {
		err = tool.Errorf(tool.RevisionConflict, "variable %s does not exist, and the header If-Match: * wants it to", shownText(name)).With("variable", name)
	}
	return broker.Condition{Revision: v.Revision}, err
}

func (g *Gateway) deleteVariable(w http.ResponseWriter, r *http.Request) {
	_, err := query(r)
	if err == nil {
		err = g.deleted(r)
	}
	if err != nil {
		g.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (g *Gateway) deleted(r *http.Request) error {
	cond, err := g.conditionOf(r)
	if err != nil {
		return err
	}
	return g.broker.DeleteVariable(r.Context(), principal(r.Context()), r.PathValue("session_id"), 0, r.PathValue("name"), cond)
}

type listVariablesInput struct {
	SessionPath
	Prefix    string `query:"prefix" minLength:"1" maxLength:"256" doc:"Only those whose names begin so."`
	PageSize  int    `query:"page_size" minimum:"1" maximum:"10000" doc:"Defaults to 1,000."`
	PageToken string `query:"page_token" minLength:"1" maxLength:"256" doc:"The next_page_token of the page before."`
	Values    bool   `query:"values" doc:"With their values."`
	Ints      string `query:"ints" enum:"number,string" doc:"How ints of values are written."`
	Frames    string `query:"frames" enum:"arrow,records" doc:"How tables in values are written: records are rows for people who want to look."`
}

type variablesOutput struct{ Body VariableList }

// VariableList is a page of variables.
type VariableList struct {
	Variables     []Variable `json:"variables" nullable:"false"`
	NextPageToken string     `json:"next_page_token" doc:"Empty on the last page."`
}

func (g *Gateway) listVariables(ctx context.Context, in *listVariablesInput) (*variablesOutput, error) {
	codec, err := g.codecFor(in.Ints, in.Frames)
	if err != nil {
		return nil, err
	}
	found, next, err := g.broker.Variables(ctx, principal(ctx), in.SessionID, 0, broker.VariableQuery{
		Prefix: in.Prefix, After: in.PageToken, Limit: in.PageSize, Values: in.Values,
	})
	if err != nil {
		return nil, err
	}
	out := VariableList{Variables: make([]Variable, len(found)), NextPageToken: next}
	for i, v := range found {
		if out.Variables[i], err = variableOf(codec, v); err != nil {
			return nil, err
		}
	}
	return &variablesOutput{out}, nil
}

// answersNothing describes an answer without a body.
func answersNothing(op *huma.Operation) {
	op.Responses["204"] = &huma.Response{Description: http.StatusText(http.StatusNoContent)}
}
