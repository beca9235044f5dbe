// Package tests holds the chart against Helm, the types of Kubernetes and of the Prometheus Operator, and the exporter.
// It uses Helm's own packages: they are what `helm lint`, `helm package` and `helm template` call.
package tests

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/releaseutil"
)

var update = flag.Bool("update", false, "write the chart's copies, the expected texts and examples/kubernetes anew")

const (
	chartDir = "../ksyun-bill-exporter"
	root     = "../../.."
)

// copied are the files that the chart must contain, because Helm reads no file outside of it, by their folder in it.
// They are copies, not links: Flux leaves links out of what it fetches
// (https://github.com/fluxcd/source-controller), and Git on Windows makes text files of them.
var copied = map[string]string{"files/alerts": "alerts/*.rules.yml", "files/dashboards": "dashboards/*.json"}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(m.Run())
}

// The rules and dashboards of the chart are those of alerts/ and dashboards/, and its version is the exporter's.
func TestCopies(t *testing.T) {
	for folder, pattern := range copied {
		want := map[string]string{}
		for _, name := range glob(t, filepath.Join(root, pattern)) {
			want[filepath.Base(name)] = read(t, name)
			expect(t, filepath.Join(chartDir, folder, filepath.Base(name)), want[filepath.Base(name)])
		}
		for _, name := range glob(t, filepath.Join(chartDir, folder, "*")) {
			if _, ok := want[filepath.Base(name)]; !ok {
				t.Errorf("%s: %s has no such file", name, pattern)
			}
		}
	}
	version, meta := strings.TrimSpace(read(t, filepath.Join(root, "VERSION"))), loadChart(t).Metadata
	if meta.Version != version || meta.AppVersion != version {
		t.Errorf("Chart.yaml: version %s, appVersion %s, want %s", meta.Version, meta.AppVersion, version)
	}
}

func TestLint(t *testing.T) {
	for _, name := range append(cases(t), "") {
		values := map[string]any{}
		if name != "" {
			values = readValues(t, name)
		}
		var got []string
		for _, message := range lint.All(chartDir, values, namespace, true).Messages {
			got = append(got, message.Error())
		}
		want := []string{"[INFO] Chart.yaml: icon is recommended"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("values %q (-want +got):\n%s", name, diff)
		}
	}
}

// refused are values that must not come to a cluster.
var refused = []struct{ name, values, want string }{
	{
		"no account", "", "config.accounts: name the accounts, or set demo=true",
	}, {
		"no image", "demo: true\nimage: {repository: ''}",
		"image.repository: say where the image is that `make image` builds",
	}, {
		"no key", "config: {accounts: [{name: main}]}\nkeys: {accounts: {}}",
		"keys: there are none for the account main: set keys.existingSecret or keys.accounts",
	}, {
		"a key for another account", "config: {accounts: [{name: main}]}\n" +
			"keys: {accounts: {mian: {accessKeyID: a, secretAccessKey: b}}}",
		"keys: there are none for the account main: set keys.existingSecret or keys.accounts",
	}, {
		"a name that is no file's", "config: {accounts: [{name: 游戏}]}\nkeys: {existingSecret: k}",
		"config.accounts: no file of a Secret can be called 游戏: set access_key_id_file",
	}, {
		"a key in the ConfigMap", "config: {accounts: [{name: main, secret_access_key: b}]}\nkeys: {existingSecret: k}",
		"- at '/config/accounts/0': additional properties 'secret_access_key' not allowed",
	}, {
		"a state_dir that is not mounted", "demo: true\nconfig: {accounts: [], state_dir: /tmp}",
		"- at '/config/state_dir': false schema",
	}, {
		"a mistyped value", "demo: true\nserviceMonitors: {enabled: true}",
		"- at '': additional properties 'serviceMonitors' not allowed",
	}, {
		"both monitors", "demo: true\nserviceMonitor: {enabled: true}\npodMonitor: {enabled: true}",
		"serviceMonitor and podMonitor: enable one, or everything is scraped twice",
	}, {
		"a threshold that no rule has", "demo: true\nprometheusRule: {enabled: true, thresholds: {spike: 2}}",
		"prometheusRule.thresholds: thresholds.rules.yml has no spike",
	}, {
		"a memory limit that is no number", "demo: true\nresources: {limits: {memory: 1GB}}",
		`resources.limits.memory: "1GB" is no number of bytes`,
	}, {
		"shards of one claim", "config: {accounts: [{name: main}]}\nkeys: {existingSecret: k}\n" +
			"shards: 2\npersistence: {existingClaim: c}",
		"persistence.existingClaim: each of the shards needs a claim of its own: leave it out, or shards",
	}, {
		"shards of the demo", "demo: true\nshards: 2",
		"shards: the demo has two accounts, for one exporter: leave out shards or demo",
	}, {
		"a lake that is not mounted", "config: {accounts: [{name: main}], lake: {path: /lake}}\nkeys: {existingSecret: k}",
		"config.lake.path: nothing can be written to /lake: name a bucket, or set lake.existingClaim alone",
	}, {
		"no shard", "demo: true\nshards: 0", "- at '/shards': minimum: got 0, want 1",
	},
}

func TestRefused(t *testing.T) {
	for _, c := range refused {
		values, err := chartutil.ReadValues([]byte("image: {repository: r}\n" + c.values))
		if strings.Contains(c.values, "image:") {
			values, err = chartutil.ReadValues([]byte(c.values))
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = render(loadChart(t), values)
		if err == nil || !strings.HasSuffix(strings.TrimSpace(err.Error()), c.want) {
			t.Errorf("%s: %v, want an error that ends with %s", c.name, err, c.want)
		}
	}
}

// GOMEMLIMIT is a share of the limit, however that is written.
func TestMemoryLimit(t *testing.T) {
	for limit, want := range map[string]string{
		"256Mi": "230MiB", "1.5Gi": "1382MiB", "512M": "439MiB", "2G": "1716MiB", "'268435456'": "230MiB",
		"268435456": "230MiB", "1e9": "858MiB", "1Ti": "943718MiB", "262144Ki": "230MiB",
	} {
		values, err := chartutil.ReadValues(
			[]byte("{demo: true, image: {repository: r}, resources: {limits: {memory: " + limit + "}}}"))
		if err != nil {
			t.Fatal(err)
		}
		documents, err := render(loadChart(t), values)
		if err != nil {
			t.Fatal(err)
		}
		if text := texts(documents); !strings.Contains(text, "value: "+want+"\n") {
			t.Errorf("limit %s: want GOMEMLIMIT %s in\n%s", limit, want, text)
		}
	}
}

const (
	releaseName = "ksyun-bill-exporter"
	namespace   = "monitoring"
)

// render returns what `helm template` prints, in the order in which `helm install` creates it.
func render(c *chart.Chart, values map[string]any) ([]releaseutil.Manifest, error) {
	files, err := renderFiles(c, values)
	if err != nil {
		return nil, err
	}
	delete(files, notes(c))
	_, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	return manifests, err
}

// notes is the name of the template of what `helm install` says in the end.
func notes(c *chart.Chart) string { return c.Name() + "/templates/NOTES.txt" }

// renderFiles returns what the templates make, by their names.
func renderFiles(c *chart.Chart, values map[string]any) (map[string]string, error) {
	options := chartutil.ReleaseOptions{Name: releaseName, Namespace: namespace, Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(c, values, options, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, all)
}

// texts joins documents.
func texts(documents []releaseutil.Manifest) string {
	var joined strings.Builder
	for _, d := range documents {
		joined.WriteString("---\n" + strings.TrimSpace(d.Content) + "\n")
	}
	return joined.String()
}

// loadChart returns the chart of a package that was made of it, as a user gets it.
func loadChart(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.LoadDir(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := chartutil.Save(c, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c, err = loader.LoadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// cases are the names of the values in testdata.
func cases(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, file := range glob(t, "testdata/*.values.yaml") {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".values.yaml"))
	}
	return names
}

func readValues(t *testing.T, name string) map[string]any {
	t.Helper()
	values, err := chartutil.ReadValuesFile("testdata/" + name + ".values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// expect compares a file with what it should be. With -update it writes it.
func expect(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("%s: %v; go test -C deploy/helm/tests -update writes it (-file +want):\n%s",
			file, err, cmp.Diff(string(got), want))
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v %v", pattern, names, err)
	}
	return names
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
