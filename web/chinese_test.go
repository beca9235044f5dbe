package web

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ksyun_bill_exporter/billclient"

	"github.com/google/go-cmp/cmp"
)

// Every text of the page has a translation with as many placeholders, and no translation is left over.
func TestChinese(t *testing.T) {
	used := map[string]bool{"Metrics": true, "Healthy": true, "Ready": true, "Profiles": true}
	for _, file := range []string{"status.html.tmpl", "locale.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`\btranslate[ (]"([^"]+)"`).FindAllSubmatch(text, -1) {
			used[string(match[1])] = true
		}
	}
	for _, h := range headings {
		used[h.Title] = true
	}
	for _, titles := range []map[string]string{payModeTitles, balanceTitles, renewalTitles} {
		for title := range maps.Values(titles) {
			used[title] = true
		}
	}
	for _, file := range collectorFiles(t) {
		table, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range sourceTitle.FindAllSubmatch(table, -1) {
			used[string(match[1])+string(match[2])] = true
		}
	}
	for _, reason := range append(billclient.Reasons(), foreignCustomer) {
		used[failureTexts[reason].meaning], used[failureTexts[reason].remedy] = true, true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(used)), slices.Sorted(maps.Keys(chinese))); diff != "" {
		t.Errorf("(-used +translated):\n%s", diff)
	}
	placeholder := regexp.MustCompile(`%(?:\[\d\])?(?:\.\d)?[sdf]`)
	for english, translated := range chinese {
		if len(placeholder.FindAllString(english, -1)) != len(placeholder.FindAllString(translated, -1)) {
			t.Errorf("%q has other placeholders than %q", translated, english)
		}
	}
}

var sourceTitle = regexp.MustCompile(`title: "([A-Z][^"]+)", unit|Source\("[a-z_]+", "([A-Z][^"]+)"`)

// collectorFiles returns the files that can have sources, each with a title.
func collectorFiles(t *testing.T) []string {
	files, err := filepath.Glob("../collector/[a-z]*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	return slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, "_test.go") })
}
