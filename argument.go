package toolbridge

import (
	"maps"
	"slices"
	"strconv"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Kw are keyword arguments: session.Call(ctx, "search", "bridges", toolbridge.Kw{"limit": 3}). A call may have
// several, each name once.
type Kw map[string]any

// encodeArguments sorts the arguments of a call into positional and keyword ones and encodes them.
func (c *Client) encodeArguments(name string, args []any, x *exchange) (positional []tool.Value, keywords []tool.Keyword, err error) {
	if x != nil {
		positional = x.few[:0]
	}
	for i, arg := range args {
		if kw, ok := arg.(Kw); ok {
			more, err := c.encodeKeywords(name, kw, keywords, x)
			if err != nil {
				return nil, nil, err
			}
			keywords = more
			continue
		}
		encoded, err := c.encode(arg, x)
		if err != nil {
			return nil, nil, badArgument(name, strconv.Itoa(i+1), err)
		}
		positional = append(positional, encoded)
	}
	if len(positional) == 0 {
		positional = nil
	}
	return positional, keywords, nil
}

func (c *Client) encodeKeywords(name string, kw Kw, keywords []tool.Keyword, x *exchange) ([]tool.Keyword, error) {
	for _, key := range slices.Sorted(maps.Keys(kw)) {
		if slices.ContainsFunc(keywords, func(k tool.Keyword) bool { return k.Name == key }) {
			return nil, tool.Errorf(tool.ValidationError, "argument %q of tool %q is given twice", key, name).With("argument", key)
		}
		encoded, err := c.encode(kw[key], x)
		if err != nil {
			return nil, badArgument(name, key, err)
		}
		keywords = append(keywords, tool.Keyword{Name: key, Value: encoded})
	}
	return keywords, nil
}

// encode encodes a value; one that is encoded already stays as it is. A table that is made while it is sent is begun.
func (c *Client) encode(v any, x *exchange) (tool.Value, error) {
	switch v := v.(type) {
	case tool.Value:
		return v, nil
	case tool.TableSource:
		if x == nil {
			break
		}
		if kind, stream := v.SendTable(); stream != nil {
			return c.beginTable(kind, stream, x)
		}
	case string:
		if x != nil && !x.shortTaken {
			x.shortTaken = true
			return c.codec.EncodeInto(x.short[:0], v)
		}
	}
	return c.codec.Encode(v)
}

func badArgument(name, argument string, err error) error {
	e := reworded(err, "argument "+argument+" of tool "+strconv.Quote(name)+" cannot be encoded")
	e = e.With("argument", argument)
	if e.Code == tool.MessageTooLarge {
		e.Message += "; only a table that is a whole argument may be larger, over a link"
	}
	return e
}

// checkSize refuses before it is sent what the bridge would refuse.
func checkSize(what string, size, limit int) error {
	if limit <= 0 || size <= limit {
		return nil
	}
	return tool.Errorf(tool.MessageTooLarge, "message too large: %s has %d value bytes, the bridge takes %d", what, size, limit).
		With("limit", strconv.Itoa(limit))
}
