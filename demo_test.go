package main

import (
	"strings"
	"testing"
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
	want := `msg=open page=http://127.0.0.1:0/ metrics=http://127.0.0.1:0/metrics`
	if log := r.Log.String(); !strings.Contains(log, want) {
		t.Errorf("the log does not say what to open:\n%s", log)
	}
}
