package frame

import (
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// timeForm counts times from 1970 in nanoseconds, if they reach all of them: they do from 1677 to 2262. Microseconds reach further than
// any year has four digits, and inside of other cells they are what pandas makes of Python's datetimes, if no time is finer.
// Times have one zone, or none where in is nil.
func timeForm(in *zone, at place, read func(reflect.Value) (time.Time, error)) *form {
	unit, far, fine := arrow.Nanosecond, false, false
	f := &form{}
	f.see = func(v reflect.Value) error {
		at, err := read(v)
		far, fine = far || !fitsNanoseconds(at), fine || at.Nanosecond()%1000 != 0
		if err == nil && in != nil {
			err = in.see(at)
		}
		return err
	}
	f.settle = func() {
		if far || at.inside() && !fine {
			unit = arrow.Microsecond
		}
		f.arrow = &arrow.TimestampType{Unit: unit}
		if in != nil {
			f.arrow = in.timestamp(unit)
		}
		f.dtype = "datetime64[" + unit.String() + "]"
		f.nullable = f.dtype
	}
	f.put = func(b array.Builder, v reflect.Value) error {
		at, _ := read(v) // which see has read
		n := at.UnixNano()
		if unit == arrow.Microsecond {
			if at.Nanosecond()%1000 != 0 {
				return fmt.Errorf("the time %s has nanoseconds, which reach from 1677 to 2262, and another time of the column is beyond that: truncate"+
					" it to microseconds, or make those that are not set a nil *time.Time", at)
			}
			n = at.UnixMicro()
		}
		b.(*array.TimestampBuilder).Append(arrow.Timestamp(n))
		return nil
	}
	return f
}

func instant(v reflect.Value) (time.Time, error) {
	at := v.Interface().(time.Time)
	if min(at.Year(), at.UTC().Year()) < 1 || max(at.Year(), at.UTC().Year()) > 9999 {
		return at, fmt.Errorf("%s is no time of the years 1 to 9999", at)
	}
	return at, nil
}

func localTime(v reflect.Value) (time.Time, error) {
	local := v.Interface().(value.LocalDateTime)
	at := local.In(time.UTC)
	if _, err := value.Encode(local); err != nil || value.LocalDateTimeOf(at) != local {
		return at, fmt.Errorf("%s is no datetime of a column: one of the years 1 to 9999, without a fold", local)
	}
	return at, nil
}

// fitsNanoseconds reports whether nanoseconds from 1970 reach a time. pandas and numpy take the least of all for NaT, so it would
// be lost on the way.
func fitsNanoseconds(t time.Time) bool {
	return time.Unix(0, t.UnixNano()).Equal(t) && t.UnixNano() != math.MinInt64
}

// spanForm counts spans in nanoseconds, or in microseconds where times are; read says whether nanoseconds reach one.
func spanForm(at place, read func(reflect.Value) (time.Duration, bool)) *form {
	unit, fine := time.Nanosecond, false
	f := &form{dtype: "timedelta64[ns]", nullable: "timedelta64[ns]"}
	f.see = func(v reflect.Value) error {
		span, fits := read(v)
		if !fits {
			return fmt.Errorf("the span %+v does not fit: the nanoseconds of a column reach 292 years, and those beside days a day", v.Interface())
		}
		fine = fine || span%1000 != 0
		if span == math.MinInt64 {
			return fmt.Errorf("the duration %s does not fit: pandas takes it for none", span)
		}
		return nil
	}
	f.settle = func() {
		f.arrow = arrow.FixedWidthTypes.Duration_ns
		if at.inside() && !fine {
			unit, f.arrow = time.Microsecond, arrow.FixedWidthTypes.Duration_us
		}
	}
	f.put = func(b array.Builder, v reflect.Value) error {
		span, _ := read(v) // which see has read
		b.(*array.DurationBuilder).Append(arrow.Duration(span / unit))
		return nil
	}
	return f
}

func timedeltaOf(v reflect.Value) (time.Duration, bool) {
	span := v.Interface().(value.Timedelta)
	if span.Nanoseconds < 0 || span.Nanoseconds >= int64(24*time.Hour) {
		return 0, false // which would come back as another
	}
	return span.Duration()
}

func putDate(b array.Builder, v reflect.Value) error {
	day := v.Interface().(value.Date)
	if _, err := value.Encode(day); err != nil {
		return fmt.Errorf("%s is no day of the years 1 to 9999", day)
	}
	b.(*array.Date32Builder).Append(arrow.Date32(day.In(time.UTC).Unix() / (24 * 60 * 60)))
	return nil
}

func putTimeOfDay(b array.Builder, v reflect.Value) error {
	clock := v.Interface().(value.TimeOfDay)
	if _, err := value.Encode(clock); err != nil || clock.HasOffset || clock.Fold {
		return fmt.Errorf("%s is no time of day without an offset", clock)
	}
	if clock.Nanosecond%1000 != 0 {
		return fmt.Errorf("the time of day %s has nanoseconds, and Python's have microseconds: truncate it, or make the column one of texts or of time.Duration", clock)
	}
	at := time.Duration(clock.Hour)*time.Hour + time.Duration(clock.Minute)*time.Minute + time.Duration(clock.Second)*time.Second
	b.(*array.Time64Builder).Append(arrow.Time64(at + time.Duration(clock.Nanosecond)))
	return nil
}
