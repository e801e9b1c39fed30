package chaos

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// kind is one way of asking the bridge for something.
type kind string

const (
	unary    kind = "unary"    // a call of a few bytes
	large    kind = "large"    // a call of 200 KiB there and back
	once     kind = "once"     // a call that must not run twice
	stream   kind = "stream"   // chunks, one after the other
	batch    kind = "batch"    // many calls in one
	finished kind = "finished" // the same, read as they finish
	variable kind = "variable" // a variable is set and read
	session  kind = "session"  // a session is made, read and ended
)

func kinds() []kind { return []kind{unary, large, once, stream, batch, finished, variable, session} }

// question tells a caller what to ask, all at the same time. It is what the caller in Python reads.
type question struct {
	Name    string  `json:"name"`    // of what is made for it: unique
	Kinds   []kind  `json:"kinds"`   // what to ask
	Prefix  string  `json:"prefix"`  // of the names of the worker's tools
	Seconds float64 `json:"seconds"` // how long each may take
}

// of is the question's name as one caller gets it.
func (q question) of(caller int) string { return fmt.Sprintf("%s-%d", q.Name, caller) }

// outcome is what came of it. A stream says before that it has begun.
type outcome struct {
	Caller  string  `json:"caller"`
	Name    string  `json:"name"`
	Kind    kind    `json:"kind"`
	Began   bool    `json:"began"`   // only that the first chunk came
	Error   string  `json:"error"`   // its code in proto/errors.json; empty if there is none
	Message string  `json:"message"` // of the error
	Value   any     `json:"value"`   // what came; of a stream also if there is an error
	Seconds float64 `json:"seconds"` // how long it took
	Limit   float64 `json:"limit"`   // how long it might take
}

// slack is what a call may take beyond its deadline on a busy machine. It is less than what connecting may take, so that
// a caller who waits for a connection without looking at the deadline is noticed.
const slack = 4.5

// chunkCount and chunkPause are how long a stream takes: 1.2 s.
const (
	chunkCount = 30
	chunkPause = 40 * time.Millisecond
)

// batchItems is how many calls a batch has.
const batchItems = 8

func (o outcome) String() string {
	return fmt.Sprintf("%s: %s of %s: %q %.300s, value %.120v, after %.2f s of %.2f s", o.Caller, o.Kind, o.Name, o.Error, o.Message, o.Value, o.Seconds, o.Limit)
}

// codes reads the names that an error may have.
func codes(t *testing.T) map[string]bool {
	t.Helper()
	var table struct {
		Errors []struct {
			Code string `json:"code"`
		} `json:"errors"`
	}
	content, err := os.ReadFile(filepath.Join(root, "proto", "errors.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(content, &table))
	known := map[string]bool{}
	for _, e := range table.Errors {
		known[e.Code] = true
	}
	return known
}

// fault says what is wrong with an outcome, whatever happened to the wire; "" if nothing is.
func (o outcome) fault(known map[string]bool) string {
	if o.Seconds > o.Limit+slack {
		return "it ended too late"
	}
	if o.Error != "" && (!known[o.Error] || o.Error == "Internal") {
		return "the error has no name"
	}
	if o.Error != "" && o.Message == "" {
		return "the error says nothing"
	}
	if o.Kind == stream {
		return o.faultOfStream()
	}
	if o.Error == "" && !o.right(known) {
		return "the value is wrong"
	}
	return ""
}

// faultOfStream says what is wrong with the chunks, which are the numbers from 1 on.
func (o outcome) faultOfStream() string {
	chunks, is := o.Value.([]any)
	if !is {
		return "a stream has no list of chunks"
	}
	for i, chunk := range chunks {
		if chunk != float64(i+1) {
			return fmt.Sprintf("chunk %d is %v", i, chunk)
		}
	}
	if o.Error == "" && len(chunks) != chunkCount {
		return fmt.Sprintf("it ended well with %d chunks of %d", len(chunks), chunkCount)
	}
	return ""
}

// right reports whether the value is the one that was asked for.
func (o outcome) right(known map[string]bool) bool {
	switch o.Kind {
	case unary, variable, session:
		return o.Value == o.Name
	case large:
		return o.Value == float64(largeBytes)
	case once:
		return o.Value == float64(1)
	case batch, finished:
		items, is := o.Value.([]any)
		if !is || len(items) != batchItems {
			return false
		}
		for i, item := range items { // each is its place, or the name of an error
			if name, is := item.(string); is && known[name] && name != "Internal" {
				continue
			}
			if item != float64(i) {
				return false
			}
		}
		return true
	case stream:
	}
	return false
}

// succeeded reports whether all that was asked for came.
func (o outcome) succeeded() bool {
	if items, is := o.Value.([]any); is && o.Kind != stream {
		for _, item := range items {
			if _, failed := item.(string); failed {
				return false
			}
		}
	}
	return o.Error == ""
}

// largeBytes is the size of a large text.
const largeBytes = 200 << 10

func TestAnOutcomeIsJudged(t *testing.T) {
	t.Parallel()
	known := codes(t)
	numbers := func(n int) []any {
		out := make([]any, n)
		for i := range out {
			out[i] = float64(i + 1)
		}
		return out
	}
	items := make([]any, batchItems)
	for i := range items {
		items[i] = float64(i)
	}
	for name, c := range map[string]struct {
		outcome outcome
		fault   string
	}{
		"a result":                   {outcome{Kind: unary, Name: "n", Value: "n"}, ""},
		"a wrong result":             {outcome{Kind: unary, Name: "n", Value: "m"}, "value is wrong"},
		"a named error":              {outcome{Kind: unary, Error: "WorkerLost", Message: "m"}, ""},
		"an unnamed error":           {outcome{Kind: unary, Error: "TimeoutError", Message: "m"}, "no name"},
		"an error of nobody":         {outcome{Kind: unary, Error: "Internal", Message: "m"}, "no name"},
		"an error without words":     {outcome{Kind: unary, Error: "WorkerLost"}, "says nothing"},
		"late":                       {outcome{Kind: unary, Name: "n", Value: "n", Limit: 1, Seconds: 1.1 + slack}, "too late"},
		"late, but not by much":      {outcome{Kind: unary, Name: "n", Value: "n", Limit: 1, Seconds: 0.9 + slack}, ""},
		"a whole stream":             {outcome{Kind: stream, Value: numbers(chunkCount)}, ""},
		"a broken stream":            {outcome{Kind: stream, Value: numbers(3), Error: "DeadlineExceeded", Message: "m"}, ""},
		"a stream that is not whole": {outcome{Kind: stream, Value: numbers(3)}, "3 chunks"},
		"a stream with a hole":       {outcome{Kind: stream, Value: []any{1.0, 3.0}, Error: "WorkerLost", Message: "m"}, "chunk 1 is 3"},
		"a stream without a list":    {outcome{Kind: stream, Error: "WorkerLost", Message: "m"}, "no list"},
		"run once":                   {outcome{Kind: once, Value: 1.0}, ""},
		"run twice":                  {outcome{Kind: once, Value: 2.0}, "value is wrong"},
		"large":                      {outcome{Kind: large, Value: float64(largeBytes)}, ""},
		"large and cut":              {outcome{Kind: large, Value: 3.0}, "value is wrong"},
		"a batch":                    {outcome{Kind: batch, Value: items}, ""},
		"a batch with an error":      {outcome{Kind: batch, Value: append([]any{"WorkerLost"}, items[1:]...)}, ""},
		"a batch with another":       {outcome{Kind: batch, Value: append([]any{"KeyError"}, items[1:]...)}, "value is wrong"},
		"a batch with one too few":   {outcome{Kind: batch, Value: items[1:]}, "value is wrong"},
		"a batch in another order":   {outcome{Kind: batch, Value: append(append([]any{}, items[1:]...), items[0])}, "value is wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, c.outcome.fault(known), c.fault)
			require.Equal(t, c.fault == "", c.outcome.fault(known) == "")
		})
	}
}
