package demo

import (
	"context"

	"github.com/grpc-tool-bridge/toolbridge/internal/local"
	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// Identity names the host of the demo tools.
const Identity = "demo"

// New makes the host of the demo tools, in the order in which they are listed. The search index is built at the first search.
func New() (*local.Host, error) {
	tools, err := all()
	if err != nil {
		return nil, err
	}
	return local.New(Identity, tools...)
}

func all() ([]*typed.Tool, error) {
	l := &list{codec: value.New()}
	web := newCorpus()
	unary(l, "echo_tool", "Returns its argument unchanged.", echo)
	unary(l, "search_web", "Full-text search, best match first, over a small collection of articles that this program carries; it does not reach the web.", web.searchWeb)
	unary(l, "calculate", "Evaluates an arithmetic expression such as \"2 * (3 + 4)\" and returns the number. Option A gives the exact result, B two decimals, C a whole number.", calculate)
	unary(l, "simple_tool", "Returns its text in upper case.", upper)
	unary(l, "fast_tool", "Returns its text unchanged, at once.", fast)
	unary(l, "any_tool", "Takes any value and says of which type it is.", describe)
	streaming(l, "process_data", "Yields, for each item, its place, the item, and what came of it: numbers squared, texts in upper case, everything else as it is.", processData)
	streaming(l, "stream_processor", "Yields n chunks of 64 KiB.", streamProcessor)
	unary(l, "cpu_bound_tool", "Waits for 20 ms, as a call of a remote device would, and returns its task. It does not compute.", wait)
	unary(l, "compute_tool", "Returns the sum of the squares from 1 to n.", sumOfSquares)
	unary(l, "flaky_tool", "Fails every other call with a retryable error and returns its text otherwise.", new(flaky).call)
	streaming(l, "large_data_processor", "Yields, for each tenth of a list of numbers, where it begins, where it ends, and its sum.", processLarge)
	streaming(l, "count_to_n", "Yields the numbers from 1 to n.", countTo)
	unary(l, "add_numbers", "Adds two whole numbers of any size.", add)
	unary(l, "search", "Full-text search as search_web, for any query. Option A sorts by relevance, B by title, C by title backwards.", web.search)
	unary(l, "process", "Processes one value. A number: option A squares it, B doubles it, C negates it. A text: A upper case, B lower case, C backwards.", process)
	streaming(l, "stream_data", "Yields count numbered records.", streamData)
	return l.tools, l.err
}

// list collects tools until one cannot be offered.
type list struct {
	codec *value.Codec
	tools []*typed.Tool
	err   error
}

func (l *list) add(t *typed.Tool, err error) {
	if l.err == nil {
		l.tools, l.err = append(l.tools, t), err
	}
}

// options are the same for every tool: all may be run again without harm.
func (l *list) options(description string) typed.Options {
	return typed.Options{Codec: l.codec, Description: description, Idempotent: true}
}

func unary[In, Out any](l *list, name, description string, fn func(context.Context, In) (Out, error)) {
	l.add(typed.New(name, fn, l.options(description)))
}

func streaming[In, Out any](l *list, name, description string, fn func(context.Context, In, func(Out) error) error) {
	l.add(typed.NewStreaming(name, fn, l.options(description)))
}
