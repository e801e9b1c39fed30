package valuetest

import (
	"time"

	"pgregory.net/rapid"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// The first and last seconds of the years that datetimes may have, a day away from the border so that no offset crosses it.
const (
	firstSecond = -62135596800 + 86400
	lastSecond  = 253402300799 - 86400
)

// momentKinds lists the kinds of dates, times, datetimes and spans of time.
func momentKinds() []Kind {
	return []Kind{
		{"datetime in UTC", 1, rapid.Custom(func(t *rapid.T) any { return instant(t).UTC() }), suits(func(at time.Time) bool { return at.Location() == time.UTC })},
		{"datetime with an offset", 1, rapid.Custom(withOffset), suits(func(at time.Time) bool { return at.Location().String() == "" })},
		{"datetime in a zone", 2, rapid.Custom(inZone), suits(func(at time.Time) bool { return hasZone(at) && !ownOffset(at) })},
		{"datetime in a zone with another offset", 1, rapid.Custom(inZoneOfOtherOffset), suits(ownOffset)},
		{"datetime in a zone that nobody knows", 1, rapid.Custom(inUnknownZone), suits(func(at time.Time) bool { return at.Location().String() == unknownZone })},
		{"datetime without a zone", 1, rapid.Custom(func(t *rapid.T) any { return localDateTime(t, false) }), suits(func(l value.LocalDateTime) bool { return !l.Fold })},
		{"datetime with fold", 1, rapid.Custom(func(t *rapid.T) any { return localDateTime(t, true) }), suits(func(l value.LocalDateTime) bool { return l.Fold })},
		{"date", 1, rapid.Custom(func(t *rapid.T) any { return value.DateOf(instant(t).UTC()) }), isA[value.Date]},
		{"time", 1, rapid.Custom(func(t *rapid.T) any { return timeOfDay(t) }), suits(func(c value.TimeOfDay) bool { return !c.Fold && !c.HasOffset })},
		{"time with fold", 1, rapid.Custom(timeWithFold), suits(func(c value.TimeOfDay) bool { return c.Fold })},
		{"time with an offset", 1, rapid.Custom(timeWithOffset), suits(func(c value.TimeOfDay) bool { return c.HasOffset })},
		{"time.Duration", 1, rapid.Map(rapid.Int64(), func(n int64) any { return time.Duration(n) }), isA[time.Duration]},
		{"Timedelta", 1, rapid.Custom(timedelta), suits(func(d value.Timedelta) bool { return d.Days > 0 })},
		{"Timedelta back in time", 1, rapid.Custom(timedeltaBack), suits(func(d value.Timedelta) bool { return d.Days < 0 })},
	}
}

func instant(t *rapid.T) time.Time {
	seconds := rapid.OneOf(rapid.Int64Range(firstSecond, lastSecond), rapid.Int64Range(0, 2_000_000_000)).Draw(t, "seconds")
	fraction := rapid.OneOf(rapid.Just(int64(0)), rapid.Map(rapid.Int64Range(0, 999_999), func(n int64) int64 { return n * 1000 }),
		rapid.Int64Range(0, 999_999_999)).Draw(t, "nanoseconds")
	return time.Unix(seconds, fraction)
}

func offsets() *rapid.Generator[int] { return rapid.IntRange(-86399, 86399) }

func withOffset(t *rapid.T) any {
	offset := offsets().Filter(func(n int) bool { return n != 0 }).Draw(t, "offset")
	return instant(t).In(time.FixedZone("", offset))
}

func zones() *rapid.Generator[*time.Location] {
	names := rapid.SampledFrom([]string{"Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Japan"})
	return rapid.Custom(func(t *rapid.T) *time.Location {
		zone, err := time.LoadLocation(names.Draw(t, "zone"))
		if err != nil {
			t.Fatalf("load a zone: %v", err)
		}
		return zone
	})
}

// setBack are hours of which some have two readings, in Berlin, New York or on Lord Howe Island.
func setBack() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		day := rapid.SampledFrom([]time.Time{
			time.Date(2024, 10, 27, 0, 0, 0, 0, time.UTC), time.Date(2024, 11, 3, 5, 0, 0, 0, time.UTC), time.Date(2024, 4, 6, 14, 0, 0, 0, time.UTC),
		}).Draw(t, "day")
		return day.Add(time.Duration(rapid.IntRange(0, 119).Draw(t, "minutes")) * time.Minute)
	})
}

func inZone(t *rapid.T) any {
	at := instant(t)
	if rapid.Bool().Draw(t, "set back") {
		at = setBack().Draw(t, "at")
	}
	return at.In(zones().Draw(t, "in"))
}

// inZoneOfOtherOffset generates what a program wrote that knows other rules of a zone: with an offset that no zone has.
func inZoneOfOtherOffset(t *rapid.T) any {
	name := zones().Draw(t, "in").String()
	return instant(t).In(time.FixedZone(name, rapid.SampledFrom([]int{18_007, -40_003, 1}).Draw(t, "offset")))
}

const unknownZone = "Mars/Olympus"

func inUnknownZone(t *rapid.T) any {
	return instant(t).In(time.FixedZone(unknownZone, offsets().Draw(t, "offset")))
}

func hasZone(at time.Time) bool {
	name := at.Location().String()
	return name != "" && name != "UTC" && name != unknownZone
}

// ownOffset reports whether a time has another offset than the zone of its name has then.
func ownOffset(at time.Time) bool {
	zone, err := time.LoadLocation(at.Location().String())
	return hasZone(at) && err == nil && offset(at.In(zone)) != offset(at)
}

func localDateTime(t *rapid.T, fold bool) any {
	l := value.LocalDateTimeOf(instant(t).UTC())
	l.Fold = fold
	return l
}

func timeOfDay(t *rapid.T) value.TimeOfDay {
	at := instant(t).UTC()
	return value.TimeOfDay{Hour: at.Hour(), Minute: at.Minute(), Second: at.Second(), Nanosecond: at.Nanosecond()}
}

func timeWithFold(t *rapid.T) any {
	c := timeOfDay(t)
	c.Fold = true
	return c
}

func timeWithOffset(t *rapid.T) any {
	c := timeOfDay(t)
	c.HasOffset, c.Offset = true, offsets().Draw(t, "offset")
	return c
}

// timedelta generates spans that no time.Duration holds.
func timedelta(t *rapid.T) any {
	days := rapid.Int64Range(200_000, 999_999_998).Draw(t, "days")
	return value.Timedelta{Days: days, Nanoseconds: days}
}

func timedeltaBack(t *rapid.T) any {
	return value.Timedelta{Days: rapid.Int64Range(-999_999_999, -200_000).Draw(t, "days")}
}
