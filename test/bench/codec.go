package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// The rows and columns of the table that is encoded and decoded.
const (
	frameRows    = 1_000_000
	frameColumns = 10
)

// short is the part of a round that is enough for what is repeated thousands of times in it.
const short = 0.4

// subject is a value that codecs are compared with. An operation of "scalars" encodes or decodes all four.
type subject struct {
	name   string
	values []any
	// single is one of the scalars alone, which is compared with json only.
	single bool
}

// of is those of the codecs that it is compared with.
func (s subject) of(others []string) []string {
	if s.single {
		return []string{"json"}
	}
	return others
}

func subjects() []subject {
	object := func(i int64) map[string]any {
		return map[string]any{"a": 1.5, "b": "two", "c": true, "d": nil, "e": "five", "f": i, "g": "seven", "h": false, "i": 9.5, "j": "ten"}
	}
	ints, dicts := make([]any, 1000), make([]any, 1000)
	for i := range ints {
		ints[i], dicts[i] = int64(i*1_000_003), object(int64(i))
	}
	return []subject{
		{name: "scalars", values: []any{true, int64(123456), 1.5, "hello"}},
		{name: "true", values: []any{true}, single: true}, {name: "an int", values: []any{int64(123456)}, single: true},
		{name: "a float", values: []any{1.5}, single: true}, {name: "a text", values: []any{"hello"}, single: true},
		{name: "a 10-field object", values: []any{object(6)}}, {name: "1,000 ints", values: []any{ints}}, {name: "1,000 dicts", values: []any{dicts}},
	}
}

// codecRows are the rows of one language. A goal of 0 is none.
func codecRows(language string, others []string, goal func(subject, other string) float64, tables string) []row {
	var rows []row
	for _, direction := range []string{"encode", "decode"} {
		for _, of := range subjects() {
			for _, other := range of.of(others) {
				rows = append(rows, row{
					name: fmt.Sprintf("%s: %s %s, against %s", language, direction, of.name, other), group: language + " codec: " + direction + " " + of.name, width: 1,
					of: rate, unit: "times/s", ours: "value", theirs: other, reach: goal(of.name, other), look: goal(of.name, other) == 0,
				})
			}
		}
		rows = append(rows, row{
			name: fmt.Sprintf("%s: %s %s rows x %d columns, against %s", language, direction, thousands(frameRows), frameColumns, tables), group: language + " codec: " + direction + " frame", width: 1,
			of: p50, unit: "ms", ours: "value", theirs: "Arrow IPC", reach: 1.3, atMost: true,
		})
	}
	return rows
}

// codecGoal: scalars as fast as JSON, runs of numbers five times as fast as Struct.
func codecGoal(subject, other string) float64 {
	switch {
	case subject == "scalars" && other == "json":
		return 1
	case subject == "1,000 ints" && other == "Struct":
		return 5
	default:
		return 0
	}
}

func goCodec() scene {
	return scene{name: "go codec", rows: codecRows("Go", []string{"json", "Struct"}, codecGoal, "bare Arrow IPC"), open: func(_ context.Context, s *stage) []group {
		var all []group
		for _, of := range subjects() {
			encode, decode, err := codecSides(of)
			if err != nil {
				s.err = fmt.Errorf("%s: %w", of.name, err)
				return nil
			}
			all = append(all, group{name: "Go codec: encode " + of.name, width: 1, long: short, sides: encode}, group{name: "Go codec: decode " + of.name, width: 1, long: short, sides: decode})
		}
		encode, decode, err := frameSides(s.plan.scaled(frameRows))
		s.err = err
		return append(all, group{name: "Go codec: encode frame", width: 1, sides: encode}, group{name: "Go codec: decode frame", width: 1, sides: decode})
	}}
}

// codecSides are the codecs that encode and decode a subject; decoding starts from what each has encoded.
func codecSides(s subject) (encode, decode []side, err error) {
	ours := codec[tool.Value]{"value", value.Encode, func(v tool.Value) error { _, err := value.Decode(v); return err }}
	text := codec[[]byte]{"json", json.Marshal, func(data []byte) error { var v any; return json.Unmarshal(data, &v) }}
	message := codec[[]byte]{"Struct", encodeStruct, decodeStruct}
	codecs := []func([]any) (side, side, error){ours.sides, text.sides}
	if !s.single {
		codecs = append(codecs, message.sides)
	}
	for _, add := range codecs {
		to, from, err := add(s.values)
		if err != nil {
			return nil, nil, err
		}
		encode, decode = append(encode, to), append(decode, from)
	}
	return encode, decode, nil
}

// codec encodes values as an E.
type codec[E any] struct {
	name   string
	encode func(any) (E, error)
	decode func(E) error
}

func (c codec[E]) sides(values []any) (encode, decode side, err error) {
	encoded := make([]E, len(values))
	for i, v := range values {
		if encoded[i], err = c.encode(v); err != nil {
			return side{}, side{}, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	encode = side{c.name, operations(func() error {
		for _, v := range values {
			if _, err := c.encode(v); err != nil {
				return err
			}
		}
		return nil
	}), nil}
	decode = side{c.name, operations(func() error {
		for _, e := range encoded {
			if err := c.decode(e); err != nil {
				return err
			}
		}
		return nil
	}), nil}
	return encode, decode, nil
}

func encodeStruct(v any) ([]byte, error) {
	message, err := structpb.NewValue(v)
	if err != nil {
		return nil, err
	}
	return proto.Marshal(message)
}

func decodeStruct(data []byte) error {
	var message structpb.Value
	if err := proto.Unmarshal(data, &message); err != nil {
		return err
	}
	_ = message.AsInterface()
	return nil
}

// frameSides encode and decode a table of floats: with the codec, and by writing and reading the same record batch with Arrow alone.
func frameSides(rows int) (encode, decode []side, err error) {
	batch := floats(rows)
	tables := value.New(value.With(frame.Extension()))
	encodeTable := func() (tool.Value, error) {
		table, err := frame.FromBatches(frame.PyarrowTable, batch.Schema(), []arrow.RecordBatch{batch})
		if err != nil {
			return tool.Value{}, err
		}
		return tables.Encode(table)
	}
	encoded, failedOurs := encodeTable()
	bare, failedTheirs := writeArrow(batch)
	if err := errors.Join(failedOurs, failedTheirs); err != nil {
		return nil, nil, err
	}
	encode = []side{
		{"value", operations(func() error { _, err := encodeTable(); return err }), nil},
		{"Arrow IPC", operations(func() error { _, err := writeArrow(batch); return err }), nil},
	}
	decode = []side{
		{"value", operations(func() error { return readTable(tables, encoded, rows) }), nil},
		{"Arrow IPC", operations(func() error { return readArrow(bare, rows) }), nil},
	}
	return encode, decode, nil
}

// floats makes a record batch of columns of floats.
func floats(rows int) arrow.RecordBatch {
	fields, columns := make([]arrow.Field, frameColumns), make([]arrow.Array, frameColumns)
	for i := range fields {
		fields[i] = arrow.Field{Name: fmt.Sprintf("column_%d", i), Type: arrow.PrimitiveTypes.Float64}
		builder := array.NewFloat64Builder(memory.DefaultAllocator)
		builder.Reserve(rows)
		for row := range rows {
			builder.UnsafeAppend(float64(row * (i + 1)))
		}
		columns[i] = builder.NewArray()
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, int64(rows))
}

func writeArrow(batch arrow.RecordBatch) ([]byte, error) {
	var out bytes.Buffer
	writer := ipc.NewWriter(&out, ipc.WithSchema(batch.Schema()))
	if err := errors.Join(writer.Write(batch), writer.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func readArrow(data []byte, rows int) error {
	reader, err := ipc.NewReader(bytes.NewReader(data))
	if err != nil {
		return err
	}
	defer reader.Release()
	read := 0
	for reader.Next() {
		read += int(reader.RecordBatch().NumRows())
	}
	return errors.Join(reader.Err(), sized(read, rows))
}

// readTable decodes the table and looks at every batch, as reading it with Arrow does.
func readTable(tables *value.Codec, encoded tool.Value, rows int) error {
	decoded, err := tables.Decode(encoded)
	if err != nil {
		return err
	}
	table, ok := decoded.(*frame.Table)
	if !ok {
		return fmt.Errorf("a table came back as a %T", decoded)
	}
	read := 0
	for _, batch := range table.Batches() {
		read += int(batch.NumRows())
	}
	return sized(read, rows)
}

// pythonCodec is the same in Python; the process has the SDK's code on its path and the other codecs installed.
func pythonCodec() scene {
	rows := codecRows("Python", []string{"json", "pickle", "msgspec", "Struct"}, codecGoal, "bare Arrow IPC")
	for _, direction := range []string{"encode", "decode"} {
		for _, of := range []struct {
			group string
			rows  int
		}{{"frame", frameRows}, {"small frame", frameRows / 10}} {
			name, group := fmt.Sprintf("Python: %s %s rows x %d columns, against bare Arrow IPC", direction, thousands(of.rows), frameColumns), "Python codec: "+direction+" "+of.group
			if of.group != "frame" {
				rows = append(rows, row{name: name, group: group, width: 1, of: p50, unit: "ms", ours: "value", theirs: "Arrow IPC", look: true})
			}
			rows = append(rows, row{name: name + " in one buffer", group: group, width: 1, of: p50, unit: "ms", ours: "value", theirs: "one buffer", look: true})
		}
	}
	return scene{name: "python codec", rows: rows, open: func(ctx context.Context, s *stage) []group {
		if s.programs.peers == "" {
			return s.skip("codec in Python", "TOOLBRIDGE_BENCH_PYTHON does not name an interpreter with the packages of requirements.txt; `make bench` makes one")
		}
		codecs := s.script(ctx, s.programs.peers, "codec.py", fmt.Sprint(s.plan.scaled(frameRows)))
		var all []group
		for _, direction := range []string{"encode", "decode"} {
			for _, of := range subjects() {
				all = append(all, pythonCodecGroup(codecs, direction+" "+of.name, of.of([]string{"json", "pickle", "msgspec", "Struct"})...))
			}
			all = append(all, pythonCodecGroup(codecs, direction+" frame", "Arrow IPC", "one buffer"), pythonCodecGroup(codecs, direction+" small frame", "Arrow IPC", "one buffer"))
		}
		return all
	}}
}

func pythonCodecGroup(codecs *process, what string, others ...string) group {
	g := group{name: "Python codec: " + what, width: 1, long: short}
	if strings.HasSuffix(what, "frame") {
		g.long = 0 // one takes long enough
	}
	for _, name := range append([]string{"value"}, others...) {
		g.sides = append(g.sides, side{name, measuredBy(codecs, what+" "+name), []*process{codecs}})
	}
	return g
}
