package value

import (
	"strings"
	"time"
)

// zones remembers the zones that one decoding has loaded. The zero zones has none.
type zones struct {
	known   map[string]*time.Location // nil where there is none of that name
	unknown int
}

// maxUnknownZones is after how many names that the zone database does not have one decoding looks for no more: looking for a name takes thousands
// of times what reading it does. A zone that is not loaded has its name and the offset that came with it nevertheless.
const maxUnknownZones = 1000

// datetimeText writes a time with its offset, and its zone where that has a name of the zone database. The years of the
// text are 1 to 9999.
func datetimeText(t time.Time) (string, *failure) {
	l := LocalDateTimeOf(t)
	if l.Date.Year < 1 || l.Date.Year > 9999 {
		return "", mismatch("a datetime of the years 1 to 9999", t.Format("year 2006"))
	}
	_, offset := t.Zone()
	if offset <= -maxOffset || offset >= maxOffset {
		return "", mismatch("a datetime whose offset from UTC is below 24 hours", offsetText(offset))
	}
	text := l.String() + offsetText(offset)
	if name := ZoneName(t.Location()); name != "" {
		text += "[" + name + "]"
	}
	return text, nil
}

// ZoneName returns the name by which a zone travels, if it has one that other programs can look up; time.UTC, time.Local and zones that are
// only an offset have none, "".
func ZoneName(zone *time.Location) string {
	if zone == time.UTC || zone == time.Local {
		return ""
	}
	name := zone.String()
	if !strings.Contains(name, "/") && !shortZone(name) || !validZone(name) {
		return ""
	}
	return name
}

// shortZone reports whether the zone database has this name without a slash. Others are mere abbreviations, such as "CEST".
func shortZone(name string) bool {
	switch name {
	case "CET", "CST6CDT", "Cuba", "EET", "EST", "EST5EDT", "Egypt", "Eire", "Factory", "GB", "GB-Eire", "GMT", "GMT+0",
		"GMT-0", "GMT0", "Greenwich", "HST", "Hongkong", "Iceland", "Iran", "Israel", "Jamaica", "Japan", "Kwajalein",
		"Libya", "MET", "MST", "MST7MDT", "NZ", "NZ-CHAT", "Navajo", "PRC", "PST8PDT", "Poland", "Portugal", "ROC",
		"ROK", "Singapore", "Turkey", "UCT", "UTC", "Universal", "W-SU", "WET", "Zulu":
		return true
	}
	return false
}

// validZone reports whether the name may stand in RFC 9557's suffix, and is no path out of the zone database.
func validZone(name string) bool {
	for _, part := range strings.Split(name, "/") {
		if part == "" || part[0] == '.' || part[0] == '-' {
			return false
		}
		for _, c := range []byte(part) {
			letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
			if !letter && !strings.ContainsRune("._-+", rune(c)) {
				return false
			}
		}
	}
	return len(name) <= 64
}

// parseDatetime gives a LocalDateTime or, with an offset, a time.Time.
func (z *zones) parseDatetime(text string) (any, bool) {
	r := clockReader{text: text}
	l := LocalDateTime{Date: r.date()}
	r.expect('T')
	t := r.clock()
	l.Hour, l.Minute, l.Second, l.Nanosecond = t.Hour, t.Minute, t.Second, t.Nanosecond
	offset, aware := r.offset()
	l.Fold = !aware && r.fold()
	name := ""
	if aware && strings.HasPrefix(r.text, "[") && strings.HasSuffix(r.text, "]") {
		name, r.text = r.text[1:len(r.text)-1], ""
		r.bad = r.bad || !validZone(name) || !strings.Contains(name, "/") && !shortZone(name)
	}
	if r.bad || r.text != "" || !l.valid() {
		return nil, false
	}
	if !aware {
		return l, true
	}
	return z.at(l, offset, name), true
}

// at puts a local time into its zone. Where the zone is not known here, or has another offset then, a zone of this
// name and this offset stands for it, so that the text comes back as it was.
func (z *zones) at(l LocalDateTime, offset int, name string) time.Time {
	t := l.In(time.FixedZone(name, offset))
	switch {
	case name == "" && offset == 0:
		return t.In(time.UTC)
	case name == "" || name == "UTC":
		return t
	}
	if zone := z.load(name); zone != nil {
		if local := t.In(zone); sameOffset(local, offset) {
			return local
		}
	}
	return t
}

func sameOffset(t time.Time, offset int) bool {
	_, o := t.Zone()
	return o == offset
}

func (z *zones) load(name string) *time.Location {
	if zone, known := z.known[name]; known || z.unknown == maxUnknownZones {
		return zone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		zone = nil
		z.unknown++
	}
	if z.known == nil {
		z.known = make(map[string]*time.Location)
	}
	z.known[name] = zone
	return zone
}
