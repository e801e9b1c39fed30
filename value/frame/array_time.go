package frame

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// numpyStep is what the ints of an array of moments or spans count.
type numpyStep struct {
	moments bool
	unit    string // of numpy
	times   int64  // so many of them are a step
}

// stepOf reads the name of a dtype of numpy such as "<M8[D]" or "<m8[25s]".
func stepOf(dtype string) (s numpyStep, ok bool) {
	kind, unit, ok := strings.Cut(strings.TrimLeft(dtype, "<>="), "8[")
	unit, closed := strings.CutSuffix(unit, "]")
	if !ok || !closed || kind != "M" && kind != "m" {
		return s, false
	}
	s = numpyStep{moments: kind == "M", unit: strings.TrimLeft(unit, "0123456789"), times: 1}
	if digits := strings.TrimSuffix(unit, s.unit); digits != "" {
		n, err := strconv.ParseInt(digits, 10, 32)
		if err != nil || n == 0 {
			return s, false
		}
		s.times = n
	}
	return s, true
}

// item is what numpy's item() gives: a date or datetime of a moment, a span of a span. NaT is nil. What these do not reach stays a number, as
// months and years do that are spans.
func (s numpyStep) item(n int64) any {
	if n == math.MinInt64 {
		return nil
	}
	if n > math.MaxInt64/s.times || n < -math.MaxInt64/s.times {
		return n
	}
	if s.moments {
		if moment, ok := momentOf(n*s.times, s.unit); ok {
			return moment
		}
		return n
	}
	if span, ok := numpySpan(n*s.times, s.unit); ok {
		return span
	}
	return n
}

// firstSecond and lastSecond are those of the years 1 to 9999, from 1970.
const firstSecond, lastSecond = -62135596800, 253402300799

const daySeconds = 24 * 60 * 60

// momentOf is a date, or a datetime, so many units from 1970; ok is false in years that have not four digits.
func momentOf(n int64, unit string) (moment any, ok bool) {
	switch unit {
	case "Y", "M":
		return monthOf(n, unit)
	case "W", "D":
		days := daysOf(unit)
		if n < firstSecond/daySeconds/days || n > lastSecond/daySeconds/days {
			return nil, false
		}
		return value.DateOf(time.Unix(n*days*daySeconds, 0).UTC()), true
	}
	duration, ok := durationOf(unit)
	if !ok {
		return nil, false
	}
	seconds, rest := n, int64(0)
	if duration >= time.Second {
		each := int64(duration / time.Second)
		if n < firstSecond/each || n > lastSecond/each {
			return nil, false
		}
		seconds *= each
	} else {
		seconds, rest = floored(n, int64(time.Second/duration))
	}
	if seconds < firstSecond || seconds > lastSecond {
		return nil, false
	}
	return value.LocalDateTimeOf(time.Unix(seconds, rest*int64(duration)).UTC()), true
}

// monthOf is the first day of a year or month.
func monthOf(n int64, unit string) (any, bool) {
	months := int64(12)
	if unit == "M" {
		months = 1
	}
	if n < -1969*12/months || n > (9999-1970)*12/months+11/months {
		return nil, false
	}
	year, month := floored(n*months, 12)
	return value.Date{Year: int(1970 + year), Month: time.Month(month + 1), Day: 1}, true
}

// numpySpan is a span of so many units; months and years are no spans.
func numpySpan(n int64, unit string) (span any, ok bool) {
	if days := daysOf(unit); days > 0 {
		const most = 999_999_999 // as Python has them
		if n > most/days || n < -most/days {
			return nil, false
		}
		return spanOf(n*days, 24*time.Hour), true
	}
	duration, ok := durationOf(unit)
	if !ok || duration >= time.Second && (n > math.MaxInt64/int64(duration/time.Second) || n < -math.MaxInt64/int64(duration/time.Second)) {
		return nil, false
	}
	made := spanOf(n, duration)
	if long, is := made.(value.Timedelta); is && (long.Days > 999_999_999 || long.Days < -999_999_999) {
		return nil, false
	}
	return made, true
}

func daysOf(unit string) int64 { return map[string]int64{"D": 1, "W": 7}[unit] }

func durationOf(unit string) (time.Duration, bool) {
	d, ok := map[string]time.Duration{
		"h": time.Hour, "m": time.Minute, "s": time.Second, "ms": time.Millisecond, "us": time.Microsecond, "ns": time.Nanosecond,
	}[unit]
	return d, ok
}
