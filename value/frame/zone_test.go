package frame_test

import (
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

func zoneOf(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	require.NoError(t, err)
	return zone
}

type seen struct {
	At    time.Time
	Maybe *time.Time
	Then  []time.Time
}

func TestTheTimesOfAColumnKeepTheirZone(t *testing.T) {
	t.Parallel()
	for called, zone := range map[string]*time.Location{
		"UTC": time.UTC, "Europe/Berlin": zoneOf(t, "Europe/Berlin"), "Asia/Kolkata": zoneOf(t, "Asia/Kolkata"), "GMT": zoneOf(t, "GMT"),
		"+02:00": time.FixedZone("CEST", 7200), "-05:30": time.FixedZone("", -19800), "Japan": time.FixedZone("Japan", 9*3600),
	} {
		summer, winter := time.Date(2024, 7, 1, 12, 0, 0, 5, zone), time.Date(2024, 1, 1, 12, 0, 0, 0, zone)
		first, second := time.Date(2024, 10, 27, 0, 30, 0, 0, time.UTC).In(zone), time.Date(2024, 10, 27, 1, 30, 0, 0, time.UTC).In(zone)
		in := []seen{{summer, &winter, []time.Time{winter, summer}}, {first, nil, nil}, {second, &first, []time.Time{}}}
		table, err := frame.FromStructs(in)
		require.NoError(t, err, called)
		require.Equal(t, called, table.Schema().Field(0).Type.(*arrow.TimestampType).TimeZone)
		encoded, err := codec().Encode(table)
		require.NoError(t, err)
		var out []seen
		require.NoError(t, codec().DecodeInto(encoded, &out))
		for i := range in {
			requireSameTime(t, in[i].At, out[i].At)
			require.Equal(t, in[i].Maybe == nil, out[i].Maybe == nil)
			if in[i].Maybe != nil {
				requireSameTime(t, *in[i].Maybe, *out[i].Maybe)
			}
			require.Len(t, out[i].Then, len(in[i].Then))
			for n := range in[i].Then {
				requireSameTime(t, in[i].Then[n], out[i].Then[n])
			}
		}
	}
}

// requireSameTime wants the same moment, which clocks show alike.
func requireSameTime(t *testing.T, want, got time.Time) {
	t.Helper()
	require.True(t, want.Equal(got), "%s is not %s", got, want)
	_, offset := want.Zone()
	_, shown := got.Zone()
	require.Equal(t, offset, shown, "%s is not shown as %s", got, want)
}

func TestTimesOfTheMachinesOwnZoneHaveItsOffset(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 7, 1, 12, 0, 0, 0, time.Local)
	out, err := frame.ToStructs[struct{ At time.Time }](built(t)(frame.FromStructs([]struct{ At time.Time }{{at}})))
	require.NoError(t, err)
	requireSameTime(t, at, out[0].At)
}

func built(t *testing.T) func(*frame.Table, error) *frame.Table {
	return func(table *frame.Table, err error) *frame.Table {
		t.Helper()
		require.NoError(t, err)
		return table
	}
}

func TestTimesThatAColumnCannotGiveBackAreRefusedWithTheirRow(t *testing.T) {
	t.Parallel()
	berlin := time.Date(2024, 7, 1, 0, 0, 0, 0, zoneOf(t, "Europe/Berlin"))
	for says, second := range map[string]time.Time{
		"is in the zone UTC, others of the column are in Europe/Berlin": berlin.UTC(),
		"is in the zone Asia/Tokyo":                                     berlin.In(zoneOf(t, "Asia/Tokyo")),
		"is in the zone +02:00":                                         berlin.In(time.FixedZone("", 7200)),
		"those that are not set a nil *time.Time":                       {},
		"has seconds":                      berlin.In(time.FixedZone("", 3601)),
		"is not in the zone database here": berlin.In(time.FixedZone("Mars/Base", 3600)),
		"has another offset then":          berlin.In(time.FixedZone("Asia/Tokyo", 3600)),
		"no time of the years 1 to 9999":   time.Date(10000, 1, 1, 0, 0, 0, 0, berlin.Location()),
	} {
		_, err := frame.FromStructs([]struct{ At time.Time }{{berlin}, {second}})
		requirePath(t, err, "$[1].At")
		require.ErrorContains(t, err, says)
	}
	_, err := frame.FromStructs([]struct{ In map[string]*time.Time }{{map[string]*time.Time{"a": &berlin}}, {map[string]*time.Time{"b": {}}}})
	requirePath(t, err, "$[1].In")
	_, err = frame.New().Time("at", []time.Time{berlin, berlin.UTC()}).Build()
	requirePath(t, err, "$.at")
	require.ErrorContains(t, err, "row 1: the time 2024-06-30 22:00:00 +0000 UTC is in the zone UTC")
	table := built(t)(frame.New().Time("at", []time.Time{berlin, {}}, []bool{true, false}).Build())
	column, err := table.Column("at")
	require.NoError(t, err)
	times, _, err := column.Times()
	require.NoError(t, err)
	requireSameTime(t, berlin, times[0])
}

func TestMomentsOfAZoneThatIsNotKnownAreNotReadAsThoseOfAnother(t *testing.T) {
	t.Parallel()
	for _, unknown := range []string{"Mars/Base", "Local", "../etc/passwd"} {
		moments := array.NewTimestampBuilder(memory.DefaultAllocator, &arrow.TimestampType{Unit: arrow.Second, TimeZone: unknown})
		moments.Append(1)
		table := built(t)(frame.New().Array("at", moments.NewArray()).Build())
		_, err := frame.ToStructs[struct {
			At time.Time `bridge:"at"`
		}](table)
		requirePath(t, err, "$.at")
		require.ErrorContains(t, err, "is not in the zone database here")
		require.NotEmpty(t, table.Bytes(), "it is passed on")
	}
}
