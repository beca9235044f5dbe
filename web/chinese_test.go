package web

import (
	"maps"
	"os"
	"regexp"
	"slices"
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
	for _, titles := range []map[string]string{payModeTitles, balanceTitles, renewalTitles} {
		for title := range maps.Values(titles) {
			used[title] = true
		}
	}
	for _, file := range []string{"../collector/sources.go", "../collector/modedays.go"} {
		table, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`"[a-z_]+", (?:title: )?"([A-Z][^"]+)"`).FindAllSubmatch(table, -1) {
			used[string(match[1])] = true
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
