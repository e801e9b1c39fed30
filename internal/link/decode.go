package link

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
	"github.com/grpc-tool-bridge/toolbridge/internal/wire"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// decodeCall reads a ToolCallRequest. Texts and values are parts of b.
func decodeCall(b []byte, c *tool.Call, head *callHead) error {
	var f field
	for len(b) > 0 {
		rest, err := f.next(b)
		if err != nil {
			return err
		}
		b = rest
		switch {
		case f.isBytes():
			err = decodeCallBytes(&f, c, head)
		case f.isVarint():
			decodeCallNumber(&f, c, head)
		}
		if err != nil {
			return fmt.Errorf("field %d of a call: %w", f.num, err)
		}
	}
	return nil
}

func decodeCallBytes(f *field, c *tool.Call, head *callHead) (err error) {
	switch f.num {
	case 1:
		c.SessionID = f.text(&err)
	case 2:
		c.Tool = f.text(&err)
	case 3:
		c.Args = append(c.Args, tool.Value{})
		err = decodeValue(f.data, &c.Args[len(c.Args)-1])
	case 4:
		var k tool.Keyword
		k, err = decodeKeyword(f.data)
		c.Kwargs = appendKeyword(c.Kwargs, k)
	case 5:
		c.RequestID = f.text(&err)
	case 11:
		c.TraceParent = f.text(&err)
	case 12:
		c.MinRevision = f.text(&err)
	case 13:
		c.StreamID = f.text(&err)
	case 16:
		c.TraceState = f.text(&err)
	case 20:
		c.BridgeRun = f.text(&err)
	case 24:
		head.principal = f.text(&err)
	case 27:
		c.Asks = f.text(&err)
	default: // unknown, or of no interest here
	}
	return err
}

func decodeCallNumber(f *field, c *tool.Call, head *callHead) {
	switch f.num {
	case 6:
		head.timeout = f.number
	case 7:
		c.Depth = f.count()
	case 8:
		head.parent = f.number
	case 9:
		c.Stream = f.number != 0
	case 10:
		c.Epoch = f.number
	case 17:
		c.PlainValues = f.number != 0
	case 19:
		c.Attempt = f.count()
	case 21:
		c.WantStack = f.number != 0
	case 25:
		head.tables = uint32(f.number)
	case 26:
		head.takes = f.number != 0
	default: // unknown, or of no interest here
	}
}

// maxScannedKeywords is up to how many keyword arguments a repeated name is looked for one by one; maps on the wire
// may repeat a key, and then the last one counts.
const maxScannedKeywords = 64

func appendKeyword(kwargs []tool.Keyword, k tool.Keyword) []tool.Keyword {
	if len(kwargs) <= maxScannedKeywords {
		for i := range kwargs {
			if kwargs[i].Name == k.Name {
				kwargs[i] = k
				return kwargs
			}
		}
	}
	return append(kwargs, k)
}

func decodeKeyword(b []byte) (k tool.Keyword, err error) {
	var f field
	for len(b) > 0 {
		if b, err = f.next(b); err != nil {
			return k, err
		}
		switch {
		case f.num == 1 && f.isBytes():
			k.Name = f.text(&err)
		case f.num == 2 && f.isBytes():
			err = decodeValue(f.data, &k.Value)
		}
		if err != nil {
			return k, err
		}
	}
	return k, nil
}

// decodeValue reads an Any.
func decodeValue(b []byte, v *tool.Value) (err error) {
	*v = tool.Value{}
	var f field
	for len(b) > 0 {
		if b, err = f.next(b); err != nil {
			return err
		}
		switch {
		case f.num == 1 && f.isBytes():
			v.TypeURL = f.text(&err)
		case f.num == 2 && f.isBytes():
			v.Bytes = f.data
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// decodeResponse reads a ToolCallResponse: what it answers, and whether it can be decoded.
func decodeResponse(b []byte, r *tool.Result) (answer *tool.Error, err error) {
	success := false
	var f field
	for len(b) > 0 {
		if b, err = f.next(b); err != nil {
			return nil, err
		}
		switch {
		case f.num == 1 && f.isVarint():
			success = f.number != 0
		case f.num == 2 && f.isBytes():
			err = decodeValue(f.data, &r.Value)
		case f.num == 3 && f.isBytes():
			answer, err = decodeError(f.data)
		case f.num == 4 && f.isBytes():
			err = decodeMetrics(f.data, &r.Metrics)
		case f.num == 6 && f.isVarint():
			r.Replayed = f.number != 0
		}
		if err != nil {
			return nil, fmt.Errorf("field %d of a result: %w", f.num, err)
		}
	}
	if success {
		return nil, nil
	}
	if answer == nil {
		answer = wire.ErrorFromProto(nil)
	}
	r.Value = tool.Value{}
	return answer, nil
}

func decodeError(b []byte) (*tool.Error, error) {
	var info bridgepb.ErrorInfo
	if err := proto.Unmarshal(b, &info); err != nil {
		return nil, err
	}
	return wire.ErrorFromProto(&info), nil
}

func decodeMetrics(b []byte, m *tool.Metrics) (err error) {
	*m = tool.Metrics{}
	var f field
	for len(b) > 0 {
		if b, err = f.next(b); err != nil {
			return err
		}
		switch {
		case f.num == 6 && f.isBytes():
			m.Worker = f.text(&err)
		case f.num == 7 && f.isVarint():
			m.Attempts = f.count()
		case f.typ == protowire.Fixed64Type:
			decodeMetric(&f, m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func decodeMetric(f *field, m *tool.Metrics) {
	switch f.num {
	case 1:
		m.Duration = wire.FromMillis(f.millis())
	case 2:
		m.Queue = wire.FromMillis(f.millis())
	case 3:
		m.Route = wire.FromMillis(f.millis())
	case 4:
		m.Execute = wire.FromMillis(f.millis())
	case 5:
		m.Transport = wire.FromMillis(f.millis())
	default: // unknown
	}
}

// chunkFrame is what a chunk carries.
type chunkFrame struct {
	// data says that value is set.
	data  bool
	value tool.Value
	// release gives back the memory that the value lies in; may be nil.
	release func()
	end     wire.ChunkEnd
	kind    string // of a table
}

// decodeChunk reads a ToolStreamChunk.
func decodeChunk(b []byte, c *chunkFrame) (err error) {
	var f field
	for len(b) > 0 {
		if b, err = f.next(b); err != nil {
			return err
		}
		if f.num == 3 && f.isBytes() {
			if err = decodeContent(f.data, c); err != nil {
				return fmt.Errorf("content of a chunk: %w", err)
			}
		}
		if f.num == 4 && f.isBytes() {
			if c.kind = f.text(&err); err != nil {
				return err
			}
		}
	}
	return nil
}

func decodeContent(b []byte, c *chunkFrame) error {
	var f field
	for len(b) > 0 {
		rest, err := f.next(b)
		if err != nil {
			return err
		}
		b = rest
		if !f.isBytes() {
			continue
		}
		switch f.num {
		case 1:
			c.data, c.end = true, wire.ChunkEnd{}
			err = decodeValue(f.data, &c.value)
		case 2:
			*c = chunkFrame{end: wire.ChunkEnd{Last: true}}
			err = decodeComplete(f.data, &c.end.Metrics)
		case 3:
			var answer *tool.Error
			answer, err = decodeError(f.data)
			*c = chunkFrame{end: wire.ChunkEnd{Last: true, Err: answer}}
		default: // a kind that is not known is skipped
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func decodeComplete(b []byte, m *tool.Metrics) (err error) {
	var f field
	for len(b) > 0 {
		if b, err = f.next(b); err != nil {
			return err
		}
		if f.num == 2 && f.isBytes() {
			if err := decodeMetrics(f.data, m); err != nil {
				return err
			}
		}
	}
	return nil
}
