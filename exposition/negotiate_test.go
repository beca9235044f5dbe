package exposition

import (
	"net/http"
	"strings"
	"testing"
)

func TestContentType(t *testing.T) {
	const (
		text        = "text/plain; version=0.0.4; charset=utf-8; escaping="
		openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping="
	)
	tests := []struct{ client, accept, want string }{
		{
			"Prometheus 2.42",
			"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75," +
				"text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
			openMetrics + "underscores",
		},
		{
			"Prometheus 3.14",
			"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6," +
				"application/openmetrics-text;version=0.0.1;q=0.5," +
				"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
			openMetrics + "allow-utf-8",
		},
		{"VictoriaMetrics 1.79", "text/plain;version=0.0.4;q=1,*/*;q=0.1", text + "underscores"},
		{
			"OpenMetrics 0.0.1 or text",
			"application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
			text + "underscores",
		},
		{"OpenMetrics 0.0.1 alone", "application/openmetrics-text; version=0.0.1", text + "underscores"},
		{
			"protobuf first",
			"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6," +
				"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.2",
			openMetrics + "allow-utf-8",
		},
		{
			"protobuf alone",
			"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
			text + "underscores",
		},
		{"browser", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", text + "underscores"},
		{"curl", "*/*", text + "underscores"},
		{"none", "", text + "underscores"},
	}
	for _, tt := range tests {
		t.Run(tt.client, func(t *testing.T) {
			res := get(t, testHandler(t), "/metrics", "Accept", tt.accept, "Accept-Encoding", "gzip")
			if got := res.Header().Get("Content-Type"); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			wantEnd := liveText
			if strings.HasPrefix(tt.want, openMetrics) {
				wantEnd = liveOpenMetrics
			}
			if got := readBody(t, res); got != pageText+wantEnd {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestAcceptsGzip(t *testing.T) {
	tests := []struct {
		accept []string
		want   bool
	}{
		{nil, false},
		{[]string{""}, false},
		{[]string{"gzip"}, true},
		{[]string{"GZip"}, true},
		{[]string{"gzip, deflate, br, zstd"}, true},
		{[]string{"deflate", "br,,gzip ;q=0.5"}, true},
		{[]string{"zstd;q=1, gzip;q=0.001"}, true},
		{[]string{"deflate, br"}, false},
		{[]string{"gzip;q=0"}, false},
		{[]string{"gzip; Q=0.000, *"}, false},
		{[]string{"*"}, true},
		{[]string{"*;q=0"}, false},
		{[]string{"identity, gzip"}, true},
		{[]string{"identity;q=0.5, gzip;q=0.4"}, false},
		{[]string{"identity;q=0.5, *;q=0.4"}, false},
		{[]string{"identity;q=0, gzip;q=0.1"}, true},
		{[]string{"gzip;q=2"}, false},
		{[]string{"gzip;q=-1"}, false},
		{[]string{"gzip;q=NaN"}, false},
		{[]string{"gzip;q=x"}, false},
		{[]string{"gzip;q"}, false},
		{[]string{"xgzip, gzipped"}, false},
	}
	for _, tt := range tests {
		if got := acceptsGzip(http.Header{"Accept-Encoding": tt.accept}); got != tt.want {
			t.Errorf("%q: got %t", tt.accept, got)
		}
	}
}
