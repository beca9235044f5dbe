//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ksyun_bill_exporter/e2e/peers"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// The files of deploy/compose.
const (
	composeDemo     = "deploy/compose/compose.yaml"
	composeAccounts = "deploy/compose/accounts.yaml"
)

// loadCompose returns what Compose makes of files, which it checks against its specification.
func loadCompose(t *testing.T, environment []string, files ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions(files, cli.WithEnv(environment), cli.WithEnvFiles(), cli.WithDotEnv)
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// Every service has one version of one image, from the place that is asked for, and is reached from this machine only.
// What is mounted is there.
func TestComposeFiles(t *testing.T) {
	t.Chdir(root)
	for place, environment := range map[string][]string{
		"docker.io":            nil,
		"registry.example.com": {"REGISTRY=registry.example.com"},
	} {
		project := loadCompose(t, environment, composeDemo)
		pinned := regexp.MustCompile(`^` + regexp.QuoteMeta(place) + `/\w+/\w+:v?\d+\.\d+\.\d+$`)
		own := "ksyun_bill_exporter:" + strings.TrimSpace(read(t, "VERSION"))
		for name, service := range project.Services {
			if service.Image != own && !pinned.MatchString(service.Image) {
				t.Errorf("%s: the image is %s, want %s, or one version from %s", name, service.Image, own, place)
			}
			for _, port := range service.Ports {
				if port.HostIP != "127.0.0.1" {
					t.Errorf("%s: port %s is open to %q", name, port.Published, port.HostIP)
				}
			}
			for _, mount := range service.Volumes {
				if _, err := os.Stat(mount.Source); mount.Type == "bind" && err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		build := project.Services["exporter"].Build
		if _, err := os.Stat(filepath.Join(build.Context, build.Dockerfile)); err != nil || *build.Args["REGISTRY"] != place {
			t.Errorf("exporter is built with %v: %v", build.Args, err)
		}
	}
}

// With real accounts, numbers are apart from those of the demo, and Grafana wants a password.
func TestComposeAccounts(t *testing.T) {
	t.Chdir(root)
	page := manual{"deploy/compose/README.md", read(t, "deploy/compose/README.md")}
	home := prepareHome(t, page)
	for command := range strings.Lines(page.blocks("sh")[1]) {
		if !strings.HasPrefix(command, "docker ") && !strings.HasPrefix(command, "sudo ") {
			runIn(t, home, command)
		}
	}
	demo := loadCompose(t, nil, composeDemo)
	t.Chdir(home)
	accounts := loadCompose(t, nil, composeDemo, composeAccounts)
	if demo.Volumes["prometheus"].Name == accounts.Volumes["prometheus"].Name {
		t.Errorf("demo and accounts share the volume %s", demo.Volumes["prometheus"].Name)
	}
	login := []string{"GF_AUTH_ANONYMOUS_ENABLED=false", "GF_SECURITY_ADMIN_PASSWORD=..."}
	for _, setting := range login {
		if name, value, _ := strings.Cut(setting, "="); *accounts.Services["grafana"].Environment[name] != value {
			t.Errorf("%s is not %s", name, value)
		}
	}
	t.Chdir(root)
	exporter := accounts.Services["exporter"]
	if !exporter.ReadOnly || !slices.Contains(exporter.Tmpfs, "/tmp") {
		t.Errorf("files for a bucket cannot be made in %v", exporter.Tmpfs)
	}
	startContainer(t, exporter)
}

// startContainer starts the program as the image does, where it finds what is mounted, and nothing else.
func startContainer(t *testing.T, service types.ServiceConfig) {
	t.Helper()
	h, state := host(t.TempDir()), ""
	for _, mount := range service.Volumes {
		if mount.Type == "volume" {
			state = mount.Target
			h.giveFolder(t, state)
			continue
		}
		files, err := os.ReadDir(mount.Source)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			h.giveFile(t, mount.Target+"/"+f.Name(), read(t, filepath.Join(mount.Source, f.Name())))
		}
	}
	h.makeFolder(t, "/bin")
	buildAlone(t, h.path("/bin/ksyun_bill_exporter"))
	h.testProgram(t, state, append([]string{"/bin/ksyun_bill_exporter"}, service.Command...)...)
}

// Both files that build an image start the program in the same way, and the one for Compose builds with the Go of
// go.mod. Its state directory is where the volume is mounted.
func TestComposeDockerfile(t *testing.T) {
	t.Chdir(root)
	got, want := read(t, "deploy/compose/Dockerfile"), read(t, "Dockerfile")
	if !strings.HasSuffix(got, want[strings.Index(want, "USER "):]) {
		t.Errorf("deploy/compose/Dockerfile does not end as Dockerfile does:\n%s", got)
	}
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))[1]
	if !strings.Contains(got, "/library/golang:"+goVersion+" AS build\n") {
		t.Errorf("the image is not built with Go %s", goVersion)
	}
	exporter := loadCompose(t, []string{"GRAFANA_PASSWORD=x"}, composeDemo, composeAccounts).Services["exporter"]
	if state := exporter.Volumes[1].Target; !strings.Contains(got, "--chown=65534:65534 /state "+state+"\n") {
		t.Errorf("%s does not belong to the user of the image", state)
	}
}

// The exporter, a Prometheus and an Alertmanager start with the commands and the files of the demo, and find each
// other.
func TestCompose(t *testing.T) {
	t.Chdir(root)
	project := loadCompose(t, nil, composeDemo)
	addresses := map[string]string{}
	places := []string{"scrape_interval: 15s", "scrape_interval: 1s", "evaluation_interval: 1m", "evaluation_interval: 1s"}
	for name, service := range project.Services {
		addresses[name] = peers.FreeAddress(t)
		places = append(places, fmt.Sprintf("%s:%d", name, service.Ports[0].Target), addresses[name])
	}
	renamed := strings.NewReplacer(places...)
	exporter := project.Services["exporter"].Command
	peers.Start(t, program(t, append(exporter, "--web.listen-address="+addresses["exporter"])...))
	alertmanager := mountFiles(t, project.Services["alertmanager"], renamed)
	peers.Run(t, "amtool", "check-config", alertmanager.path("/etc/alertmanager/alertmanager.yml"))
	alertmanager.start(t, "prometheus-alertmanager", project.Services["alertmanager"].Command,
		"--web.listen-address="+addresses["alertmanager"], "--cluster.listen-address=")
	prometheus := mountFiles(t, project.Services["prometheus"], renamed)
	peers.Run(t, "promtool", "check", "config", prometheus.path("/etc/prometheus/prometheus.yml"))
	prometheus.start(t, "prometheus", project.Services["prometheus"].Command,
		"--web.listen-address="+addresses["prometheus"])

	server := "http://" + addresses["prometheus"]
	peers.Await(t, server+"/-/ready", "")
	peers.Await(t, server+"/api/v1/alertmanagers", `"activeAlertmanagers":[{"url":"http://`+addresses["alertmanager"])
	peers.Await(t, server+"/api/v1/rules", `"name":"KsyunBillCostSpike"`)
	peers.Prometheus{URL: server}.Await(t, `ksyun_bill_source_items{job="ksyun_bill",source="detail_bill"}`,
		len(demoAccounts))
	peers.Await(t, "http://"+addresses["alertmanager"]+"/-/ready", "")
	grafana := mountFiles(t, project.Services["grafana"], strings.NewReplacer())
	checkGrafana(t, grafana, project.Services)
}

// mountFiles returns a host with what is mounted into a service, in which places have other names.
func mountFiles(t *testing.T, service types.ServiceConfig, places *strings.Replacer) host {
	t.Helper()
	h := host(t.TempDir())
	for _, mount := range service.Volumes {
		if mount.Type == "volume" {
			h.makeFolder(t, mount.Target)
			continue
		}
		err := filepath.WalkDir(mount.Source, func(file string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() {
				target := mount.Target + strings.TrimPrefix(file, mount.Source)
				h.makeFolder(t, filepath.Dir(target))
				write(t, h.path(target), places.Replace(read(t, file)))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// start starts a server with the command of a service; the files that it names are those of the host.
func (h host) start(t *testing.T, server string, command []string, flags ...string) {
	t.Helper()
	args := slices.Clone(command)
	for i := range args {
		args[i] = strings.Replace(args[i], "=/", "="+h.path("/"), 1)
	}
	peers.Start(t, exec.CommandContext(t.Context(), server, append(args, flags...)...))
}

// dataSources and providers are files of Grafana's, as far as they are used.
// Source: https://grafana.com/docs/grafana/latest/administration/provisioning/.
type (
	dataSources struct {
		APIVersion  int `yaml:"apiVersion"`
		DataSources []struct {
			Name, UID, Type, Access, URL string
			IsDefault                    bool              `yaml:"isDefault"`
			JSONData                     map[string]string `yaml:"jsonData"`
		}
	}
	providers struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name, Folder, Type string
			Options            struct{ Path string }
		}
	}
)

// checkGrafana checks that the data source is the Prometheus of the project, and that the dashboards, of which one is
// the first that a reader sees, are where Grafana looks for them.
func checkGrafana(t *testing.T, h host, services types.Services) {
	t.Helper()
	var sources dataSources
	decodeStrictly(t, h.path("/etc/grafana/provisioning/datasources/prometheus.yaml"), &sources)
	name, port, _ := net.SplitHostPort(strings.TrimPrefix(sources.DataSources[0].URL, "http://"))
	if service := services[name]; len(service.Ports) == 0 || fmt.Sprint(service.Ports[0].Target) != port {
		t.Errorf("no service listens on %s", sources.DataSources[0].URL)
	}
	var folders providers
	decodeStrictly(t, h.path("/etc/grafana/provisioning/dashboards/ksyun.yaml"), &folders)
	folder := folders.Providers[0].Options.Path
	files, err := filepath.Glob(h.path(folder + "/*.json"))
	if err != nil || len(files) != 4 {
		t.Errorf("%s has %v: %v", folder, files, err)
	}
	home := *services["grafana"].Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	if !slices.Contains(files, h.path(home)) {
		t.Errorf("%s is none of %v", home, files)
	}
	for _, file := range files {
		var dashboard struct {
			Templating struct {
				List []struct {
					Type  string
					Query any
				}
			}
		}
		if err := json.Unmarshal([]byte(read(t, file)), &dashboard); err != nil {
			t.Fatal(err)
		}
		if v := dashboard.Templating.List[0]; v.Type != "datasource" || v.Query != sources.DataSources[0].Type {
			t.Errorf("%s chooses from %s, %v", file, v.Type, v.Query)
		}
	}
}

func decodeStrictly(t *testing.T, file string, into any) {
	t.Helper()
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(read(t, file))))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// The demo's Alertmanager tells a spike as often as the one of examples/alertmanager: once.
func TestComposeInhibits(t *testing.T) {
	t.Chdir(root)
	var want, got struct {
		Rules any `yaml:"inhibit_rules"`
	}
	for file, into := range map[string]any{
		"examples/alertmanager/alertmanager.yml": &want, "deploy/compose/alertmanager/alertmanager.yml": &got,
	} {
		if err := yaml.Unmarshal([]byte(read(t, file)), into); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || want.Rules == nil {
		t.Errorf("(-examples +compose):\n%s", diff)
	}
}
