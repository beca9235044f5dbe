package exposition

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/common/model"
)

// check refuses what cannot be written, or not alike in both formats. Names are the classic ones,
// [a-zA-Z_:][a-zA-Z0-9_:]* and without the colon for labels: others are quoted, and in newer formats only.
func (f Family) check() error {
	switch {
	case !model.LegacyValidation.IsValidMetricName(f.Name):
		return errors.New("not a metric name")
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

func (f Family) checkSample(values []string, number float64) error {
	if len(values) != len(f.Labels) {
		return fmt.Errorf("sample %q: %d label values for %d labels", values, len(values), len(f.Labels))
	}
	if math.IsNaN(number) || math.IsInf(number, 0) {
		return fmt.Errorf("sample %q: value %g", values, number)
	}
	return nil
}

// appendHead appends the lines that a family starts with. They read the same in the text format
// (https://prometheus.io/docs/instrumenting/exposition_formats/) and in OpenMetrics 1.0.0 as long as HELP has no quote.
func appendHead(b []byte, f Family) []byte {
	b = append(b, "# HELP "...)
	b = append(b, f.Name...)
	b = append(b, ' ')
	b = append(b, escape(f.Help)...)
	b = append(b, "\n# TYPE "...)
	b = append(b, f.Name...)
	return append(b, " gauge\n"...)
}

// line writes the sample lines of a family: what is the same in all of them is made once.
type line struct {
	labels []labelWriter
	end    string // behind the labels
}

// labelWriter remembers its last text, since most labels of a sample have the value of the sample before.
type labelWriter struct {
	value  string
	text   []byte // what stands between the previous label's value and this one, then the value escaped
	before int    // bytes of text before the value
}

func newLine(f Family) line {
	if len(f.Labels) == 0 {
		return line{end: f.Name + " "}
	}
	l := line{end: `"} `}
	before := f.Name + "{"
	for _, label := range f.Labels {
		before += label + `="`
		l.labels = append(l.labels, labelWriter{text: []byte(before), before: len(before)})
		before = `",`
	}
	return l
}

func (l line) append(b []byte, values []string, number float64) []byte {
	for i, value := range values {
		b = append(b, l.labels[i].with(value)...)
	}
	b = append(b, l.end...)
	b = appendNumber(b, number)
	return append(b, '\n')
}

func (l *labelWriter) with(value string) []byte {
	if value != l.value {
		l.value, l.text = value, append(l.text[:l.before], escape(value)...)
	}
	return l.text
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// escape is s with backslash, double quote and newline escaped, as both formats want it in label values.
func escape(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	// Hardly any value needs it, and three times IndexByte is the fastest way to know.
	if strings.IndexByte(s, '\\') < 0 && strings.IndexByte(s, '"') < 0 && strings.IndexByte(s, '\n') < 0 {
		return s
	}
	return escapes.Replace(s)
}

// appendNumber appends the shortest decimal that reads back as the same float64. People read these pages, so there is
// no exponent below 1e21; beyond, zeros help nobody.
func appendNumber(b []byte, number float64) []byte {
	if hundredths := math.Round(number * 100); hundredths/100 == number && math.Abs(hundredths) < 1e15 {
		return appendHundredths(b, int64(hundredths))
	}
	if math.Abs(number) < 1e21 {
		return strconv.AppendFloat(b, number, 'f', -1, 64)
	}
	return strconv.AppendFloat(b, number, 'g', -1, 64)
}

// appendHundredths is for whole numbers and amounts of money, which nearly all numbers are: AppendFloat would be a
// tenth of the work on a page. Of at most fifteen digits each decimal has a float64 of its own (DBL_DIG of IEEE 754),
// so none that is shorter reads the same.
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
