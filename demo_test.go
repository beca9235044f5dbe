package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
)

// The demo needs no configuration and shows both kinds of account.
func TestDemo(t *testing.T) {
	r := launch(t, "--demo")
	for _, account := range []string{"shop", "game"} {
		r.AwaitLines(account)
	}
	_, body := r.Get("/metrics")
	for _, want := range []string{
		`ksyun_bill_past_month_account_cost_cny{account="shop",pay_mode="postpaid",months_ago="3"} `,
		`ksyun_bill_past_month_account_cost_cny{account="game",pay_mode="postpaid",months_ago="3"} `,
		`ksyun_bill_past_month_instance_cost_cny{account="game",`,
		`ksyun_bill_account_cost_cny{account="shop",`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
	want := "msg=open page=" + r.URL + "/ metrics=" + r.URL + "/metrics\n"
	if log := r.Log.String(); !strings.Contains(log, want) {
		t.Errorf("the log does not say what to open:\n%s", log)
	}
}

// The commands have the accounts of the demo, too.
func TestDemoOfCommands(t *testing.T) {
	last := billclient.MonthOf(time.Now()).Add(-1).String()
	history := filepath.Join(t.TempDir(), "history")
	for _, tt := range []struct {
		args []string
		want string // in the output
	}{
		{[]string{"check", "--demo", "--account=shop", "--account=game"}, "\nshop: works\ngame: works\n"},
		{[]string{"export", "--demo", "--account=game", "--month=" + last, "--format=table"}, "game: prepaid, realtime"},
		{[]string{"--demo", "backfill", "--from=" + last, "--output=" + history}, ""},
	} {
		var out strings.Builder
		if code := run(t.Context(), tt.args, noEnvironment, &out, io.Discard); code != 0 ||
			!strings.Contains(out.String(), tt.want) {
			t.Errorf("%q: exit code %d, want 0 and %q in\n%s", tt.args, code, tt.want, &out)
		}
	}
	want := `ksyun_bill_month_account_cost_cny{account="shop",pay_mode="prepaid"} `
	if text, err := os.ReadFile(history); err != nil || !strings.Contains(string(text), want) {
		t.Errorf("%v, want %s in\n%.300s", err, want, text)
	}
}
