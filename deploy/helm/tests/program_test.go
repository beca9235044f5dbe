package tests

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chartutil"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// The exporter takes the arguments, the configuration and the environment that the chart gives it, and each account is
// asked by one pod. The demo has no configuration to check.
func TestConfigurations(t *testing.T) {
	program, store := build(t), startStore(t, "bills")
	for _, name := range cases(t) {
		if name == "demo" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			values := readValues(t, name)
			var got []string
			for _, p := range mount(t, program, values) {
				p.store = store
				out, err := p.command(t.Context(), "--config.check").CombinedOutput()
				found := goodCheck.FindSubmatch(out)
				if err != nil || found == nil {
					t.Fatalf("%s: %v\n%s", p.name, err, out)
				}
				got = append(got, strings.Split(string(found[1]), ", ")...)
			}
			want := accounts(t, values)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("accounts (-configured +asked):\n%s", diff)
			}
		})
	}
}

var goodCheck = regexp.MustCompile(`^The configuration is good\.\naccounts: [1-9]\d* \((.*)\)\n`)

// accounts returns the sorted names of the accounts in values.
func accounts(t *testing.T, values chartutil.Values) []string {
	t.Helper()
	config, err := values.Table("config")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range config["accounts"].([]any) {
		names = append(names, a.(map[string]any)["name"].(string))
	}
	slices.Sort(names)
	return names
}

// The demo starts from the chart, and both probes become good.
func TestDemo(t *testing.T) {
	p := mount(t, build(t), readValues(t, "demo"))[0]
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := p.command(ctx, "--web.listen-address="+address)
	var log bytes.Buffer
	command.Stderr = &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		command.Wait()
		cancel()
		close(ended)
	}()
	for _, probe := range []*core.Probe{p.container.LivenessProbe, p.container.ReadinessProbe} {
		err = errors.Join(err, await(ctx, "http://"+address+probe.HTTPGet.Path))
	}
	cancel()
	if <-ended; err != nil {
		t.Errorf("%v\n%s", err, log.String())
	}
}

// await asks a URL until it answers 200, or until the context ends.
func await(ctx context.Context, url string) error {
	for again := time.NewTicker(100 * time.Millisecond); ; <-again.C {
		err := ask(ctx, url)
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
}

func ask(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s %s", url, answer.Status, text)
	}
	return nil
}

// build returns the path of the exporter, made of the tree.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "ksyun_bill_exporter")
	command := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// A pod is the exporter in a folder that stands for the root of its file system.
type pod struct {
	name      string
	program   string
	dir       string
	container core.Container
	store     string // where buckets are
}

const bucketKey = "AKLTbucket"

// startStore returns the URL of a store that has one bucket, which it tells to whoever has its key.
func startStore(t *testing.T, bucket string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		isKey := strings.Contains(r.Header.Get("Authorization"), "Credential="+bucketKey+"/")
		if !isKey || strings.Trim(r.URL.Path, "/") != bucket {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// mount makes the folders of the pods that values make: of the chart's ConfigMap and Secret, and of files for what the
// configuration names beyond them.
func mount(t *testing.T, program string, values map[string]any) []pod {
	t.Helper()
	documents, err := render(loadChart(t), values)
	if err != nil {
		t.Fatal(err)
	}
	objects := decode(t, texts(documents))
	set := pick[*apps.StatefulSet](objects)[0]
	spec := set.Spec.Template.Spec
	pods := make([]pod, *set.Spec.Replicas)
	for n := range pods {
		name := fmt.Sprintf("%s-%d", set.Name, n)
		pods[n] = pod{name: name, program: program, dir: t.TempDir(), container: spec.Containers[0]}
		pods[n].mount(t, spec.Volumes, objects)
	}
	return pods
}

// mount makes the folder of a pod with these volumes.
func (p pod) mount(t *testing.T, volumes []core.Volume, objects []runtime.Object) {
	t.Helper()
	for _, m := range p.container.VolumeMounts {
		if err := os.MkdirAll(p.dir+m.MountPath, 0o755); err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(volumes, func(v core.Volume) bool { return v.Name == m.Name })
		if at >= 0 {
			p.fill(t, m.MountPath, contents(objects, volumes[at]))
		}
	}
}

// contents returns the files of a volume. Of the Secrets that the chart does not make it knows only one for the web.
func contents(objects []runtime.Object, v core.Volume) map[string]string {
	files := map[string]string{}
	if v.Name == "web" {
		files["web.yml"] = "http_server_config: {http2: false}\n"
	}
	for _, m := range pick[*core.ConfigMap](objects) {
		if v.ConfigMap != nil && v.ConfigMap.Name == m.Name {
			files = m.Data
		}
	}
	for _, s := range pick[*core.Secret](objects) {
		for name, value := range s.Data {
			if v.Secret != nil && v.Secret.SecretName == s.Name {
				files[name] = string(value)
			}
		}
	}
	return files
}

var keyFile = regexp.MustCompile(`/etc/ksyun/keys/\S+`)

// fill writes files, and, for those that a configuration names, one that is of an existing Secret.
func (p pod) fill(t *testing.T, path string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		for _, key := range keyFile.FindAllString(text, -1) {
			p.write(t, key, "of-"+filepath.Base(key))
		}
		p.write(t, filepath.Join(path, name), p.place(text))
	}
}

func (p pod) write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(p.dir+path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.dir+path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// place puts the folder before the paths of a text.
func (p pod) place(text string) string {
	return strings.NewReplacer("/etc/ksyun", p.dir+"/etc/ksyun", "/var/lib", p.dir+"/var/lib").Replace(text)
}

func (p pod) command(ctx context.Context, more ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, p.program)
	for _, arg := range p.container.Args {
		command.Args = append(command.Args, p.place(arg))
	}
	command.Args = append(command.Args, more...)
	for _, e := range p.container.Env {
		command.Env = append(command.Env, e.Name+"="+p.value(e))
	}
	if len(p.container.EnvFrom) > 0 { // the keys of a bucket, which are in an existing Secret
		command.Env = append(command.Env, "AWS_ACCESS_KEY_ID="+bucketKey, "AWS_SECRET_ACCESS_KEY=example",
			"AWS_ENDPOINT_URL="+p.store)
	}
	return command
}

// value returns what an environment variable has in the pod.
func (p pod) value(e core.EnvVar) string {
	if e.ValueFrom != nil && e.ValueFrom.FieldRef != nil && e.ValueFrom.FieldRef.FieldPath == "metadata.name" {
		return p.name
	}
	return e.Value
}
