package gateway

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// namePattern is that of names: no control characters. It also stands in the tags of what huma reads.
const namePattern = `^[^\x00-\x1f\x7f-\x9f]+$`

// Value stands for any value in what describes a request.
type Value struct{}

// Schema implements huma.SchemaProvider. A value may be any JSON but an object whose only key begins with $ and is not one of
// the lossless form, which a schema cannot say without refusing others.
func (Value) Schema(r huma.Registry) *huma.Schema {
	const name = "Value"
	if r.Map()[name] == nil {
		r.Map()[name] = &huma.Schema{
			Description: `A value in the lossless JSON form: JSON, or an object with one $ key, such as {"$bytes": "aGk="}, where JSON has no form for it.`,
		}
	}
	return &huma.Schema{Ref: "#/components/schemas/" + name}
}

func nameSchema() *huma.Schema {
	least, most := 1, tool.MaxNameBytes
	return &huma.Schema{Type: "string", MinLength: &least, MaxLength: &most, Pattern: namePattern}
}

// keySchema is that of a name in a header, which holds visible characters only.
func keySchema() *huma.Schema {
	s := nameSchema()
	s.Pattern = `^[!-~]+$`
	return s
}

// matchSchema is what an If-Match header may hold.
func matchSchema() *huma.Schema {
	least := 1
	return &huma.Schema{Type: "string", MinLength: &least, Examples: []any{"*"}}
}

func textSchema() *huma.Schema { return &huma.Schema{Type: "string"} }

func binarySchema() *huma.Schema { return &huma.Schema{Type: "string", Format: "binary"} }

func oneOf(values ...any) *huma.Schema { return &huma.Schema{Type: "string", Enum: values} }
