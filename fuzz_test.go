package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/exposition"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
)

// oneMistake is what every mistake in a file looks like: one line, with the place first.
var oneMistake = regexp.MustCompile(`^FILE(:[1-9][0-9]*)?: \P{Cc}+$`)

// FuzzConfig loads any text. What is wrong with it is said with its place, and what is good makes an exporter whose
// page can be rendered.
func FuzzConfig(f *testing.F) {
	example, err := os.ReadFile("config.example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte(good + "api: {endpoint: http://127.0.0.1:1, max_body: 1MiB}\nbudgets: [{account: main, monthly: 1}]"))
	f.Add([]byte(good + "projects: [{account: main, id: !!str 1}]\ninstances: {tags: [{key: 部门, label: d}]}\n"))
	f.Add([]byte("accounts: &a [{name: a, access_key_id: b, secret_access_key: c}, *a]\nrefresh: {interval: 1ms}\n"))
	file := filepath.Join(f.TempDir(), "config.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		config, err := LoadConfig(file, noEnvironment)
		if err == nil {
			err = expose(config)
		}
		for _, mistake := range causes(err) {
			if text := strings.Replace(mistake.Error(), file, "FILE", 1); !oneMistake.MatchString(text) {
				t.Errorf("%q does not say where", text)
			}
		}
	})
}

// expose renders the first page of an exporter with this configuration, before any call is made.
func expose(config Config) error {
	_ = config.meaning() // must not panic
	var page *exposition.Page
	publish := func(p *exposition.Page) { page = p }
	bills := collector.New(config.Options("fuzz"), prometheus.NewRegistry(), publish, log.NewNopLogger())
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := bills.Run(ended); err != nil {
		return err
	}
	if page == nil || page.Series() == 0 {
		return errors.New("the page does not even have the accounts")
	}
	return nil
}
