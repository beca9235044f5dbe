package tests

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"sigs.k8s.io/yaml"
)

// maxObject is how large a ConfigMap or a Secret may be: https://kubernetes.io/docs/concepts/configuration/configmap/
const maxObject = 1 << 20

// The documents for each file of values are what an API server understands, fit together, and are as expected. In the
// expected texts, an angle bracket and a name stand for a whole file of rules or a dashboard.
func TestDocuments(t *testing.T) {
	c := loadChart(t)
	for _, name := range cases(t) {
		t.Run(name, func(t *testing.T) {
			values := readValues(t, name)
			documents, err := render(c, values)
			if err != nil {
				t.Fatal(err)
			}
			objects := decode(t, texts(documents))
			checkFiles(t, objects)
			checkNames(t, objects)
			checkSelectors(t, objects)
			checkRelease(t, c, values, documents)
			expect(t, "testdata/"+name+".yaml", abbreviate(t, texts(documents)))
		})
	}
}

// What `helm install` says in the end is as expected.
func TestNotes(t *testing.T) {
	c := loadChart(t)
	for _, name := range cases(t) {
		files, err := renderFiles(c, readValues(t, name))
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "testdata/"+name+".notes.txt", files[notes(c)])
	}
}

// decoder refuses fields that a type does not have, also those in another case, and fields that are there twice, as
// an API server does with strict validation of fields.
func decoder() runtime.Decoder {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		core.AddToScheme, apps.AddToScheme, networking.AddToScheme, policy.AddToScheme, monitoring.AddToScheme,
	} {
		utilruntime.Must(add(scheme))
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
}

func decode(t *testing.T, text string) []runtime.Object {
	t.Helper()
	var objects []runtime.Object
	for document := range strings.SplitSeq(text, "\n---\n") {
		object, _, err := decoder().Decode([]byte(document+"\n"), nil, nil)
		if err != nil {
			t.Fatalf("%v in\n%.2000s", err, document)
		}
		objects = append(objects, object)
	}
	return objects
}

// pick returns the objects of a type.
func pick[T runtime.Object](objects []runtime.Object) []T {
	var picked []T
	for _, object := range objects {
		if o, ok := object.(T); ok {
			picked = append(picked, o)
		}
	}
	return picked
}

// checkFiles checks that a ConfigMap has its dashboard to the byte, that rules are those of their file, unless the
// values change them, and that nothing is too large.
func checkFiles(t *testing.T, objects []runtime.Object) {
	t.Helper()
	for _, m := range pick[*core.ConfigMap](objects) {
		for name, text := range m.Data {
			if strings.HasSuffix(name, ".json") && text != read(t, filepath.Join(root, "dashboards", name)) {
				t.Errorf("%s is not dashboards/%s", m.Name, name)
			}
			if len(text) > maxObject/2 {
				t.Errorf("%s: %s has %d bytes", m.Name, name, len(text))
			}
		}
	}
	for _, r := range pick[*monitoring.PrometheusRule](objects) {
		file := r.Name[strings.LastIndex(r.Name, "-")+1:] + ".rules.yml"
		var want monitoring.PrometheusRuleSpec
		if err := yaml.UnmarshalStrict([]byte(read(t, filepath.Join(root, "alerts", file))), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, r.Spec); diff != "" && r.Name != releaseName+"-thresholds" {
			t.Errorf("%s is not alerts/%s (-want +got):\n%s", r.Name, file, diff)
		}
	}
}

// outside are the names in testdata of what the cluster has before the chart is installed.
var outside = []string{"ksyun-bill-keys", "bill-web", "bill-state", "bill-lake"}

// checkNames checks that all that the pod mounts is there, and is mounted once.
func checkNames(t *testing.T, objects []runtime.Object) {
	t.Helper()
	known, volumes := map[string]bool{"": true}, map[string]bool{}
	for _, name := range outside {
		known[name] = true
	}
	for _, m := range pick[*core.ConfigMap](objects) {
		known[m.Name] = true
	}
	for _, s := range pick[*core.Secret](objects) {
		known[s.Name] = true
	}
	set := pick[*apps.StatefulSet](objects)[0]
	for _, v := range set.Spec.Template.Spec.Volumes {
		volumes[v.Name] = true
		for _, name := range sources(v) {
			if !known[name] {
				t.Errorf("the volume %s is of %s, which is not there", v.Name, name)
			}
		}
	}
	for _, claim := range set.Spec.VolumeClaimTemplates {
		volumes[claim.Name] = true
	}
	for _, mount := range set.Spec.Template.Spec.Containers[0].VolumeMounts {
		if !volumes[mount.Name] {
			t.Errorf("%s: there is no volume %s left", mount.MountPath, mount.Name)
		}
		delete(volumes, mount.Name)
	}
	for name := range volumes {
		t.Errorf("the volume %s is not mounted", name)
	}
}

// sources returns the names of what a volume is of.
func sources(v core.Volume) []string {
	var names []string
	if v.ConfigMap != nil {
		names = append(names, v.ConfigMap.Name)
	}
	if v.Secret != nil {
		names = append(names, v.Secret.SecretName)
	}
	if v.PersistentVolumeClaim != nil {
		names = append(names, v.PersistentVolumeClaim.ClaimName)
	}
	return names
}

// checkSelectors checks that whatever selects pods or the Service selects them.
func checkSelectors(t *testing.T, objects []runtime.Object) {
	t.Helper()
	set, service := pick[*apps.StatefulSet](objects)[0], pick[*core.Service](objects)[0]
	pod := set.Spec.Template.Labels
	expectLabels(t, "StatefulSet", set.Spec.Selector.MatchLabels, pod)
	expectLabels(t, "Service", service.Spec.Selector, pod)
	for _, p := range pick[*networking.NetworkPolicy](objects) {
		expectLabels(t, "NetworkPolicy", p.Spec.PodSelector.MatchLabels, pod)
	}
	for _, b := range pick[*policy.PodDisruptionBudget](objects) {
		expectLabels(t, "PodDisruptionBudget", b.Spec.Selector.MatchLabels, pod)
	}
	for _, m := range pick[*monitoring.PodMonitor](objects) {
		expectLabels(t, "PodMonitor", m.Spec.Selector.MatchLabels, pod)
	}
	for _, m := range pick[*monitoring.ServiceMonitor](objects) {
		expectLabels(t, "ServiceMonitor", m.Spec.Selector.MatchLabels, service.Labels)
	}
}

func expectLabels(t *testing.T, kind string, selector, labels map[string]string) {
	t.Helper()
	if len(selector) == 0 {
		t.Errorf("%s selects everything", kind)
	}
	for key, value := range selector {
		if labels[key] != value {
			t.Errorf("%s selects %s=%s, which is not in %v", kind, key, value, labels)
		}
	}
}

// checkRelease checks that Helm can keep the release, chart, dashboards and all, in the one Secret that it has for it,
// with room for dashboards that grow. The text is made as in helm.sh/helm/v3/pkg/storage/driver.
func checkRelease(t *testing.T, c *chart.Chart, values chartutil.Values, documents []releaseutil.Manifest) {
	t.Helper()
	kept, err := json.Marshal(&release.Release{
		Name: releaseName, Namespace: namespace, Version: 1, Info: &release.Info{},
		Chart: c, Config: values, Manifest: texts(documents),
	})
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if _, err := w.Write(kept); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	size := base64.StdEncoding.EncodedLen(packed.Len())
	if t.Logf("Helm's Secret has %d bytes", size); size > maxObject*3/4 {
		t.Errorf("Helm's Secret has %d bytes, too near to %d", size, maxObject)
	}
}

// abbreviate puts the names of files in the place of their texts.
func abbreviate(t *testing.T, text string) string {
	t.Helper()
	for _, pattern := range copied {
		for _, name := range glob(t, filepath.Join(root, pattern)) {
			for _, indent := range []string{"  ", "    "} {
				whole := strings.TrimRight(strings.ReplaceAll("\n"+read(t, name), "\n", "\n"+indent), " \n")
				text = strings.ReplaceAll(text, whole, "\n"+indent+"<"+filepath.Base(name)+">")
			}
		}
	}
	return text
}
