package config

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The examples of the documentation, in both languages, are what --config.check says.
func TestDocumentedCardinality(t *testing.T) {
	const accounts = "accounts: [{name: main, access_key_id: a, secret_access_key: b}"
	var ten strings.Builder
	for i := range 9 {
		fmt.Fprintf(&ten, ", {name: n%d, access_key_id: a%d, secret_access_key: b}", i, i)
	}
	examples := []string{ // in the order of the table
		accounts + "]\n",
		accounts + "]\ninstances: {last_month: false}\n",
		accounts + "]\ninstances: {max_series: 500, tags: [{key: 部门, label: department}]}\n",
		accounts + ten.String() + "]\ninstances: {max_series: 200}\n",
		accounts + "]\ninstances: {enabled: false}\n",
	}
	said := regexp.MustCompile(`at most (\d+) of instances, as many that describe them, (\d+) of amortised ones, and (\d+) of tags,` +
		` __other__ apart; in all accounts at most (\d+)`)
	for _, page := range []string{"../docs/metrics.md", "../docs/metrics.zh-CN.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		rows := regexp.MustCompile(`(?m)^\| .* \| (\d+ \| \d+ \| \d+ \| \d+ \| \d+) \|$`).FindAllStringSubmatch(string(text), -1)
		if len(rows) != len(examples) {
			t.Fatalf("%s: %d rows, want %d", page, len(rows), len(examples))
		}
		for i, example := range examples {
			conf, err := Parse("example", []byte(example), nil)
			if err != nil {
				t.Fatal(err)
			}
			m := said.FindStringSubmatch(Meaning(conf))
			if want := strings.Join([]string{m[1], m[1], m[2], m[3], m[4]}, " | "); rows[i][1] != want {
				t.Errorf("%s: %s, want %s for\n%s", page, rows[i][0], want, example)
			}
		}
	}
}
