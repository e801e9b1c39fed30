package frame

import (
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// zone is the one zone that the times of a column have, called as Arrow calls it: by its name in the zone database, or by its offset. The zero
// zone has seen no time and is UTC.
type zone struct {
	name string
	at   *time.Location // that of the name, nil for an offset
}

// timestamp is the type of a column of times in the zone.
func (z *zone) timestamp(unit arrow.TimeUnit) *arrow.TimestampType {
	if z.name == "" {
		return &arrow.TimestampType{Unit: unit, TimeZone: "UTC"}
	}
	return &arrow.TimestampType{Unit: unit, TimeZone: z.name}
}

// see takes the zone of a time, and refuses one that the column could not give back.
func (z *zone) see(t time.Time) error {
	name := value.ZoneName(t.Location())
	_, offset := t.Zone()
	switch {
	case offset == 0 && (name == "" || name == "UTC"):
		name = "UTC"
	case name != "":
		return z.seeNamed(t, name, offset)
	case offset%60 != 0:
		return fmt.Errorf("the offset of the time %s has seconds, and that of a column has not: make it t.UTC()", t)
	default:
		name = t.Format("-07:00")
	}
	return z.take(t, name)
}

// seeNamed checks that the zone database has the zone, with that offset: the column has no more of it than the name.
func (z *zone) seeNamed(t time.Time, name string, offset int) error {
	at := z.at
	if name != z.name || at == nil {
		var err error
		if at, err = time.LoadLocation(name); err != nil {
			return fmt.Errorf("the zone %q of the time %s is not in the zone database here: make it t.UTC(), or import time/tzdata", name, t)
		}
	}
	if _, known := t.In(at).Zone(); known != offset {
		return fmt.Errorf("the zone %q has another offset then than the time %s: make it t.UTC()", name, t)
	}
	if err := z.take(t, name); err != nil {
		return err
	}
	z.at = at
	return nil
}

func (z *zone) take(t time.Time, name string) error {
	if z.name != "" && z.name != name {
		return fmt.Errorf("the time %s is in the zone %s, others of the column are in %s, and a column has one: make all of them t.UTC(), or t.In(zone)"+
			" of one zone, and those that are not set a nil *time.Time", t, name, z.name)
	}
	z.name = name
	return nil
}

// inZone is a moment in the zone of its column.
func inZone(at time.Time, t *arrow.TimestampType) (any, error) {
	if t.TimeZone == "" {
		return value.LocalDateTimeOf(at), nil
	}
	where, err := t.GetZone()
	if err != nil || where == time.Local {
		return nil, fmt.Errorf("the zone %.60q is not in the zone database here: import time/tzdata; Batches has the moments", t.TimeZone)
	}
	return at.In(where), nil
}
