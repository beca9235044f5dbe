package collector

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"
)

// The tables of the pages on metrics have every family with its labels, and no other.
func TestTablesHaveEveryMetric(t *testing.T) {
	want := declared(t)
	for _, file := range metricsPages {
		got := metricTable(t, file)
		maps.DeleteFunc(got, func(family, _ string) bool {
			// Those of the program, not of its bills: build_info is a library's.
			return family == "ksyun_bill_exporter_build_info" ||
				strings.HasPrefix(family, "ksyun_bill_exporter_config_") ||
				strings.HasPrefix(family, "ksyun_bill_exporter_lake_") // TestMetricOfTheLake looks for it
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-declared +table):\n%s", file, diff)
		}
	}
}

// metricTable returns the families of a page's table and their labels.
func metricTable(t *testing.T, file string) map[string]string {
	t.Helper()
	families := map[string]string{}
	for _, row := range metricRow.FindAllStringSubmatch(read(t, file), -1) {
		families[row[1]] = row[2]
	}
	return families
}

// metricRow matches a row of a table of families: name, what it is, labels.
var metricRow = regexp.MustCompile(`(?m)^\| \x60(ksyun_bill_\w+)\x60 \| [^|]+ \| ([^|]*?) ?\|`)

// The first page has a few rows of the table, as they are there, without the last column.
func TestFirstPageHasRowsOfTheTable(t *testing.T) {
	for i, file := range []string{"../README.md", "../README.zh-CN.md"} {
		rows := regexp.MustCompile("(?m)^\\| `ksyun_bill_.*$").FindAllString(read(t, file), -1)
		if len(rows) < 10 {
			t.Errorf("%s has %d rows", file, len(rows))
		}
		for _, row := range rows {
			if !strings.Contains(read(t, metricsPages[i]), "\n"+row) {
				t.Errorf("%s: %s does not have this row: %s", file, metricsPages[i], row)
			}
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The pages on metrics have an entry for every family of the table and for no other, in the same order in both
// languages. Each begins with a sample that has exactly the family's labels.
func TestMetricsPages(t *testing.T) {
	want := map[string][]string{}
	for family, labels := range metricTable(t, metricsPages[0]) {
		want[family] = sampleLabels(labels)
	}
	var order [2][]string
	for i, file := range metricsPages {
		got := map[string][]string{}
		for _, entry := range metricEntry.FindAllStringSubmatch(read(t, file), -1) {
			family, labels := readSample(t, entry[1])
			if got[family] != nil {
				t.Errorf("%s has two entries for %s", file, family)
			}
			got[family] = labels
			order[i] = append(order[i], family)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-table +entries):\n%s", file, diff)
		}
	}
	if diff := cmp.Diff(order[0], order[1]); diff != "" {
		t.Errorf("order of the entries (-English +Chinese):\n%s", diff)
	}
}

// The pages on metrics explain every label that a family has, and no other.
func TestMetricsPagesHaveEveryLabel(t *testing.T) {
	want := map[string]bool{}
	for _, labels := range metricTable(t, metricsPages[0]) {
		for _, label := range sampleLabels(labels) {
			want[label] = true
		}
	}
	for _, file := range metricsPages {
		got := map[string]bool{}
		for _, row := range labelRow.FindAllStringSubmatch(labelTable.FindString(read(t, file)), -1) {
			for label := range strings.SplitSeq(row[1], ", ") {
				got[strings.Trim(label, "`")] = true
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-table +labels):\n%s", file, diff)
		}
	}
}

// sampleLabels returns the labels of a row of the table, as a sample has them where nothing is configured.
func sampleLabels(row string) []string {
	row = strings.ReplaceAll(row, "*instances.promote*", "instance_name")
	row = strings.ReplaceAll(row, ", *instances.tags*", "")
	labels := []string{}
	if row != "" {
		labels = strings.Split(row, ", ")
	}
	slices.Sort(labels)
	return labels
}

// readSample returns the family of a sample as Prometheus reads it, and its labels.
func readSample(t *testing.T, sample string) (family string, labels []string) {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(sample + "\n"))
	if err != nil {
		t.Fatalf("%s: %v", sample, err)
	}
	labels = []string{}
	for name, f := range families {
		family = name
		for _, pair := range f.Metric[0].Label {
			labels = append(labels, pair.GetName())
		}
	}
	slices.Sort(labels)
	if bucket := slices.Index(labels, "le"); bucket >= 0 { // of a histogram
		family, labels = strings.TrimSuffix(family, "_bucket"), slices.Delete(labels, bucket, bucket+1)
	}
	return family, labels
}

// declared returns all families and their labels.
func declared(t *testing.T) map[string]string {
	t.Helper()
	o := options()
	o.Instances.Promote = []string{"PROMOTED"}
	o.Instances.Tags = []ledger.Tag{{Label: "TAGS"}}
	families := map[string]string{}
	for _, f := range metrics.Families(o.metricsOptions()) {
		families[f.Name] = strings.Join(append([]string{"account"}, f.Labels...), ", ")
	}
	live := &recorder{}
	c := New(o, live, nil, log.NewNopLogger())
	descs := make(chan *prometheus.Desc, 1000)
	for _, collector := range live.collectors {
		collector.Describe(descs)
	}
	for f := range c.Families {
		families[f.Name] = strings.Join(f.Labels, ", ")
	}
	close(descs)
	for desc := range descs {
		found := descText.FindStringSubmatch(desc.String())
		if found == nil {
			t.Fatalf("cannot read %s", desc)
		}
		families[found[1]] = strings.ReplaceAll(found[2], ",", ", ")
	}
	for _, name := range slices.Collect(maps.Keys(families)) {
		labels := strings.ReplaceAll(families[name], "PROMOTED", "*instances.promote*")
		families[name] = strings.ReplaceAll(labels, "TAGS", "*instances.tags*")
	}
	return families
}

var descText = regexp.MustCompile(`fqName: "(\w+)".*variableLabels: {(.*?)}`)

// recorder is a registry that only remembers what is registered.
type recorder struct {
	prometheus.Registerer
	collectors []prometheus.Collector
}

func (r *recorder) MustRegister(c ...prometheus.Collector) { r.collectors = append(r.collectors, c...) }
