package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// The chart's measures, in pixels.
const (
	chartNames  = 560
	chartScale  = 520
	chartRight  = 90
	chartLine   = 20
	chartTop    = 64
	chartBottom = 36
)

// The chart shows ratios from chartLow to chartHigh; what lies beyond is drawn at its edge.
const (
	chartLow  = 0.05
	chartHigh = 200
)

// drawChart draws each row that compares as a bar from 1x to its ratio, with its spread and the mark of what is wanted. Every
// bar to the right is good: rows of which less is better are drawn as how many times less.
func drawChart(r report) string {
	var rows []figure
	for _, f := range r.Figures {
		if f.Theirs != 0 && f.Ratio > 0 {
			rows = append(rows, f)
		}
	}
	width, height := chartNames+chartScale+chartRight, chartTop+chartLine*len(rows)+chartBottom
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n", width, height, width, height)
	fmt.Fprintf(&svg, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	fmt.Fprintf(&svg, `<text x="10" y="24" font-size="15">How many times better than what it is compared with, in the same run</text>`+"\n")
	fmt.Fprintf(&svg, `<text x="10" y="42" fill="#555">medians, lines: least and greatest of the rounds, black mark: what is wanted; green: reached, orange: not, grey: nothing asked; %d processors, %s</text>`+"\n", r.Processors, html.EscapeString(r.Go))
	for _, tick := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100} {
		x := chartX(tick)
		fmt.Fprintf(&svg, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle" fill="#555">%gx</text>`+"\n",
			x, chartTop-6, x, height-chartBottom+4, x, height-chartBottom+20, tick)
	}
	for i, f := range rows {
		svg.WriteString(chartRow(f, chartTop+chartLine*i))
	}
	svg.WriteString("</svg>\n")
	return svg.String()
}

// chartRow draws one row at a height.
func chartRow(f figure, y int) string {
	ratio, low, high, want := f.better()
	color := "#999"
	switch {
	case f.Look:
	case f.Reached:
		color = "#2a9d55"
	default:
		color = "#e07b28"
	}
	name := f.Name
	if f.Width > 0 {
		name = fmt.Sprintf("%s (%d at a time)", name, f.Width)
	}
	from, to := chartX(min(1, ratio)), chartX(max(1, ratio))
	middle := y + chartLine/2
	text := fmt.Sprintf(`<text x="%d" y="%d" text-anchor="end">%s, %s</text>`, chartNames-8, middle+4, html.EscapeString(name), html.EscapeString(f.Unit))
	text += fmt.Sprintf(`<rect x="%.1f" y="%d" width="%.1f" height="10" fill=%q/>`, from, middle-5, max(1, to-from), color)
	text += fmt.Sprintf(`<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#333"/>`, chartX(low), middle, chartX(high), middle)
	if want > 0 {
		text += fmt.Sprintf(`<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#000" stroke-width="3"/>`, chartX(want), middle-8, chartX(want), middle+8)
	}
	return text + fmt.Sprintf(`<text x="%d" y="%d">%sx</text>`+"\n", chartNames+chartScale+10, middle+4, number(ratio))
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

// chartX is where a ratio stands.
func chartX(ratio float64) float64 {
	ratio = min(max(ratio, chartLow), chartHigh)
	return chartNames + chartScale*math.Log(ratio/chartLow)/math.Log(chartHigh/chartLow)
}
