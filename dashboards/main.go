// Command dashboards writes the Grafana dashboards, each in English and in Chinese, into the folder it is run in:
//
//	go generate ./dashboards
//
// The JSON is checked in, so that who imports it needs no Go. A test fails where it is not what this program writes.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

//go:generate go run .

// say picks the text in one language: every text of a dashboard stands in the code in both, side by side.
type say func(english, chinese string) string

func english(text, _ string) string { return text }

func chinese(_, text string) string { return text }

// files are the dashboards by the name of their file.
func files() map[string]dashboard {
	return map[string]dashboard{
		"ksyun-cost.json":                cost(english),
		"ksyun-cost.zh-CN.json":          cost(chinese),
		"ksyun-bill-exporter.json":       exporter(english),
		"ksyun-bill-exporter.zh-CN.json": exporter(chinese),
	}
}

func main() {
	for name, d := range files() {
		text, err := encode(d)
		if err == nil {
			err = os.WriteFile(name, text, 0o644)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "dashboards: %s: %v\n", name, err)
			os.Exit(1)
		}
	}
}

// encode keeps queries readable: < and > stay as they are.
func encode(d dashboard) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(d)
	return text.Bytes(), err
}
