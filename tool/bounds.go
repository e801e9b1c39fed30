package tool

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of what travels with a call and is no value. They are part of the protocol and cannot be configured.
const (
	// MaxIDBytes bounds a request id and a stream id: the name of a batch, and a number.
	MaxIDBytes = MaxNameBytes + 16
	// MaxTraceStateBytes is how long a tracestate may be; a longer one is dropped, as the W3C allows.
	MaxTraceStateBytes = 8 << 10
	// MaxErrorMessageBytes is how much of the message of an error travels.
	MaxErrorMessageBytes = 64 << 10
	// MaxErrorDetailsBytes is how much of the details of an error travels: keys and values.
	MaxErrorDetailsBytes = 64 << 10
	// MaxErrorStackBytes is how much of the stack of an error travels.
	MaxErrorStackBytes = 256 << 10
)

// CheckBounds refuses a call whose own names are too long, with a ValidationError that names the field and the limit. It does not look
// at its tool, its arguments' values and its session, which are looked at where they are needed.
func (c *Call) CheckBounds() *Error {
	if max(len(c.RequestID), len(c.StreamID), len(c.MinRevision), len(c.BridgeRun)) > MaxIDBytes {
		return c.tooLongID()
	}
	for i := range c.Kwargs {
		if n := len(c.Kwargs[i].Name); n > MaxNameBytes {
			return Errorf(ValidationError, "a keyword argument of tool %s has a name of %d bytes, the limit is %d", shown(c.Tool), n, MaxNameBytes).
				With("field", "kwargs").With("limit", strconv.Itoa(MaxNameBytes)).With("tool", Shortened(c.Tool, MaxNameBytes))
		}
	}
	return nil
}

func (c *Call) tooLongID() *Error {
	for _, id := range []struct{ field, what, value string }{
		{"request_id", "request id", c.RequestID}, {"stream_id", "stream id", c.StreamID},
		{"min_revision", "revision to wait for", c.MinRevision}, {"bridge_run", "name of the bridge's run", c.BridgeRun},
	} {
		if n := len(id.value); n > MaxIDBytes {
			return Errorf(ValidationError, "the %s has %d bytes, the limit is %d: name the call with less", id.what, n, MaxIDBytes).
				With("field", id.field).With("limit", strconv.Itoa(MaxIDBytes))
		}
	}
	return nil
}

// TraceContext returns what of a W3C trace context may travel: nothing of one whose traceparent is none, and no state that is too long.
func TraceContext(parent, state string) (string, string) {
	switch {
	case parent == "", !IsTraceParent(parent):
		return "", ""
	case len(state) > MaxTraceStateBytes:
		return parent, ""
	default:
		return parent, state
	}
}

// traceParentBytes is the length of "00-<trace id>-<span id>-<flags>".
const traceParentBytes = 2 + 1 + 32 + 1 + 16 + 1 + 2

// IsTraceParent reports whether a text is a traceparent as the W3C writes it: 55 characters, lower case.
func IsTraceParent(s string) bool {
	if len(s) != traceParentBytes || s[2] != '-' || s[35] != '-' || s[52] != '-' || s[:2] == "ff" {
		return false
	}
	_, version := hexOf(s[:2])
	trace, isTrace := hexOf(s[3:35])
	span, isSpan := hexOf(s[36:52])
	_, flags := hexOf(s[53:])
	return version && isTrace && trace && isSpan && span && flags
}

// hexOf reports whether a text is one of lower-case hexadecimal digits, and whether one of them is not 0.
func hexOf(s string) (some, is bool) {
	for i := range len(s) {
		c := s[i]
		if c-'0' > 9 && c-'a' > 5 {
			return false, false
		}
		some = some || c != '0'
	}
	return some, true
}

// Bounded returns the error as it may travel: itself, or one whose message, details and stack were cut down, each with a mark that says
// so, and which holds no exception that is larger than a value may be; 0 for no limit of that.
func (e *Error) Bounded(valueBytes int) *Error {
	tooLarge := valueBytes > 0 && e.Exception.Size() > valueBytes
	if !tooLarge && len(e.Message) <= MaxErrorMessageBytes && len(e.Stack) <= MaxErrorStackBytes &&
		max(len(e.Class), len(e.Code)) <= MaxNameBytes && (len(e.Details) == 0 || detailBytes(e.Details) <= MaxErrorDetailsBytes) {
		return e
	}
	cut := *e
	cut.Message = Shortened(e.Message, MaxErrorMessageBytes)
	cut.Stack = middleCut(e.Stack, MaxErrorStackBytes)
	cut.Class = Shortened(e.Class, MaxNameBytes)
	cut.Code = Code(Shortened(string(e.Code), MaxNameBytes))
	cut.Details = fewerDetails(e.Details)
	if tooLarge {
		cut.Exception = Value{}
		cut.Message = Shortened(e.Message, MaxErrorMessageBytes-exceptionNote) +
			fmt.Sprintf(" (the exception itself has %d bytes, the limit is %d: it was left out)", e.Exception.Size(), valueBytes)
	}
	return &cut
}

// exceptionNote is more than the note has that an exception was left out.
const exceptionNote = 128

// detailCost is what a detail costs besides its text.
const detailCost = 8

func detailBytes(details map[string]string) int {
	n := 0
	for k, v := range details {
		n += len(k) + len(v) + detailCost
	}
	return n
}

// cutDetail is the detail that says that others were left out.
const cutDetail = "details_cut"

// fewerDetails returns the shortest of the details, as many as may travel.
func fewerDetails(details map[string]string) map[string]string {
	if detailBytes(details) <= MaxErrorDetailsBytes {
		return details
	}
	keys := make([]string, 0, len(details))
	for k := range details {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a)+len(details[a]), len(b)+len(details[b])), strings.Compare(a, b))
	})
	const noteRoom = 256
	kept, left := make(map[string]string), MaxErrorDetailsBytes-noteRoom
	for _, k := range keys {
		if left -= len(k) + len(details[k]) + detailCost; left < 0 {
			break
		}
		kept[k] = details[k]
	}
	kept[cutDetail] = fmt.Sprintf("%d of %d were left out: the details of an error have at most %d bytes", len(details)-len(kept), len(details), MaxErrorDetailsBytes)
	return kept
}

// Shortened returns a text of at most so many bytes: the text itself, or its beginning with a mark that says how long it was.
func Shortened(s string, most int) string {
	if len(s) <= most {
		return s
	}
	mark := fmt.Sprintf("… (cut, %d bytes)", len(s))
	return s[:boundary(s, max(most-len(mark), 0))] + mark
}

// middleCut returns a text of at most so many bytes: the text itself, or its beginning and its end, with a mark between them.
func middleCut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	mark := fmt.Sprintf("\n… (cut, %d bytes) …\n", len(s))
	half := (most - len(mark)) / 2
	end := len(s) - half
	for end < len(s) && !utf8.RuneStart(s[end]) {
		end++
	}
	return s[:boundary(s, half)] + mark + s[end:]
}

// boundary returns the place of the last character that begins at or before one.
func boundary(s string, at int) int {
	for first := max(at-utf8.UTFMax, 0); at > first && !utf8.RuneStart(s[at]); {
		at--
	}
	return at
}
