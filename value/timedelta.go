package value

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Timedelta is a span of time of up to 999,999,999 days either way, Python's range; decoding gives it where a
// time.Duration (292 years) is too short.
type Timedelta struct {
	// Days, negative for a span back in time.
	Days int64
	// Nanoseconds on top of Days, 0 to less than a day.
	Nanoseconds int64
}

const (
	dayMicros   = 24 * 60 * 60 * 1_000_000
	dayNanos    = dayMicros * 1000
	maxTimeDays = 999_999_999
)

// Duration returns the span, and whether a time.Duration can hold it.
func (t Timedelta) Duration() (time.Duration, bool) {
	const days = math.MaxInt64 / dayNanos
	if t.Days >= -days && t.Days < days {
		return time.Duration(t.Days*dayNanos + t.Nanoseconds), true
	}
	if t.Days == days && t.Nanoseconds <= math.MaxInt64-days*dayNanos {
		return time.Duration(days*dayNanos + t.Nanoseconds), true
	}
	if t.Days == -days-1 && t.Nanoseconds >= dayNanos-(math.MaxInt64-days*dayNanos)-1 {
		return time.Duration(-days*dayNanos - (dayNanos - t.Nanoseconds)), true
	}
	return 0, false
}

// String gives the microseconds, with a fraction where there are nanoseconds.
func (t Timedelta) String() string {
	days, nanos, sign := t.Days, t.Nanoseconds, ""
	if days < 0 {
		days, sign = -days, "-"
		if nanos > 0 {
			days, nanos = days-1, dayNanos-nanos
		}
	}
	return sign + microsText(uint64(days), uint64(nanos))
}

// microsText writes days and nanoseconds as microseconds. The days, at most 999,999,999, times a day's 8.64e10 microseconds exceed
// 63 bits, so the sum is made in two halves.
func microsText(days, nanos uint64) string {
	const half = 1_000_000
	micros := nanos / 1000
	low := days*(dayMicros%half) + micros%half
	high := days*(dayMicros/half) + micros/half + low/half
	text := strconv.FormatUint(low%half, 10)
	if high > 0 {
		text = strconv.FormatUint(high, 10) + strings.Repeat("0", 6-len(text)) + text
	}
	if rest := nanos % 1000; rest > 0 {
		text += strings.TrimRight("."+strconv.FormatUint(1000+rest, 10)[1:], "0")
	}
	return text
}

func (t Timedelta) valid() bool {
	return t.Days >= -maxTimeDays && t.Days <= maxTimeDays && t.Nanoseconds >= 0 && t.Nanoseconds < dayNanos
}

func timedeltaOf(d time.Duration) Timedelta {
	days, nanos := int64(d)/dayNanos, int64(d)%dayNanos
	if nanos < 0 {
		days, nanos = days-1, nanos+dayNanos
	}
	return Timedelta{days, nanos}
}

// parseTimedelta gives a time.Duration or, where that is too short, a Timedelta.
func parseTimedelta(text string) (any, bool) {
	digits, negative := strings.CutPrefix(text, "-")
	whole, fraction, hasFraction := strings.Cut(digits, ".")
	if !plainDigits(whole, 20) || hasFraction && !plainDigits(fraction, 3) {
		return nil, false
	}
	days, micros := divideMicros(whole)
	nanos := micros * 1000
	if hasFraction {
		n, _ := strconv.ParseInt((fraction + "00")[:3], 10, 64)
		nanos += n
	}
	t := Timedelta{days, nanos}
	if negative {
		t = negated(t)
	}
	if !t.valid() {
		return nil, false
	}
	if d, ok := t.Duration(); ok {
		return d, true
	}
	return t, true
}

// divideMicros divides up to 20 digits of microseconds by a day, in two halves because they exceed 63 bits.
func divideMicros(digits string) (days, micros int64) {
	cut := max(0, len(digits)-8)
	high, _ := strconv.ParseInt("0"+digits[:cut], 10, 64)
	low, _ := strconv.ParseInt(digits[cut:], 10, 64)
	const unit = 100_000_000
	// high*unit = high/dayUnits*day + rest, as a day is 864 units.
	days, rest := high/864, high%864*unit+low
	return days + rest/dayMicros, rest % dayMicros
}

func negated(t Timedelta) Timedelta {
	if t.Nanoseconds == 0 {
		return Timedelta{-t.Days, 0}
	}
	return Timedelta{-t.Days - 1, dayNanos - t.Nanoseconds}
}

func plainDigits(s string, most int) bool {
	if s == "" || len(s) > most {
		return false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
