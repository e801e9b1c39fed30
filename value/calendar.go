package value

import (
	"fmt"
	"strings"
	"time"
)

// Date is a day of the proleptic Gregorian calendar, years 1 to 9999.
type Date struct {
	// Year, 1 to 9999.
	Year int
	// Month of the year.
	Month time.Month
	// Day of the month, from 1.
	Day int
}

// DateOf returns the day of a time in its own zone.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// String gives "2024-05-06".
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }

// In returns the first instant of the day in a zone.
func (d Date) In(zone *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone)
}

func (d Date) valid() bool {
	return d.Year >= 1 && d.Year <= 9999 && DateOf(d.In(time.UTC)) == d
}

// TimeOfDay is a time on a clock, without a day.
type TimeOfDay struct {
	// Hour, 0 to 23.
	Hour int
	// Minute, 0 to 59.
	Minute int
	// Second, 0 to 59.
	Second int
	// Nanosecond, 0 to 999,999,999.
	Nanosecond int
	// HasOffset says that Offset counts.
	HasOffset bool
	// Offset from UTC in seconds, eastward positive, less than a day.
	Offset int
	// Fold says that it is the second of two equal readings, when the clock is set back; only without an offset.
	Fold bool
}

// String gives "07:08:09.000001+02:00".
func (t TimeOfDay) String() string {
	text := clockText(t.Hour, t.Minute, t.Second, t.Nanosecond)
	if t.HasOffset {
		return text + offsetText(t.Offset)
	}
	return text + foldText(t.Fold)
}

func (t TimeOfDay) valid() bool {
	return t.Hour >= 0 && t.Hour < 24 && t.Minute >= 0 && t.Minute < 60 && t.Second >= 0 && t.Second < 60 &&
		t.Nanosecond >= 0 && t.Nanosecond < 1e9 && t.Offset > -maxOffset && t.Offset < maxOffset &&
		(t.HasOffset || t.Offset == 0) && (!t.HasOffset || !t.Fold)
}

// LocalDateTime is a day and a time on the clock without a zone, Python's naive datetime.
type LocalDateTime struct {
	// Date is the day.
	Date Date
	// Hour, 0 to 23.
	Hour int
	// Minute, 0 to 59.
	Minute int
	// Second, 0 to 59.
	Second int
	// Nanosecond, 0 to 999,999,999.
	Nanosecond int
	// Fold says that it is the second of two equal readings, when the clock is set back.
	Fold bool
}

// LocalDateTimeOf returns what calendar and clock show at a time in its own zone.
func LocalDateTimeOf(t time.Time) LocalDateTime {
	return LocalDateTime{Date: DateOf(t), Hour: t.Hour(), Minute: t.Minute(), Second: t.Second(), Nanosecond: t.Nanosecond()}
}

// String gives "2024-05-06T07:08:09.000001".
func (l LocalDateTime) String() string {
	return l.Date.String() + "T" + clockText(l.Hour, l.Minute, l.Second, l.Nanosecond) + foldText(l.Fold)
}

// In returns the instant at which calendar and clock show this in a zone: of two, the first, or with Fold the second.
func (l LocalDateTime) In(zone *time.Location) time.Time {
	t := time.Date(l.Date.Year, l.Date.Month, l.Date.Day, l.Hour, l.Minute, l.Second, l.Nanosecond, zone)
	start, end := t.ZoneBounds()
	if earlier := sameReading(t, start.Add(-1)); !l.Fold && !start.IsZero() && earlier.Before(start) {
		return earlier
	}
	if later := sameReading(t, end); l.Fold && !end.IsZero() && !later.Before(end) {
		return later
	}
	return t
}

// sameReading returns when a clock of the offset at another time shows what one shows at t.
func sameReading(t, other time.Time) time.Time {
	_, offset := t.Zone()
	_, otherOffset := other.Zone()
	return t.Add(time.Duration(offset-otherOffset) * time.Second)
}

func (l LocalDateTime) valid() bool {
	return l.Date.valid() && TimeOfDay{Hour: l.Hour, Minute: l.Minute, Second: l.Second, Nanosecond: l.Nanosecond}.valid()
}

// maxOffset is what an offset from UTC in seconds must stay below.
const maxOffset = 24 * 60 * 60

// foldMark stands behind the second of two equal readings of a clock, as a suffix of RFC 9557.
const foldMark = "[_fold=1]"

func foldText(fold bool) string {
	if fold {
		return foldMark
	}
	return ""
}

// clockText has no fraction, or one of 6 digits, or of 9 where nanoseconds need them.
func clockText(hour, minute, second, nanosecond int) string {
	switch {
	case nanosecond == 0:
		return fmt.Sprintf("%02d:%02d:%02d", hour, minute, second)
	case nanosecond%1000 == 0:
		return fmt.Sprintf("%02d:%02d:%02d.%06d", hour, minute, second, nanosecond/1000)
	default:
		return fmt.Sprintf("%02d:%02d:%02d.%09d", hour, minute, second, nanosecond)
	}
}

func offsetText(offset int) string {
	sign := '+'
	if offset < 0 {
		sign, offset = '-', -offset
	}
	if s := offset % 60; s != 0 {
		return fmt.Sprintf("%c%02d:%02d:%02d", sign, offset/3600, offset/60%60, s)
	}
	return fmt.Sprintf("%c%02d:%02d", sign, offset/3600, offset/60%60)
}

// clockReader reads the fixed-width texts of dates and times.
type clockReader struct {
	text string
	bad  bool
}

// digits reads a number of exactly n digits.
func (r *clockReader) digits(n int) int {
	if len(r.text) < n {
		r.bad = true
		return 0
	}
	v := 0
	for _, c := range []byte(r.text[:n]) {
		if c < '0' || c > '9' {
			r.bad = true
		}
		v = v*10 + int(c-'0')
	}
	r.text = r.text[n:]
	return v
}

// skip reads one given character, if it is next.
func (r *clockReader) skip(c byte) bool {
	if r.text == "" || r.text[0] != c {
		return false
	}
	r.text = r.text[1:]
	return true
}

// expect reads one given character.
func (r *clockReader) expect(c byte) {
	if !r.skip(c) {
		r.bad = true
	}
}

func (r *clockReader) date() Date {
	y := r.digits(4)
	r.expect('-')
	m := r.digits(2)
	r.expect('-')
	return Date{y, time.Month(m), r.digits(2)}
}

func (r *clockReader) clock() (t TimeOfDay) {
	t.Hour = r.digits(2)
	r.expect(':')
	t.Minute = r.digits(2)
	r.expect(':')
	t.Second = r.digits(2)
	if r.skip('.') {
		t.Nanosecond = r.fraction()
	}
	return t
}

// fraction reads 1 to 9 digits as nanoseconds.
func (r *clockReader) fraction() int {
	n := 0
	for n < len(r.text) && r.text[n] >= '0' && r.text[n] <= '9' {
		n++
	}
	if n == 0 || n > 9 {
		r.bad = true
		return 0
	}
	v := r.digits(n)
	for ; n < 9; n++ {
		v *= 10
	}
	return v
}

// offset reads an offset from UTC, if there is one.
func (r *clockReader) offset() (seconds int, there bool) {
	if r.skip('Z') {
		return 0, true
	}
	sign := 1
	if r.skip('-') {
		sign = -1
	} else if !r.skip('+') {
		return 0, false
	}
	seconds = r.digits(2) * 3600
	r.expect(':')
	minutes := r.digits(2)
	seconds += minutes * 60
	if r.skip(':') {
		s := r.digits(2)
		r.bad = r.bad || s > 59
		seconds += s
	}
	r.bad = r.bad || minutes > 59 || seconds >= maxOffset
	return sign * seconds, true
}

// fold reads the mark of a second reading, if it is there.
func (r *clockReader) fold() bool {
	rest, found := strings.CutPrefix(r.text, foldMark)
	r.text = rest
	return found
}

func parseDate(text string) (Date, bool) {
	r := clockReader{text: text}
	d := r.date()
	return d, !r.bad && r.text == "" && d.valid()
}

func parseTimeOfDay(text string) (TimeOfDay, bool) {
	r := clockReader{text: text}
	t := r.clock()
	t.Offset, t.HasOffset = r.offset()
	t.Fold = r.fold()
	return t, !r.bad && r.text == "" && t.valid()
}
