package exposition

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/common/model"
)

// familyWriter writes the text of families, in parts of chunkSize.
type familyWriter struct {
	to          io.Writer
	openMetrics bool // which only heads of counters depend on
	chunk       []byte
}

// write writes a family, and returns how many series it has. One without a sample has no text.
func (w *familyWriter) write(f Family) (series int, err error) {
	line := newLine(f)
	for values, number := range f.Samples {
		if err := f.checkSample(values, number); err != nil {
			return series, err
		}
		if series == 0 {
			w.chunk = appendHead(w.chunk, f, w.openMetrics)
		}
		w.chunk = line.appendSample(w.chunk, values, number)
		series++
		if err := w.flush(chunkSize); err != nil {
			return series, err
		}
	}
	return series, w.flush(1)
}

// flush hands the chunk on if it has at least limit bytes.
func (w *familyWriter) flush(limit int) error {
	if len(w.chunk) < limit {
		return nil
	}
	_, err := w.to.Write(w.chunk)
	w.chunk = w.chunk[:0]
	return err
}

// check returns an error if the family cannot be written, or differs between the two formats. Names of families have to
// match [a-zA-Z_:][a-zA-Z0-9_:]*, those of labels too but without colons: newer formats know others, but only in
// quotes.
func (f Family) check() error {
	switch {
	case !model.LegacyValidation.IsValidMetricName(f.Name):
		return errors.New("not a metric name")
	case f.Counter && !strings.HasSuffix(f.Name, counterSuffix):
		return errors.New("a counter whose name does not end in " + counterSuffix)
	case strings.Contains(f.Help, `"`):
		return errors.New("help: a double quote, which the text format and OpenMetrics write differently")
	case !utf8.ValidString(f.Help):
		return errors.New("help: invalid UTF-8")
	}
	for i, label := range f.Labels {
		if !model.LegacyValidation.IsValidLabelName(label) || strings.HasPrefix(label, model.ReservedLabelPrefix) {
			return fmt.Errorf("label %q: not a label name", label)
		}
		if slices.Contains(f.Labels[:i], label) {
			return fmt.Errorf("label %q: given twice", label)
		}
	}
	return nil
}

// checkSample returns an error if a sample of the family cannot be written.
func (f Family) checkSample(values []string, number float64) error {
	if len(values) != len(f.Labels) {
		return fmt.Errorf("sample %q: %d label values for %d labels", values, len(values), len(f.Labels))
	}
	if math.IsNaN(number) || math.IsInf(number, 0) {
		return fmt.Errorf("sample %q: value %g", values, number)
	}
	return nil
}

// appendHead appends the lines with which a family starts. They are the same in the text format
// (https://prometheus.io/docs/instrumenting/exposition_formats/) and in OpenMetrics 1.0.0 as long as HELP has no quote,
// but for counters.
func appendHead(b []byte, f Family, openMetrics bool) []byte {
	name, kind := f.Name, " gauge\n"
	if f.Counter {
		kind = " counter\n"
		if openMetrics {
			name = strings.TrimSuffix(name, counterSuffix)
		}
	}
	b = append(b, "# HELP "...)
	b = append(b, name...)
	b = append(b, ' ')
	b = append(b, escape(f.Help)...)
	b = append(b, "\n# TYPE "...)
	b = append(b, name...)
	return append(b, kind...)
}

// counterSuffix ends the name of a counter. In OpenMetrics its family has a name without it.
const counterSuffix = "_total"

// line writes the lines of a family's samples. It makes only once what all of them have in common.
type line struct {
	labels []labelWriter
	end    string // after the labels
}

// labelWriter keeps its last text, because most labels have the same value as in the sample before.
type labelWriter struct {
	value        string
	text         []byte // what stands between the previous label's value and this one, then this value, escaped
	prefixLength int    // bytes of text that stand before the value
}

func newLine(f Family) line {
	if len(f.Labels) == 0 {
		return line{end: f.Name + " "}
	}
	l := line{end: `"} `}
	before := f.Name + "{"
	for _, label := range f.Labels {
		before += label + `="`
		l.labels = append(l.labels, labelWriter{text: []byte(before), prefixLength: len(before)})
		before = `",`
	}
	return l
}

func (l line) appendSample(b []byte, values []string, number float64) []byte {
	for i, value := range values {
		b = append(b, l.labels[i].labelText(value)...)
	}
	b = append(b, l.end...)
	b = appendNumber(b, number)
	return append(b, '\n')
}

func (l *labelWriter) labelText(value string) []byte {
	if value != l.value {
		l.value, l.text = value, append(l.text[:l.prefixLength], escape(value)...)
	}
	return l.text
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// escape returns s with backslash, double quote and newline escaped, as both formats need it in label values.
func escape(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	// Few values need it. Calling IndexByte three times is the fastest way to find out.
	if strings.IndexByte(s, '\\') < 0 && strings.IndexByte(s, '"') < 0 && strings.IndexByte(s, '\n') < 0 {
		return s
	}
	return escapes.Replace(s)
}

// appendNumber appends the shortest decimal that is read back as the same float64. Numbers below 1e21 have no exponent,
// because people read these pages too.
func appendNumber(b []byte, number float64) []byte {
	if hundredths := math.Round(number * 100); hundredths/100 == number && math.Abs(hundredths) < 1e15 {
		return appendHundredths(b, int64(hundredths))
	}
	if math.Abs(number) < 1e21 {
		return strconv.AppendFloat(b, number, 'f', -1, 64)
	}
	return strconv.AppendFloat(b, number, 'g', -1, 64)
}

// appendHundredths appends n hundredths: whole numbers and amounts of money, which nearly all numbers are. It saves a
// tenth of the work for a page, which AppendFloat would take. Decimals of at most fifteen digits are all different as
// float64 (DBL_DIG of IEEE 754), so that no shorter one is read back as the same number.
func appendHundredths(b []byte, n int64) []byte {
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	b = strconv.AppendInt(b, n/100, 10)
	switch rest := byte(n % 100); {
	case rest == 0:
		return b
	case rest%10 == 0:
		return append(b, '.', '0'+rest/10)
	default:
		return append(b, '.', '0'+rest/10, '0'+rest%10)
	}
}
