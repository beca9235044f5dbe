package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What fails only once the program runs is a mistake where keys are read, too, and none before.
func TestStrictMistakes(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "no directory")
	for _, c := range []struct{ name, text, want string }{
		{"good", goodFile + "state_dir: DIR/new/state", ""},
		{"state in a file", goodFile + "state_dir: DIR/file", "FILE:5: state_dir: DIR/file is not a directory"},
		{
			"state below a file", goodFile + "state_dir: DIR/file/state",
			"FILE:5: state_dir: stat DIR/file/state: not a directory",
		},
		{
			"few calls", goodFile + "refresh: {interval: 1h}\napi: {daily_calls: 181}",
			"FILE:6: api.daily_calls: a day of refreshes needs at least 182 calls an account, and api.daily_calls allows 181",
		},
		{"enough calls", goodFile + "api: {daily_calls: 182}", ""},
		{"no limit", goodFile + "api: {daily_calls: 0, requests_per_second: 100}\nrefresh: {interval: 1s}", ""},
		{
			"slow", goodFile + "api: {daily_calls: 0, requests_per_second: 0.002}",
			"FILE:5: api.requests_per_second: a day of refreshes needs at least 182 calls an account, and" +
				" api.requests_per_second allows 173",
		},
		{
			"often", goodFile + "refresh: {interval: 30s}",
			"FILE:5: refresh.interval: a day of refreshes needs at least 20174 calls an account, and api.daily_calls allows" +
				" 5000",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "config.yaml")
			write(t, file, strings.ReplaceAll(c.text, "DIR", dir))
			if _, err := Load(file, noEnvironment); err != nil {
				t.Errorf("without keys: %v", err)
			}
			_, err := LoadWithKeys(file, noEnvironment)
			got := strings.NewReplacer(file, "FILE", dir, "DIR").Replace(errorText(err))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d entries stay in the directory, %v", len(entries), err)
	}
}

// What is left of a template is a mistake in any key, and no secret is shown.
func TestVariables(t *testing.T) {
	const text = "accounts: [{name: '${NAME}', access_key_id: '${ID}', secret_access_key: 's3cret-${KEY}'}]\n" +
		"api: {region: $REGION, timeout: '${TIMEOUT}'}\n"
	const want = "FILE:1: accounts[0].name: has ${...} in it, and no variable takes its place\n" +
		"FILE:1: accounts[0].access_key_id: has ${...} in it, and no variable takes its place; access_key_id_file reads it" +
		" from a file\n" +
		"FILE:1: accounts[0].secret_access_key: has ${...} in it, and no variable takes its place; secret_access_key_file" +
		" reads it from a file\n" +
		"FILE:2: api.timeout: has ${...} in it, and no variable takes its place"
	if diff := cmp.Diff(want, loadingError(t, text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The first round takes as long as the calls of the accounts that wait for each other.
func TestMeaningOfTheFirstRound(t *testing.T) {
	c := Default()
	c.Accounts = make([]Account, 300)
	const want = "\nfirst round: 17 calls an account for summaries, with api.requests_per_second at least 8s; 38s for" +
		" all accounts, 64 at once; lines come after that, of refresh.concurrency (8) accounts at once\n"
	if got := Meaning(c); !strings.Contains(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}
