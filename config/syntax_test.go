package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A text that is no YAML is an error with the line to change, and says what is wrong there.
func TestSyntax(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"days: 1\nmonths: {past: 1\ndays: 3\n\nbudgets: [\n", "FILE:2: { is not closed"},
		{"accounts:\n  - {name: a\n  - {name: b}\ndays: 3\n", "FILE:2: { is not closed"},
		{"days: [1, 2}\n", "FILE:1: } does not close the [ of line 1"},
		{"a: 1\nmonths: {past: 1}}\n", "FILE:2: } closes nothing"},
		{"a: it's [x\nmonths: {past: 1, # {\nb: 1\n", "FILE:2: { is not closed"},
		{"a: |\n  [ text\n\n  {\nb: {c: 1\n", "FILE:5: { is not closed"},
		{"a: 'it''s ['\nb: \"\\\"[\"\nc: &x [\n", "FILE:3: [ is not closed"},
		{"a: 1\nb: 'x\nc: 1\n", "FILE:2: ' is not closed"},
		{"a: 1\n\tb: 2\n", "FILE:2: yaml: found a tab character that violates indentation"},
		{"a: x: y\n", "FILE:1: yaml: mapping values are not allowed in this context"},
		{"a: @x\n", "FILE:1: yaml: found character that cannot start any token"},
		{"a: 1\nb\nc: 2\n", "FILE:2: yaml: could not find expected ':'"},
		{"a:\n  b: 1\n c: 2\n", "FILE:3: yaml: did not find expected key"},
		{"days: *x\n", "FILE: yaml: unknown anchor 'x' referenced"},
		{"days: 1\n# \xbd\xf0\xc9\xbd\n", "FILE:2: is not UTF-8, but perhaps GBK: save the file as UTF-8"},
		{"d\x00a\x00", "FILE:1: is UTF-16 without its mark: save the file as UTF-8"},
		{"days: 1\nb: \x01", "FILE:2: has the control character U+0001"},
	} {
		if diff := cmp.Diff(c.want, loadingError(t, c.text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.text, diff)
		}
	}
}

// A text with brackets, quotes and comments wherever YAML has them has no mistake for the scanner.
func TestBrackets(t *testing.T) {
	const text = "a: [1, {b: c}, 'd]', \"e}\"] # [\nb: x[ ]y }\n- [a]\n\"c\": {d: !!str e, f: &g h}\n" +
		"i: >-\n\n   [\n {\nj: it's\n? {k: l}\n: |\n  [\n"
	s := bracketScanner{text: []byte(text), line: 1, mayBegin: true}
	if line, err := s.scan(); err != nil {
		t.Errorf("line %d: %v", line, err)
	}
}

// The key that was meant is named where it is spelled alike, or stands elsewhere.
func TestSuggestion(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"account: []", "account: unknown key; did you mean accounts?"},
		{"accounts: [{access_key: x}]", "accounts[0].access_key: unknown key; did you mean accounts[0].access_key_id?"},
		{"refresh: {concurency: 1}", "refresh.concurency: unknown key; did you mean refresh.concurrency?"},
		{"max_series: 5", "max_series: unknown key; did you mean instances.max_series?"},
		{"refresh: {max_retries: 5}", "refresh.max_retries: unknown key; did you mean api.max_retries?"},
		{"api: {customer_id: 5}", "api.customer_id: unknown key; did you mean accounts[].customer_id?"},
		{"key: 5", "key: unknown key; did you mean instances.tags[].key?"},
		{"foo: 5", "foo: unknown key"},
		{"months: {name: 5}", "months.name: unknown key; did you mean accounts[].name?"},
		{"label: {account: 5}", "label: unknown key; did you mean instances.tags[].label?"},
		{"months: {account: 5}", "months.account: unknown key"},
	} {
		if got := decodeYAML("FILE", []byte(c.text), &Config{}).joinMistakes(); got == nil ||
			got.Error() != "FILE:1: "+c.want {
			t.Errorf("%s: %v, want %s", c.text, got, c.want)
		}
	}
}
