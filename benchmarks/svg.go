package main

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// panel is a diagram with logarithmic axes.
type panel struct {
	title  string
	unit   func(float64) string
	curves []curve
}

// curve is a line through a panel.
type curve struct {
	name, class string
	points      []point
}

type point struct{ lines, value float64 }

// Sizes in the picture, in pixels.
const (
	panelWidth, panelHeight = 470, 340
	marginLeft, marginRight = 64, 128 // between axes and edges of a panel: space for numbers and names
	marginTop, marginBottom = 52, 48
)

// style includes a background, so that the picture is legible on any page.
const style = `
	text { font: 12px system-ui, sans-serif; fill: #1f2328 }
	.title { font-weight: 600; font-size: 14px }
	.ground { fill: #ffffff } .grid { stroke: #d8dee4 }
	path { fill: none; stroke-width: 2.5; stroke-linejoin: round }
	.ours path { stroke: #0969da } .ours circle, .ours text { fill: #0969da }
	.usual path { stroke: #bc4c00 } .usual circle, .usual text { fill: #bc4c00 }
	.least path { stroke: #6e7781; stroke-dasharray: 5 4 } .least circle, .least text { fill: #57606a }
	@media (prefers-color-scheme: dark) {
		text { fill: #e6edf3 } .ground { fill: #0d1117 } .grid { stroke: #30363d }
		.ours path { stroke: #58a6ff } .ours circle, .ours text { fill: #58a6ff }
		.usual path { stroke: #f0883e } .usual circle, .usual text { fill: #f0883e }
		.least path { stroke: #8b949e } .least circle, .least text { fill: #8b949e }
	}
`

// drawPicture draws time and memory of the exporter and of the usual way against the number of lines.
func drawPicture(r report) []byte {
	panels := []panel{
		{"CPU time of a refresh", formatSeconds, []curve{
			newCurve(r, "usual", cpuSeconds, "usual way", "usual"),
			newCurve(r, "refresh", cpuSeconds, "this exporter", "ours"),
			newCurve(r, "count", cpuSeconds, "counting bytes", "least"),
		}},
		{"Memory, resident at most", formatMegabytes, []curve{
			newCurve(r, "usual", peakMegabytes, "usual way", "usual"),
			newCurve(r, "refresh", peakMegabytes, "this exporter", "ours"),
			newCurve(r, "count", peakMegabytes, "counting bytes", "least"),
		}},
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">\n",
		panelWidth*len(panels), panelHeight)
	fmt.Fprintf(&b, "<title>CPU time and memory against the number of bill lines</title>\n<style>%s</style>\n", style)
	fmt.Fprintln(&b, `<rect class="ground" width="100%" height="100%" rx="6"/>`)
	for i, p := range panels {
		fmt.Fprintf(&b, "<g transform=\"translate(%d 0)\">\n", i*panelWidth)
		newPlot(p).draw(&b)
		fmt.Fprintln(&b, "</g>")
	}
	fmt.Fprintln(&b, "</svg>")
	return b.Bytes()
}

func newCurve(r report, way string, number func(measurement) float64, name, class string) curve {
	c := curve{name: name, class: class}
	for _, lines := range r.sizes() {
		if value := median(valuesOf(way, number)(r.results, lines)); !math.IsNaN(value) {
			c.points = append(c.points, point{float64(lines), value})
		}
	}
	return c
}

func formatSeconds(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%g ms", math.Round(s*1e6)/1e3)
	}
	return fmt.Sprintf("%g s", s)
}

func formatMegabytes(mb float64) string {
	if mb < 1000 {
		return fmt.Sprintf("%g MB", mb)
	}
	return fmt.Sprintf("%g GB", mb/1000)
}

// plot is a panel with its axes.
type plot struct {
	panel
	x, y axis
}

// axis maps numbers to pixels by their logarithm. It begins and ends with a power of ten.
type axis struct {
	low, high  int // exponents
	start, end float64
}

func newAxis(values []float64, start, end float64) axis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		low, high = min(low, math.Floor(math.Log10(v))), max(high, math.Ceil(math.Log10(v)))
	}
	return axis{int(low), max(int(high), int(low)+1), start, end}
}

func (a axis) position(value float64) float64 {
	return a.start + (a.end-a.start)*(math.Log10(value)-float64(a.low))/float64(a.high-a.low)
}

// ticks yields the powers of ten and their positions.
func (a axis) ticks(yield func(value, place float64) bool) {
	for e := a.low; e <= a.high; e++ {
		if value := math.Pow10(e); !yield(value, a.position(value)) {
			return
		}
	}
}

func newPlot(p panel) plot {
	var lines, values []float64
	for _, c := range p.curves {
		for _, at := range c.points {
			lines, values = append(lines, at.lines), append(values, at.value)
		}
	}
	x := newAxis(lines, marginLeft, panelWidth-marginRight)
	y := newAxis(values, panelHeight-marginBottom, marginTop)
	return plot{p, x, y}
}

func (p plot) draw(b *bytes.Buffer) {
	fmt.Fprintf(b, "<text class=\"title\" x=\"%d\" y=\"28\">%s</text>\n", marginLeft, p.title)
	for value, x := range p.x.ticks {
		fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
			x, panelHeight-marginBottom+20, formatRound(value))
	}
	for value, y := range p.y.ticks {
		fmt.Fprintf(b, "<path class=\"grid\" style=\"stroke-width:1\" d=\"M%.1f %.1fH%.1f\"/>\n", p.x.start, y, p.x.end)
		fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", p.x.start-8, y+4, p.unit(value))
	}
	fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">bill lines</text>\n",
		(p.x.start+p.x.end)/2, panelHeight-marginBottom+38)
	minY := 0.
	for _, c := range p.sortCurves() {
		minY = p.drawCurve(b, c, minY) + 14
	}
}

// sortCurves returns the curves that have points, the one with the highest end first.
func (p plot) sortCurves() []curve {
	last := func(c curve) float64 { return c.points[len(c.points)-1].value }
	drawn := slices.DeleteFunc(slices.Clone(p.curves), func(c curve) bool { return len(c.points) == 0 })
	slices.SortFunc(drawn, func(a, b curve) int { return cmp.Compare(last(b), last(a)) })
	return drawn
}

// drawCurve draws a curve and writes its name beside its end, but not above minY. It returns the y of the name.
func (p plot) drawCurve(b *bytes.Buffer, c curve, minY float64) float64 {
	var path, dots strings.Builder
	x, y := 0., 0.
	for i, at := range c.points {
		x, y = p.x.position(at.lines), p.y.position(at.value)
		fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(i, 1)], x, y)
		fmt.Fprintf(&dots, `<circle cx="%.1f" cy="%.1f" r="4"/>`, x, y)
	}
	name := max(y+4, minY)
	fmt.Fprintf(b, "<g class=\"%s\"><path d=\"%s\"/>%s<text x=\"%.1f\" y=\"%.1f\">%s</text></g>\n",
		c.class, path.String(), dots.String(), x+10, name, c.name)
	return name
}
