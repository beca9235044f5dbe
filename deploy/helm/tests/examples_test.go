package tests

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/strvals"
	core "k8s.io/api/core/v1"
)

const examples = root + "/examples/kubernetes/"

var (
	// ofHelm is what only Helm has a use for, and what nobody would keep up to date by hand.
	ofHelm = regexp.MustCompile(`(?m)^ +app\.kubernetes\.io/managed-by: .*\n|^ +helm\.sh/chart: .*\n|` +
		`^ +annotations:\n +checksum/config: .*\n`)
	secretData = regexp.MustCompile(`(?m)^  \S+\.(?:id|secret): .*\n`)
)

// examples/kubernetes is what the chart makes of testdata/example.values.yaml, for those who do not use Helm.
func TestExamples(t *testing.T) {
	documents, err := render(loadChart(t), readValues(t, "example"))
	if err != nil {
		t.Fatal(err)
	}
	const made = "# Made from the chart in deploy/helm, with the values in its tests/testdata/example.values.yaml.\n"
	exporter, secret := made, ""
	for _, d := range documents {
		text := ofHelm.ReplaceAllString(strings.TrimSpace(d.Content)+"\n", "")
		if d.Head.Kind == "Secret" {
			secret = made + plainSecret(t, text)
		} else if exporter += text; d.Head.Kind != "StatefulSet" {
			exporter += "---\n"
		}
	}
	expect(t, filepath.Join(examples, "exporter.yaml"), exporter)
	expect(t, filepath.Join(examples, "secret.yaml"), secret)
	decode(t, exporter)
	decode(t, secret)
}

// plainSecret makes a Secret one that is filled in by hand.
func plainSecret(t *testing.T, text string) string {
	t.Helper()
	plain := strings.Replace(secretData.ReplaceAllString(text, ""), "\ndata:\n", "\nstringData:\n", 1)
	for _, line := range secretData.FindAllString(text, -1) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		value := decode(t, text)[0].(*core.Secret).Data[name]
		plain += "  " + name + ": " + string(value) + "\n"
	}
	return "# Do not keep the filled-in file: `kubectl create secret generic` makes the same.\n" + plain
}

var (
	command  = regexp.MustCompile("(?s)```sh\n.*?```")
	setting  = regexp.MustCompile(`--set '?([^' \n]+)`)
	yamlText = regexp.MustCompile("(?s)```yaml\n(.*?)```")
)

// The command that installs the chart sets what the chart asks for, and the values of the page are those of
// testdata/readme.values.yaml, so that the other tests have them too.
func TestReadme(t *testing.T) {
	for _, page := range []string{"../README.md", "../README.zh-CN.md"} {
		text, values := read(t, page), map[string]any{}
		for _, set := range setting.FindAllStringSubmatch(command.FindString(text), -1) {
			if err := strvals.ParseInto(set[1], values); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := render(loadChart(t), values); err != nil {
			t.Errorf("%s: helm install: %v", page, err)
		}
		got, err := chartutil.ReadValues([]byte(yamlText.FindStringSubmatch(text)[1]))
		if diff := cmp.Diff(chartutil.Values(readValues(t, "readme")), got); err != nil || diff != "" {
			t.Errorf("%s: %v (-testdata +page):\n%s", page, err, diff)
		}
	}
}
