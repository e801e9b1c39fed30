package wire

import (
	"context"
	"math"
	"time"

	bridgepb "github.com/grpc-tool-bridge/toolbridge/gen"
)

// Limits are what a bridge accepts, so that SDKs can refuse before they send. A field that is 0 is not known.
type Limits struct {
	// MaxValueBytes of a call's arguments, a result, a chunk or all items of a batch.
	MaxValueBytes int
	// MaxVariableBytes of a variable's value.
	MaxVariableBytes int
	// MaxBatchItems of a batch.
	MaxBatchItems int
	// MaxCallDepth is how deep calls may be nested.
	MaxCallDepth int
	// DefaultTimeout of a call that names none.
	DefaultTimeout time.Duration
	// MaxTableBytes of the tables of a call that travel in pieces; 0: none do.
	MaxTableBytes int
}

// DefaultLimits returns the limits that hold where nothing else is configured.
func DefaultLimits() Limits {
	return Limits{
		MaxValueBytes:    10 << 20,
		MaxVariableBytes: 1 << 20,
		MaxBatchItems:    10_000,
		MaxCallDepth:     32,
		DefaultTimeout:   30 * time.Second,
		MaxTableBytes:    1 << 30,
	}
}

// LimitsProto returns limits as a message.
func LimitsProto(l Limits) *bridgepb.Limits {
	return &bridgepb.Limits{
		MaxValueBytes:    uint64(max(l.MaxValueBytes, 0)),
		MaxVariableBytes: uint64(max(l.MaxVariableBytes, 0)),
		MaxBatchItems:    clampUint32(l.MaxBatchItems),
		MaxCallDepth:     clampUint32(l.MaxCallDepth),
		DefaultTimeoutUs: Micros(l.DefaultTimeout),
		MaxTableBytes:    uint64(max(l.MaxTableBytes, 0)),
	}
}

// LimitsFromProto returns the limits that a bridge announced.
func LimitsFromProto(l *bridgepb.Limits) Limits {
	return Limits{
		MaxValueBytes:    clampInt(l.GetMaxValueBytes()),
		MaxVariableBytes: clampInt(l.GetMaxVariableBytes()),
		MaxBatchItems:    clampInt(uint64(l.GetMaxBatchItems())),
		MaxCallDepth:     clampInt(uint64(l.GetMaxCallDepth())),
		DefaultTimeout:   Duration(l.GetDefaultTimeoutUs()),
		MaxTableBytes:    clampInt(l.GetMaxTableBytes()),
	}
}

// Duration returns a span that travelled in microseconds; one that is too long for a Duration becomes the longest.
func Duration(us uint64) time.Duration {
	if us > math.MaxInt64/uint64(time.Microsecond) {
		return math.MaxInt64
	}
	return time.Duration(us) * time.Microsecond
}

// Micros returns a span as it travels: in microseconds, at least 1 for any span above zero, because 0 means "not
// set"; 0 for zero and below.
func Micros(d time.Duration) uint64 {
	if d <= 0 {
		return 0
	}
	us := d / time.Microsecond
	if d%time.Microsecond > 0 {
		us++
	}
	return uint64(us)
}

// TimeLeft returns the time that is left until ctx's deadline as it travels: 0 where ctx has none, at least 1 where
// it has.
func TimeLeft(ctx context.Context) uint64 {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return max(Micros(time.Until(deadline)), 1)
}

func clampInt(n uint64) int { return int(min(n, math.MaxInt)) }

func clampUint32(n int) uint32 { return uint32(min(max(n, 0), math.MaxUint32)) }
