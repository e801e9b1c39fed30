package frame

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// farthestDay bounds the days from 1970 of periods that have a text here.
const farthestDay = 1 << 36

// periodText is a period as Python's str writes it; pandas stores its number from 1970 on, and tells the frequency beside it.
func periodText(detail string, stored any) (text string, ok bool) {
	var described struct{ Freq string }
	n, isInt := stored.(int64)
	if !isInt || json.Unmarshal([]byte(detail), &described) != nil {
		return "", false
	}
	unit, anchor, _ := strings.Cut(strings.TrimLeft(described.Freq, "0123456789"), "-")
	if n > farthestDay || n < -farthestDay {
		if _, short := clockUnits(unit); !short {
			return "", false
		}
	}
	switch unit {
	case "Y", "A":
		return fmt.Sprintf("%04d", 1970+n), true
	case "Q":
		year, quarter := floored(n, 4)
		return fmt.Sprintf("%04dQ%d", 1970+year, quarter+1), true
	case "M":
		year, month := floored(n, 12)
		return fmt.Sprintf("%04d-%02d", 1970+year, month+1), true
	case "W":
		return weekText(n, anchor)
	case "B":
		weeks, day := floored(n+3, 5)
		return dayText(weeks*7 + day - 3), true
	case "D":
		return dayText(n), true
	}
	return clockText(unit, n)
}

// weekText is a week from its first day to that on which it ends, which its frequency names.
func weekText(n int64, ends string) (string, bool) {
	day := slices.Index([]string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}, ends)
	if day < 0 {
		return "", false
	}
	last := n*7 + int64(day) - 4 // 1970 began on a Thursday
	return dayText(last-6) + "/" + dayText(last), true
}

// clockUnits returns how many periods of a unit a day has; pandas before 2.2 called some otherwise.
func clockUnits(unit string) (perDay int64, ok bool) {
	switch unit {
	case "h", "H":
		return 24, true
	case "min", "T":
		return 24 * 60, true
	case "s", "S":
		return int64(24 * time.Hour / time.Second), true
	case "ms", "L":
		return int64(24 * time.Hour / time.Millisecond), true
	case "us", "U":
		return int64(24 * time.Hour / time.Microsecond), true
	case "ns", "N":
		return int64(24 * time.Hour), true
	}
	return 0, false
}

func clockText(unit string, n int64) (string, bool) {
	perDay, ok := clockUnits(unit)
	if !ok {
		return "", false
	}
	day, rest := floored(n, perDay)
	if day > farthestDay || day < -farthestDay {
		return "", false
	}
	at := time.Duration(rest) * (24 * time.Hour / time.Duration(perDay))
	text := fmt.Sprintf("%s %02d:%02d", dayText(day), at/time.Hour, at/time.Minute%60)
	if perDay > 24*60 {
		text += fmt.Sprintf(":%02d", at/time.Second%60)
	}
	switch fraction := at % time.Second; unit {
	case "ms", "L":
		text += fmt.Sprintf(".%03d", fraction/time.Millisecond)
	case "us", "U":
		text += fmt.Sprintf(".%06d", fraction/time.Microsecond)
	case "ns", "N":
		text += fmt.Sprintf(".%09d", fraction)
	}
	return text, true
}

// dayText is a day, a number of days from 1970.
func dayText(n int64) string {
	at := time.Unix(n*24*60*60, 0).UTC()
	return fmt.Sprintf("%04d-%02d-%02d", at.Year(), at.Month(), at.Day())
}

// floored divides towards minus infinity; the rest is not negative.
func floored(n, by int64) (quotient, rest int64) {
	quotient, rest = n/by, n%by
	if rest < 0 {
		quotient, rest = quotient-1, rest+by
	}
	return quotient, rest
}

// intervalText is an interval as Python's str writes it.
func intervalText(detail string, stored any) (string, bool) {
	var described struct{ Closed string }
	ends, isStruct := stored.(*value.Dict)
	if !isStruct || json.Unmarshal([]byte(detail), &described) != nil {
		return "", false
	}
	brackets, known := map[string]string{"left": "[)", "right": "(]", "both": "[]", "neither": "()"}[described.Closed]
	left, hasLeft := ends.Get("left")
	right, hasRight := ends.Get("right")
	if !known || !hasLeft || !hasRight || left == nil || right == nil {
		return "", false
	}
	from, err := labelText(left, "")
	if err != nil {
		return "", false
	}
	to, err := labelText(right, "")
	return brackets[:1] + from + ", " + to + brackets[1:], err == nil
}
