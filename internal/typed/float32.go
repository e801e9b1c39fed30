package typed

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
)

// ofFloat32 makes constraints those of float32 values: a bound, or a choice, is also the float32 that is nearest to it, for a value that
// was sent as a float32, or that became one, is no nearer.
func (c constraints) ofFloat32() constraints {
	if c.min != nil {
		least := min(*c.min, nearest32(*c.min))
		c.min = &least
	}
	if c.max != nil {
		most := max(*c.max, nearest32(*c.max))
		c.max = &most
	}
	for _, choice := range slices.Clone(c.enum) {
		text, _ := choice.(json.RawMessage)
		f, err := strconv.ParseFloat(string(text), 64)
		if near := nearest32(f); err == nil && near != f {
			c.enum = append(slices.Clip(c.enum), json.RawMessage(strconv.FormatFloat(near, 'g', -1, 64)))
		}
	}
	return c
}

// nearest32 is the float32 that is nearest to a float, which itself is that where a float32 would be infinite.
func nearest32(f float64) float64 {
	if near := float64(float32(f)); !math.IsInf(near, 0) {
		return near
	}
	return f
}

// withoutNearest32 are the choices as they were written, without those that ofFloat32 added.
func withoutNearest32(choices []any) []any {
	added := map[float64]bool{}
	for _, choice := range choices {
		if number, is := choice.(json.Number); is {
			if f, err := number.Float64(); err == nil && nearest32(f) != f {
				added[nearest32(f)] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(choices), func(choice any) bool {
		number, is := choice.(json.Number)
		f, err := number.Float64()
		return is && err == nil && added[f]
	})
}
