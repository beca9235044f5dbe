package peers

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Prometheus is a server that has the HTTP API of Prometheus.
// Source: https://prometheus.io/docs/prometheus/latest/querying/api/.
type Prometheus struct{ URL string }

// StartPrometheus starts a Prometheus that keeps its data in the folder data of dir.
func StartPrometheus(t *testing.T, dir, config string, flags ...string) Prometheus {
	t.Helper()
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := FreeAddress(t)
	flags = append([]string{"--config.file=" + file, "--storage.tsdb.path=" + dir + "/data"}, flags...)
	Start(t, exec.CommandContext(t.Context(), "prometheus", append(flags, "--web.listen-address="+address)...))
	Await(t, "http://"+address+"/-/ready", "")
	return Prometheus{"http://" + address}
}

// Scrape returns a configuration that scrapes each target as a job of its own: job_0, job_1, ...
func Scrape(interval time.Duration, targets ...string) string {
	var config strings.Builder
	fmt.Fprintf(&config, "global: {scrape_interval: %s}\nscrape_configs:\n", interval)
	for i, target := range targets {
		fmt.Fprintf(&config, "- {job_name: job_%d, static_configs: [{targets: ['%s']}]}\n", i, target)
	}
	return config.String()
}

// StartVictoriaMetrics starts a VictoriaMetrics that keeps what is imported, however old it is.
func StartVictoriaMetrics(t *testing.T, flags ...string) Prometheus {
	t.Helper()
	address := FreeAddress(t)
	flags = append([]string{"-retentionPeriod=100y", "-storageDataPath=" + t.TempDir()}, flags...)
	Start(t, exec.CommandContext(t.Context(), "victoria-metrics", append(flags, "-httpListenAddr="+address)...))
	Await(t, "http://"+address+"/health", "")
	return Prometheus{"http://" + address}
}

// Series is a series of an answer. The answer to an instant query has one value in each.
type Series struct {
	Labels map[string]string
	Values []float64
}

// Value returns the newest value.
func (s Series) Value() float64 { return s.Values[len(s.Values)-1] }

// Query returns the answer to an instant query, sorted by labels.
func (p Prometheus) Query(t *testing.T, query string) []Series {
	t.Helper()
	return p.ask(t, "query", url.Values{"query": {query}})
}

// QueryRange returns the answer to a range query, sorted by labels. VictoriaMetrics does not align the range.
func (p Prometheus) QueryRange(t *testing.T, query string, from, to time.Time, step time.Duration) []Series {
	t.Helper()
	return p.ask(t, "query_range", url.Values{
		"query": {query}, "step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
		"start": {strconv.FormatInt(from.Unix(), 10)}, "end": {strconv.FormatInt(to.Unix(), 10)},
		"nocache": {"1"},
	})
}

// Await returns as soon as a query has that many series, or more.
func (p Prometheus) Await(t *testing.T, query string, series int) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for len(p.Query(t, query)) < series {
		if time.Now().After(deadline) {
			t.Fatalf("%s: fewer than %d answers to %s", p.URL, series, query)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (p Prometheus) ask(t *testing.T, action string, parameters url.Values) []Series {
	t.Helper()
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  point
				Values []point
			}
		}
	}
	text, err := get(t.Context(), p.URL+"/api/v1/"+action+"?"+parameters.Encode())
	if err == nil {
		err = json.Unmarshal([]byte(text), &answer)
	}
	if err != nil {
		t.Fatalf("%s: %v", parameters.Get("query"), err)
	}
	var found []Series
	for _, r := range answer.Data.Result {
		if len(r.Values) == 0 {
			r.Values = []point{r.Value}
		}
		found = append(found, Series{r.Metric, values(t, r.Values)})
	}
	slices.SortFunc(found, func(a, b Series) int { return strings.Compare(fmt.Sprint(a.Labels), fmt.Sprint(b.Labels)) })
	return found
}

// point is a time and a value, which is a text.
type point [2]any

func values(t *testing.T, points []point) []float64 {
	t.Helper()
	var found []float64
	for _, p := range points {
		value, err := strconv.ParseFloat(fmt.Sprint(p[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, value)
	}
	return found
}
