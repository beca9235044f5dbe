package reference

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"ksyun_bill_exporter/config"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"
)

// readTree returns a file of the tree.
func readTree(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readSource(t *testing.T) source {
	t.Helper()
	s, err := read()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every key of the configuration has a section on both pages, and is in both example files: as a key, or in a comment.
func TestEveryKeyIsInEveryFile(t *testing.T) {
	if len(paths) < 50 {
		t.Errorf("only %d keys: %q", len(paths), paths)
	}
	for _, l := range languages {
		page, example := "docs/configuration"+l.suffix+".md", "config.example"+l.suffix+".yaml"
		pageText, exampleText := readTree(t, page), readTree(t, example)
		for _, key := range paths {
			if !regexp.MustCompile("(?m)^#+ `" + regexp.QuoteMeta(key) + "`$").MatchString(pageText) {
				t.Errorf("%s lacks %s", page, key)
			}
			name := key[strings.LastIndex(key, ".")+1:]
			if !regexp.MustCompile(`\b` + name + `\b`).MatchString(exampleText) {
				t.Errorf("%s lacks %s", example, key)
			}
		}
	}
}

var (
	comments = regexp.MustCompile(`(?m)^ *#.*\n| +# .*$`)
	headings = regexp.MustCompile("(?m)^#+ `.*`$")
)

// Both languages have the same keys and values in the same order, and each has its own words.
func TestLanguagesAgree(t *testing.T) {
	english, chinese := readTree(t, "config.example.yaml"), readTree(t, "config.example.zh-CN.yaml")
	if diff := cmp.Diff(comments.ReplaceAllString(english, ""), comments.ReplaceAllString(chinese, "")); diff != "" {
		t.Errorf("example files without comments (-English +Chinese):\n%s", diff)
	}
	english, chinese = readTree(t, "docs/configuration.md"), readTree(t, "docs/configuration.zh-CN.md")
	diff := cmp.Diff(headings.FindAllString(english, -1), headings.FindAllString(chinese, -1))
	if diff != "" {
		t.Errorf("sections of the pages (-English +Chinese):\n%s", diff)
	}
	visit(readSource(t).Keys, "", func(key string, k key) {
		if isChinese(k.Text.English) || !isChinese(k.Text.Chinese) {
			t.Errorf("%s: want English and Chinese, have %q", key, k.Text)
		}
	})
}

func isChinese(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// visit calls f for some keys below a path, and for those within them.
func visit(keys []key, around string, f func(path string, k key)) {
	for _, k := range keys {
		path := strings.TrimPrefix(around+"."+k.Name, ".")
		f(path, k)
		if isList(path) {
			path += "[]"
		}
		visit(k.Keys, path, f)
	}
}

// mostColumns is how wide an example file may be: two windows of it stand beside each other on a screen.
const mostColumns = 120

func TestExampleFilesAreNarrow(t *testing.T) {
	for _, l := range languages {
		name := "config.example" + l.suffix + ".yaml"
		for line := range strings.Lines(readTree(t, name)) {
			columns := 0
			for _, r := range strings.TrimRight(line, "\n") {
				columns++
				if r >= 0x2e80 { // from there on, characters take two columns
					columns++
				}
			}
			if columns > mostColumns {
				t.Errorf("%s: %d columns: %s", name, columns, line)
			}
		}
	}
}

// loadKey returns the error of a configuration in which a key of the top level or below it has a value.
func loadKey(key, value string) error {
	text := key + ": " + value
	if section, name, ok := strings.Cut(key, "."); ok {
		text = fmt.Sprintf("%s: {%s: %s}", section, name, value)
	}
	return load(text)
}

// load returns the error of a configuration, to which an account is added if it has none.
func load(text string) error {
	_, err := config.Parse("example", []byte(text), func(c *config.Config) {
		if len(c.Accounts) == 0 {
			c.Accounts = []config.Account{{Name: "main", AccessKeyID: "AKLT", SecretAccessKey: "s3cret"}}
		}
	})
	return err
}

// The ranges are those of the rules in package config: their ends are good, and what is beyond them is not.
func TestRanges(t *testing.T) {
	tried := 0
	visit(readSource(t).Keys, "", func(key string, k key) {
		good, bad := k.Choices, []string{}
		if k.Least != "" {
			good, bad = append(good, k.Least), append(bad, shift(t, key, k.Least, -1))
		}
		if k.Most != "" {
			good, bad = append(good, k.Most), append(bad, shift(t, key, k.Most, 1))
		}
		if k.Above != "" {
			good, bad = append(good, shift(t, key, k.Above, 1)), append(bad, k.Above)
		}
		if k.Choices != nil {
			bad = append(bad, "other")
		}
		for _, value := range good {
			if err := loadKey(key, value); err != nil {
				t.Errorf("%s is good on the page: %v", value, err)
			}
		}
		for _, value := range bad {
			if err := loadKey(key, value); err == nil || !strings.Contains(err.Error(), key) {
				t.Errorf("%s: %s is not good on the page: %v", key, value, err)
			}
		}
		tried += len(good)
	})
	if tried < 20 {
		t.Errorf("only %d values were tried", tried)
	}
}

// shift returns the next value below or above another one.
func shift(t *testing.T, key, value string, by int) string {
	t.Helper()
	switch types[key] {
	case durationType:
		d, err := model.ParseDuration(value)
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		return (d + model.Duration(by)*model.Duration(time.Millisecond)).String()
	case sizeType:
		return strconv.Itoa(by) + "B" // of 0B
	case reflect.TypeFor[float64](), amountType:
		return fmt.Sprintf("%d.01", by)
	default:
		n, err := strconv.Atoi(value)
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		return strconv.Itoa(n + by)
	}
}

// An item of a list is good without any of its optional keys, and not without any of the others.
func TestRequiredKeys(t *testing.T) {
	tried := 0
	for _, section := range readSource(t).Keys {
		if !isList(section.Name) {
			continue
		}
		var example map[string][]map[string]any
		if err := yaml.Unmarshal([]byte(section.Example), &example); err != nil {
			t.Fatalf("%s: %v", section.Name, err)
		}
		for _, item := range example[section.Name] {
			for _, k := range section.Keys {
				if item[k.Name] != nil {
					tried++
					tryWithout(t, section.Name, item, k)
				}
			}
		}
	}
	if tried < 30 {
		t.Errorf("only %d keys were left out", tried)
	}
}

// tryWithout loads a configuration with an item of a list that lacks a key.
func tryWithout(t *testing.T, list string, item map[string]any, lacking key) {
	t.Helper()
	item = maps.Clone(item)
	delete(item, lacking.Name)
	text, err := yaml.Marshal(map[string]any{list: []any{item}})
	if err != nil {
		t.Fatal(err)
	}
	if err := load(string(text)); (err != nil) != (lacking.Required || lacking.Or != "") {
		t.Errorf("%s without %s: %v", list, lacking.Name, err)
	}
}

var blocks = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// What the pages show is a good configuration.
func TestExamplesOnThePages(t *testing.T) {
	for _, l := range languages {
		page := "docs/configuration" + l.suffix + ".md"
		found := blocks.FindAllStringSubmatch(readTree(t, page), -1)
		for _, block := range found {
			if err := load(block[1]); err != nil {
				t.Errorf("%s: %v in\n%s", page, err, block[1])
			}
		}
		if len(found) < 5 {
			t.Errorf("%s: only %d examples", page, len(found))
		}
	}
}

var family = regexp.MustCompile(`\bksyun_bill_\w+\*?`)

// The metrics that the pages name are those of docs/metrics.md. A name with a star stands for several.
func TestMetricsExist(t *testing.T) {
	known := readTree(t, "docs/metrics.md")
	for _, l := range languages {
		for _, name := range family.FindAllString(readTree(t, "docs/configuration"+l.suffix+".md"), -1) {
			pattern := regexp.MustCompile(`\b` + strings.Replace(name, "*", `\w+`, 1) + `\b`)
			if name != "ksyun_bill_exporter" && !pattern.MatchString(known) {
				t.Errorf("docs/metrics.md does not have %s", name)
			}
		}
	}
}

// A flag without Chinese is in both files all the same, and the error names it, and what is there no longer.
func TestUntranslated(t *testing.T) {
	commands := []Command{{Flags: []Flag{{Name: "new", Value: "N", Default: "1", About: Text{English: "A new one."}}}}}
	files, err := Files(commands)
	untranslated, ok := errors.AsType[*UntranslatedError](err)
	if !ok || len(untranslated.Lacking) != 1 || untranslated.Lacking[0] != "--new" || len(untranslated.Stale) < 20 {
		t.Errorf("error %v", err)
	}
	for _, l := range languages {
		const want = "| `--new=N` | `1` | A new one. |"
		if !strings.Contains(files["docs/configuration"+l.suffix+".md"], want) {
			t.Errorf("docs/configuration%s.md does not have %s", l.suffix, want)
		}
	}
}
