package main

import (
	"fmt"
	"html"
	"math"
	"strings"
	"unicode/utf8"
)

// The chart's measures, in pixels. A name is as wide as it has letters; chartLetter is more than one takes on average.
const (
	chartLetter = 6
	chartScale  = 460
	chartRight  = 70
	chartLine   = 20
	chartTop    = 94
	chartBottom = 36
)

// The chart shows ratios from chartLow to chartHigh; what lies beyond is drawn at its edge.
const (
	chartLow  = 0.05
	chartHigh = 200
)

// chartStyle has two sets of colours: whoever shows the picture says which.
const chartStyle = `<style>
text { font: 11px sans-serif; fill: #1f2328 } .title { font-size: 16px } .scene { font-weight: bold } .dim { fill: #59636e }
.page { fill: #ffffff } .grid { stroke: #d8dee4 } .one { stroke: #8c959f } .spread { stroke: #57606a } .want { stroke: #1f2328; stroke-width: 3 }
.reached { fill: #2da44e } .missed { fill: #e16f24 } .look { fill: #afb8c1 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .dim { fill: #9198a1 }
.page { fill: #0d1117 } .grid { stroke: #2b3138 } .one { stroke: #6e7681 } .spread { stroke: #b1bac4 } .want { stroke: #f0f6fc }
.reached { fill: #238636 } .missed { fill: #bd561d } .look { fill: #545d68 }
}
</style>
`

// chart is a picture that is being drawn.
type chart struct {
	svg strings.Builder
	// names is how wide the names are, y where the next line begins.
	names, y int
}

// drawChart draws each row that compares as a bar from 1x to its ratio, with its spread and the mark of what is wanted. Every
// bar to the right is good: rows of which less is better are drawn as how many times less.
func drawChart(r report) string {
	var rows []figure
	c := chart{names: 300, y: chartTop}
	height := chartTop + chartBottom
	for _, f := range r.Figures {
		if f.Theirs == 0 || f.Ratio <= 0 {
			continue
		}
		if len(rows) == 0 || rows[len(rows)-1].Scene != f.Scene {
			height += chartLine
		}
		rows, height = append(rows, f), height+chartLine
		c.names = max(c.names, chartLetter*utf8.RuneCountInString(label(f))+20)
	}
	width := c.names + chartScale + chartRight
	c.addf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">`+"\n"+chartStyle, width, height, width, height)
	c.addf(`<rect class="page" width="%d" height="%d"/>`, width, height)
	c.addf(`<text class="title" x="12" y="26">How many times better than what it is compared with, in the same run</text>`)
	c.addf(`<text class="dim" x="12" y="46">Medians; thin lines: from the least to the greatest of the rounds. %d processors, %s.</text>`, r.Processors, html.EscapeString(r.Go))
	c.legend(12, 67)
	c.grid(height)
	for i, f := range rows {
		if i == 0 || rows[i-1].Scene != f.Scene {
			c.addf(`<text class="scene" x="12" y="%d">%s</text>`, c.y+14, html.EscapeString(f.Scene))
			c.y += chartLine
		}
		c.row(f)
	}
	c.addf("</svg>")
	return c.svg.String()
}

func (c *chart) addf(format string, values ...any) {
	fmt.Fprintf(&c.svg, format+"\n", values...)
}

// legend says what the colours and the marks mean.
func (c *chart) legend(x, y int) {
	for _, entry := range []struct{ class, text string }{{"reached", "what is wanted is reached"}, {"missed", "it is not"}, {"look", "nothing is asked"}} {
		c.addf(`<rect class="%s" x="%d" y="%d" width="14" height="10"/><text x="%d" y="%d">%s</text>`, entry.class, x, y-9, x+20, y, entry.text)
		x += 40 + chartLetter*len(entry.text)
	}
	c.addf(`<line class="want" x1="%d" y1="%d" x2="%d" y2="%d"/><text x="%d" y="%d">what is wanted</text>`, x+4, y-12, x+4, y+3, x+14, y)
}

// grid draws the scale, above and below.
func (c *chart) grid(height int) {
	for _, tick := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100} {
		x, class := c.x(tick), "grid"
		if tick == 1 {
			class = "one"
		}
		c.addf(`<line class="%s" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`, class, x, chartTop-2, x, height-chartBottom+4)
		for _, y := range []int{chartTop - 8, height - chartBottom + 20} {
			c.addf(`<text class="dim" x="%.1f" y="%d" text-anchor="middle">%gx</text>`, x, y, tick)
		}
	}
}

// label names a row.
func label(f figure) string {
	name := f.Name + ", " + f.Unit
	if f.Width > 1 {
		name = fmt.Sprintf("%s (%d at a time), %s", f.Name, f.Width, f.Unit)
	}
	if f.Overloaded > 0 || f.TheyOverloaded > 0 {
		name += ", overloaded"
	}
	return name
}

// row draws one row and goes on to the next.
func (c *chart) row(f figure) {
	ratio, low, high, want := f.better()
	class := "missed"
	switch {
	case f.Look:
		class = "look"
	case f.Reached:
		class = "reached"
	}
	from, to := c.x(min(1, ratio)), c.x(max(1, ratio))
	middle := c.y + chartLine/2
	c.addf(`<text x="%d" y="%d" text-anchor="end">%s</text>`, c.names-8, middle+4, html.EscapeString(label(f)))
	c.addf(`<rect class="%s" x="%.1f" y="%d" width="%.1f" height="10"/>`, class, from, middle-5, max(1, to-from))
	c.addf(`<line class="spread" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`, c.x(low), middle, c.x(high), middle)
	if want > 0 {
		c.addf(`<line class="want" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`, c.x(want), middle-7, c.x(want), middle+7)
	}
	c.addf(`<text x="%d" y="%d">%sx</text>`, c.names+chartScale+10, middle+4, number(ratio))
	c.y += chartLine
}

// better turns a figure so that more is better.
func (f figure) better() (ratio, low, high, want float64) {
	ratio, low, high = f.Ratio, f.Low, f.High
	if !f.Look {
		want = f.Reach
	}
	if f.AtMost {
		ratio, low, high = 1/ratio, 1/high, 1/low
		if want > 0 {
			want = 1 / want
		}
	}
	return ratio, low, high, want
}

// x is where a ratio stands.
func (c *chart) x(ratio float64) float64 {
	ratio = min(max(ratio, chartLow), chartHigh)
	return float64(c.names) + chartScale*math.Log(ratio/chartLow)/math.Log(chartHigh/chartLow)
}
