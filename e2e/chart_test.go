//go:build e2e

package e2e

import (
	"path/filepath"
	"testing"
)

// The chart has the rules and dashboards of this tree, because Helm reads no file outside of a chart. All else about
// the chart is tested in deploy/helm/tests.
func TestChartCopies(t *testing.T) {
	t.Chdir(root)
	const files = "deploy/helm/ksyun-bill-exporter/files"
	copies := 0
	for _, pattern := range []string{"alerts/*.rules.yml", "dashboards/*.json"} {
		sources, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, source := range sources {
			copies++
			if read(t, source) != read(t, filepath.Join(files, source)) {
				t.Errorf("%s is not what the chart has: go test -C deploy/helm/tests -update", source)
			}
		}
	}
	if copies != 8 {
		t.Errorf("%d copies, want 8", copies)
	}
}
