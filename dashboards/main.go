// Command dashboards writes the Grafana dashboards, each in English and in Chinese, into the current directory:
//
//	go generate ./dashboards
//
// The JSON is checked in, so that importing it does not need Go. A test fails if it is not what this program writes.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

//go:generate go run .

// language selects one of two texts: the code has every text of a dashboard in English and in Chinese, side by side.
type language func(english, chinese string) string

func selectEnglish(text, _ string) string { return text }

func selectChinese(_, text string) string { return text }

// dashboardFiles returns the dashboards by the names of their files.
func dashboardFiles() map[string]dashboard {
	return map[string]dashboard{
		"ksyun-cost.json":                finish(selectEnglish, costDashboard(selectEnglish)),
		"ksyun-cost.zh-CN.json":          finish(selectChinese, costDashboard(selectChinese)),
		"ksyun-bill-exporter.json":       finish(selectEnglish, exporterDashboard(selectEnglish)),
		"ksyun-bill-exporter.zh-CN.json": finish(selectChinese, exporterDashboard(selectChinese)),
	}
}

func main() {
	for name, d := range dashboardFiles() {
		text, err := encodeJSON(d)
		if err == nil {
			err = os.WriteFile(name, text, 0o644)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "dashboards: %s: %v\n", name, err)
			os.Exit(1)
		}
	}
}

// encodeJSON returns the JSON of a dashboard. It does not escape < and >, so that queries stay readable.
func encodeJSON(d dashboard) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(d)
	return text.Bytes(), err
}
