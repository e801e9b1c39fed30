package value

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// checkFloats refuses numbers of protobuf's JSON that are not 0 and that its reader would make 0.
func checkFloats(text []byte) *failure {
	from := json.NewDecoder(bytes.NewReader(text))
	from.UseNumber()
	var tree any
	if err := from.Decode(&tree); err != nil {
		return mismatch("the JSON form of a message", quoted(string(text)))
	}
	return checkFloatsOf(tree)
}

func checkFloatsOf(tree any) *failure {
	switch x := tree.(type) {
	case json.Number:
		return notLost(x.String(), 64)
	case []any:
		for _, item := range x {
			if f := checkFloatsOf(item); f != nil {
				return f
			}
		}
	case map[string]any:
		if f := checkWrapped(x); f != nil {
			return f
		}
		for _, item := range x {
			if f := checkFloatsOf(item); f != nil {
				return f
			}
		}
	}
	return nil
}

// checkWrapped checks the number of a DoubleValue or FloatValue, which may be a text.
func checkWrapped(members map[string]any) *failure {
	kind, _ := members["@type"].(string)
	bits := map[string]int{"google.protobuf.DoubleValue": 64, "google.protobuf.FloatValue": 32}[afterSlash(kind)]
	if bits == 0 {
		return nil
	}
	switch x := members["value"].(type) {
	case json.Number:
		return notLost(x.String(), bits)
	case string:
		return notLost(x, bits)
	}
	return nil
}

// notLost refuses a number that is 0 as a float of so many bits alone.
func notLost(text string, bits int) *failure {
	f, err := strconv.ParseFloat(text, bits)
	if err != nil || f != 0 || isZero(text) {
		return nil // what is no number, or too large, the reader of the message refuses
	}
	return mismatch(map[int]string{32: "a float of at least 1.4e-45, or 0", 64: "a float of at least 5e-324, or 0"}[bits], quoted(text))
}
