package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBadYAML(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no YAML", "accounts: [", "FILE:1: [ is not closed"},
		{"not a mapping", "- a", "FILE: want keys with values, have a list"},
		{"unknown key", goodFile + "refresh:\n  intervall: 1h", "FILE:6: refresh.intervall: unknown key; did you mean refresh.interval?"},
		{"key of two lines", goodFile + "\"n\\nid\": 1", "FILE:5: n?id: unknown key"},
		{
			"secret of another kind", "accounts: [{name: a, access_key_id: b, secret_access_key: !!int s3cret}]",
			"FILE:1: accounts[0].secret_access_key: want a text, have !!int",
		},
		{"key twice", goodFile + "months: {past: 1, past: 2}", "FILE:5: months.past: given twice"},
		{
			"no duration", goodFile + "refresh: {interval: soon}",
			`FILE:5: refresh.interval: "soon" is not a duration such as 90s, 1h or 3d`,
		},
		{"no number", goodFile + "months: {past: three}", `FILE:5: months.past: "three" is not a whole number`},
		{"no bool", goodFile + "instances: {enabled: 3}", `FILE:5: instances.enabled: "3" is not true or false`},
		{
			"no float", goodFile + "api: {requests_per_second: x}",
			`FILE:5: api.requests_per_second: "x" is not a number`,
		},
		{
			"no size", goodFile + "api: {max_body: 8 parsecs}",
			`FILE:5: api.max_body: units: unknown unit  parsecs in 8 parsecs`,
		},
		{
			"no amount", goodFile + "instances: {min_cost: cheap}",
			`FILE:5: instances.min_cost: amount "cheap": not a decimal number`,
		},
		{
			"no list", goodFile + "instances: {promote: zone_name}",
			`FILE:5: instances.promote: want a list, have a single value`,
		},
		{"no value", goodFile + "api: {region: [a]}", "FILE:5: api.region: want a single value, have a list"},
		{
			"secret in the wrong place", "s3cret\n", "FILE: want keys with values, have a single value",
		},
		{"two documents", goodFile + "---\nmonths: {past: 1}", "FILE: want one YAML document"},
		{
			"all at once, in order", "months: {past: -1}\nrefresh: {interval: x}\nfoo: 1\naccounts: []",
			"FILE:1: months.past: want 0 to 24\n" +
				`FILE:2: refresh.interval: "x" is not a duration such as 90s, 1h or 3d` + "\n" +
				"FILE:3: foo: unknown key\n" +
				"FILE:4: accounts: want at least one account",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, loadingError(t, c.text)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// Keys of other mappings can be merged in: what a mapping has itself wins, then the first of several.
func TestMerge(t *testing.T) {
	const text = `accounts:
  - &first {name: a, access_key_id: b, secret_access_key: c, customer_id: "1"}
  - {<<: *first, name: d, access_key_id: e}
refresh: &slow {interval: 2h, concurrency: 3}
months:
  <<: [{past: 5}, {past: 6, running: bill}]
`
	out := Default()
	d := decodeYAML("FILE", []byte(text), &out)
	if err := d.joinMistakes(); err != nil {
		t.Fatal(err)
	}
	second := out.Accounts[1]
	if second.Name != "d" || second.AccessKeyID != "e" || second.SecretAccessKey != "c" || second.CustomerID != "1" {
		t.Errorf("merged %q", []string{second.Name, second.AccessKeyID, second.CustomerID})
	}
	if out.Months.Past != 5 || out.Months.Running != "bill" {
		t.Errorf("months %+v", out.Months)
	}
}

// What is merged in is held to the same rules, and cannot be without end.
func TestBadMerge(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "months: {<<: {passed: 1}}", "FILE:1: months.passed: unknown key"},
		{"no mapping", "months: {<<: 3}", "FILE:1: months: << wants keys with values, have a single value"},
		{"of itself", "months: &m {past: 1, <<: *m}", "FILE:1: months: << is nested too deeply"},
	} {
		out := Default()
		err := decodeYAML("FILE", []byte(c.text), &out).joinMistakes()
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}
