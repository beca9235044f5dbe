package exposition

import (
	"bytes"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"
)

func TestRender(t *testing.T) {
	page := render(t,
		family("cost_cny", "Cost.", []string{"account", "product"},
			sample{[]string{"main", "KEC"}, 1234567.89},
			sample{[]string{"main", `a"b\c` + "\nd"}, -0.00000001},
			sample{[]string{"云 a\xff\xfeb", ""}, 1e20},
			sample{[]string{"", "\x00\r\t"}, 1e21},
		),
		family("absent_cny", "Nothing.", []string{"account"}),
		family("period_seconds", "A backslash \\, a newline \n.", nil, sample{nil, 1793462400}),
		family("zero", "", nil, sample{nil, math.Copysign(0, -1)}),
	)
	want := `# HELP cost_cny Cost.
# TYPE cost_cny gauge
cost_cny{account="main",product="KEC"} 1234567.89
cost_cny{account="main",product="a\"b\\c\nd"} -0.00000001
cost_cny{account="云 a` + "\uFFFD" + `b",product=""} 100000000000000000000
cost_cny{account="",product="` + "\x00\r\t" + `"} 1e+21
# HELP period_seconds A backslash \\, a newline \n.
# TYPE period_seconds gauge
period_seconds 1793462400
# HELP zero 
# TYPE zero gauge
zero 0
`
	if diff := cmp.Diff(want, textOf(t, page)); diff != "" {
		t.Error(diff)
	}
	if page.Series() != 6 {
		t.Errorf("%d series, want 6", page.Series())
	}
	if page.Size() == 0 || page.Size() >= len(want) {
		t.Errorf("%d bytes compressed of %d", page.Size(), len(want))
	}
}

func TestRenderRefuses(t *testing.T) {
	one := []sample{{[]string{"x"}, 1}}
	counter := family("x_total", "", nil)
	counter.Counter = true
	tests := []struct {
		family Family
		want   string
	}{
		{family("", "", []string{"a"}, one...), "family : not a metric name"},
		{counter, "family x_total: a counter, which the two formats write differently"},
		{family("2x", "", []string{"a"}, one...), "family 2x: not a metric name"},
		{family("成本", "", []string{"a"}), "family 成本: not a metric name"},
		{
			family("x", `the "deal" price`, []string{"a"}, one...),
			"family x: help: a double quote, which the text format and OpenMetrics write differently",
		},
		{family("x", "\xff", []string{"a"}, one...), "family x: help: invalid UTF-8"},
		{family("x", "", []string{"a:b"}, one...), `family x: label "a:b": not a label name`},
		{family("x", "", []string{"__name__"}, one...), `family x: label "__name__": not a label name`},
		{family("x", "", []string{"a", "a"}, one...), `family x: label "a": given twice`},
		{family("x", "", nil, one...), `family x: sample ["x"]: 1 label values for 0 labels`},
		{family("x", "", []string{"a", "b"}, one...), `family x: sample ["x"]: 1 label values for 2 labels`},
		{
			family("x", "", []string{"a"}, one[0], sample{[]string{"y"}, math.NaN()}),
			`family x: sample ["y"]: value NaN`,
		},
		{family("x", "", []string{"a"}, sample{[]string{"y"}, math.Inf(-1)}), `family x: sample ["y"]: value -Inf`},
		{family("before", "", []string{"a"}), "family before: given twice"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			page, err := Render(slices.Values([]Family{family("before", "", nil), tt.family}))
			if page != nil || err == nil || err.Error() != tt.want {
				t.Errorf("got %v, error %v", page, err)
			}
		})
	}
}

// TestRenderAsClientGolang compares pages with what client_golang and expfmt write for the same samples.
func TestRenderAsClientGolang(t *testing.T) {
	names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z_:][a-z0-9_:]{0,8}`), 0, 4, rapid.ID)
	labels := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z][a-z0-9_]{0,5}`), 0, 4, rapid.ID)
	number := rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64)
	rapid.Check(t, func(t *rapid.T) {
		var families []Family
		for _, name := range names.Draw(t, "names") {
			labels := slices.Sorted(slices.Values(labels.Draw(t, "labels"))) // client_golang sorts them
			samples := make([]sample, rapid.IntRange(1, 5).Draw(t, "samples"))
			for i := range samples {
				samples[i].values = rapid.SliceOfN(hostileStrings(), len(labels), len(labels)).Draw(t, "values")
				samples[i].number = number.Draw(t, "number")
			}
			help := strings.ReplaceAll(strings.ToValidUTF8(hostileStrings().Draw(t, "help"), "?"), `"`, "'")
			families = append(families, family(name, help, labels, samples...))
		}
		if diff := compareWithClientGolang(families); diff != "" {
			t.Fatal(diff)
		}
	})
}

// hostileStrings generates strings with everything that is difficult in an exposition format.
func hostileStrings() *rapid.Generator[string] {
	awkward := []string{
		`"`, `\`, "\n", `\n`, "\r", "\t", "\x00", "\x7f", "\xff", "\xe4\xba", "云主机", "{", "}", ",", "#", " ",
	}
	pieces := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(awkward), rapid.String()), 0, 4)
	return rapid.Map(pieces, func(pieces []string) string { return strings.Join(pieces, "") })
}

func FuzzRender(f *testing.F) {
	f.Add("cost_cny", "Cost.", "account", "main", 1234567.89)
	f.Add("a:b", `\ and `+"\n", "l", `"`+"\\\n\r\x00\xff云", math.Copysign(0, -1))
	f.Add("x", "", "le", "", 5e-324)
	f.Add("_", "  blank\t", "a_b", "} 1\nx{", math.MaxFloat64)
	f.Fuzz(func(t *testing.T, name, help, label, value string, number float64) {
		families := []Family{family(name, help, []string{label}, sample{[]string{value}, number})}
		if _, err := Render(slices.Values(families)); err != nil {
			return // refused, as TestRenderRefuses has it
		}
		if diff := compareWithClientGolang(families); diff != "" {
			t.Fatal(diff)
		}
	})
}

// compareWithClientGolang returns the differences between the families' page and what client_golang writes: in what
// expfmt's parser reads and, line by line for both formats, in everything but the notation of numbers.
func compareWithClientGolang(families []Family) string {
	page, err := Render(slices.Values(families))
	if err != nil {
		return err.Error()
	}
	text, err := io.ReadAll(page.text())
	if err != nil {
		return err.Error()
	}
	want, err := encodeConst(families, expfmt.FmtText)
	if err != nil {
		return err.Error()
	}
	wantOpenMetrics, err := encodeConst(families, expfmt.FmtOpenMetrics_1_0_0)
	if err != nil {
		return err.Error()
	}
	got := normalizeNumbers(text)
	return cmp.Diff(normalizeNumbers(want), got) + cmp.Diff(normalizeNumbers(wantOpenMetrics), got) +
		diffParsed(want, text)
}

// encodeConst returns the families as const metrics of client_golang, written by expfmt.
func encodeConst(families []Family, format expfmt.Format) ([]byte, error) {
	var text bytes.Buffer
	encoder := expfmt.NewEncoder(&text, format)
	for _, f := range families {
		desc := prometheus.NewDesc(f.Name, f.Help, f.Labels, nil)
		out := &dto.MetricFamily{Name: &f.Name, Help: &f.Help, Type: dto.MetricType_GAUGE.Enum()}
		for values, number := range f.Samples {
			for i, v := range values {
				values[i] = strings.ToValidUTF8(v, "\uFFFD") // client_golang refuses them
			}
			metric, err := prometheus.NewConstMetric(desc, prometheus.GaugeValue, number, values...)
			if err != nil {
				return nil, err
			}
			out.Metric = append(out.Metric, new(dto.Metric))
			if err := metric.Write(out.Metric[len(out.Metric)-1]); err != nil {
				return nil, err
			}
		}
		if err := encoder.Encode(out); err != nil {
			return nil, err
		}
	}
	return text.Bytes(), nil
}

// normalizeNumbers returns the lines of a text with all samples' numbers in the same notation.
func normalizeNumbers(text []byte) []string {
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		end := strings.LastIndexByte(line, ' ') + 1
		if number, err := strconv.ParseFloat(line[end:], 64); err == nil && !strings.HasPrefix(line, "#") {
			lines[i] = line[:end] + strconv.FormatFloat(number, 'g', -1, 64)
		}
	}
	return lines
}

func diffParsed(want, got []byte) string {
	wanted, err := parse(want)
	if err != nil {
		return err.Error()
	}
	read, err := parse(got)
	if err != nil {
		return err.Error()
	}
	return cmp.Diff(wanted, read, protocmp.Transform())
}

func parse(text []byte) (map[string]*dto.MetricFamily, error) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	return parser.TextToMetricFamilies(bytes.NewReader(text))
}

// TestRenderLongFamilies renders more text than a chunk has.
func TestRenderLongFamilies(t *testing.T) {
	families := []Family{instanceFamily("a_cny", 5000), instanceFamily("b_cny", 1), instanceFamily("c_cny", 5000)}
	page := render(t, families...)
	want, err := encodeConst(families, expfmt.FmtText)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(normalizeNumbers(want), normalizeNumbers([]byte(textOf(t, page)))); diff != "" {
		t.Error(diff)
	}
	if page.Series() != 10001 {
		t.Errorf("%d series, want 10001", page.Series())
	}
}

func TestLint(t *testing.T) {
	page := render(t, instanceFamily("ksyun_bill_instance_cost_cny", 3), instanceFamily("ksyun_bill_project_cost_cny", 3))
	problems, err := promlint.New(page.text()).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("problems %v, error %v", problems, err)
	}
}
