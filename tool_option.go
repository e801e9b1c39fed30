package toolbridge

import (
	"time"

	"github.com/grpc-tool-bridge/toolbridge/internal/typed"
)

// ToolOption describes a tool at AddTool.
type ToolOption func(*typed.Options)

// Description says, for people and models, what the tool does and what it returns.
func Description(text string) ToolOption { return func(o *typed.Options) { o.Description = text } }

// ToolID is unique in the tool's scope; without it the tool's name.
func ToolID(id string) ToolOption { return func(o *typed.Options) { o.ID = id } }

// Argument names the one argument of a function whose argument is not a struct; without it "value".
func Argument(name string) ToolOption { return func(o *typed.Options) { o.Argument = name } }

// InputSchema replaces the JSON Schema inferred from the function's argument; what callers give is checked against it.
func InputSchema(json string) ToolOption { return func(o *typed.Options) { o.InputSchema = json } }

// OutputSchema replaces the JSON Schema inferred from the function's result.
func OutputSchema(json string) ToolOption { return func(o *typed.Options) { o.OutputSchema = json } }

// IsIdempotent declares that running the tool twice has the effect of running it once: it may be retried, and the bridge
// starts it again elsewhere if its worker is lost.
func IsIdempotent() ToolOption { return func(o *typed.Options) { o.Idempotent = true } }

// Sticky makes a session's calls prefer the worker that took its last one.
func Sticky() ToolOption { return func(o *typed.Options) { o.Sticky = true } }

// Hidden keeps the tool out of listings; it is callable by its id.
func Hidden() ToolOption { return func(o *typed.Options) { o.Hidden = true } }

// MaxConcurrency is how many calls of the tool a worker runs at once; without it as many as the worker runs.
func MaxConcurrency(n int) ToolOption { return func(o *typed.Options) { o.MaxConcurrency = n } }

// ToolTimeout limits calls whose caller names no limit.
func ToolTimeout(d time.Duration) ToolOption { return func(o *typed.Options) { o.Timeout = d } }

// RateLimit lets each session make so many calls of the tool a second on average, and burst at once; a burst of 0 stands for a
// second's worth, at least 1. Calls beyond are RateLimitExceeded, not started, and say when to come again.
func RateLimit(perSecond float64, burst int) ToolOption {
	return func(o *typed.Options) { o.RatePerSecond, o.RateBurst = perSecond, burst }
}

// ToolMetadata labels the tool.
func ToolMetadata(labels map[string]string) ToolOption {
	return func(o *typed.Options) { o.Metadata = labels }
}
