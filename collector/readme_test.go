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
)

// The metric tables of both READMEs have every family with its labels, and no other.
func TestReadmeHasEveryMetric(t *testing.T) {
	want := declared(t)
	for _, file := range []string{"../README.md", "../README.zh-CN.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, row := range metricRow.FindAllStringSubmatch(string(text), -1) {
			got[row[1]] = row[2]
		}
		maps.DeleteFunc(got, func(family, _ string) bool {
			// Those of the program, not of its bills: build_info is a library's.
			return family == "ksyun_bill_exporter_build_info" ||
				strings.HasPrefix(family, "ksyun_bill_exporter_config_")
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-declared +table):\n%s", file, diff)
		}
	}
}

var metricRow = regexp.MustCompile("(?m)^\\| `(ksyun_bill_\\w+)` \\| ([^|]*?) ?\\|")

// declared returns all families and their labels.
func declared(t *testing.T) map[string]string {
	t.Helper()
	o := options()
	o.Instances.Promote = []string{"PROMOTED"}
	o.Instances.Tags = []Tag{{Label: "TAGS"}}
	families := map[string]string{}
	for _, f := range o.families() {
		families[f.name] = strings.Join(append([]string{"account"}, f.labels...), ", ")
	}
	live := &recorder{}
	c := New(o, live, nil, log.NewNopLogger())
	descs := make(chan *prometheus.Desc, 1000)
	for _, collector := range append(live.collectors, c) {
		collector.Describe(descs)
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
