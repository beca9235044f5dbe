package collector

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
)

// sourceOf is the source that asks an action.
var sourceOf = map[string]string{
	billclient.GetMonthBill:                 "month_bill",
	billclient.GetMonthConsume:              "month_consume",
	billclient.DescribeBillSummaryByPayMode: "pay_mode_summary",
	billclient.DescribeBillSummaryByProduct: "product_summary",
	billclient.DescribeBillSummaryByProject: "project_summary",
	billclient.GetPostpayDetailConsume:      "detail_consume",
	billclient.GetPostpayDetailBill:         "detail_bill",
}

// Every action meets every fault: no number of the account moves, the failure is counted under its reason and said,
// with action, code and request id, the other account and the other sources go on, and the next good answer heals it.
func TestEveryActionMeetsEveryFault(t *testing.T) {
	api := func(status int, code string) billsim.Fault {
		return billsim.Refuse(billsim.JSONError, status, code, "no")
	}
	type fault struct {
		name   string
		fault  billsim.Fault
		reason billclient.Reason
		says   string
	}
	all := []fault{
		{"500", api(500, "Server unavailable"), billclient.Server, "Server unavailable (HTTP 500, request id "},
		{"503 with Retry-After", billsim.Busy(503, time.Second), billclient.Server, "(HTTP 503, request id "},
		{"429", billsim.Busy(429, time.Second), billclient.Throttled, "Throttling (HTTP 429, request id "},
		{"throttling under 400", api(400, "RequestLimitExceeded"), billclient.Throttled, "RequestLimitExceeded (HTTP"},
		{"no permission", api(400, "Forbidden Request"), billclient.Auth, "Forbidden Request (HTTP 400, request id "},
		{"invalid parameter", api(400, "InvalidParameter"), billclient.Invalid, "InvalidParameter (HTTP 400, "},
		{"wrong signature", api(403, "SignatureDoesNotMatch"), billclient.Auth, "SignatureDoesNotMatch (HTTP 403, "},
		{"unknown key", api(403, "InvalidClientTokenId"), billclient.Auth, "InvalidClientTokenId (HTTP 403, "},
		{"HTML under 502", billsim.Page(502), billclient.Server, "(HTTP 502)"},
		{"HTML under 200", billsim.Page(200), billclient.Decode, "HTML in place of an answer"},
		{"an error under 200", api(200, "Server unavailable"), billclient.Server, "Server unavailable (HTTP 200, "},
		{
			"an error under 200 in XML", billsim.Refuse(billsim.XMLError, 200, "Server unavailable", "no"),
			billclient.Server, "Server unavailable (HTTP 200, ",
		},
		{"an empty body", billsim.Raw(200, "application/json", ""), billclient.Incomplete, "(HTTP 200)"},
		{"malformed JSON", billsim.Raw(200, "application/json", `{"a": [}`), billclient.Decode, "(HTTP 200)"},
		{"a redirect", billsim.Redirect("https://elsewhere.example"), billclient.Decode, "which is not followed"},
		{"no answer", billsim.Never(), billclient.Timeout, "api.timeout"},
	}
	lines := []fault{
		{"no amount", billsim.BadAmount(1, "12,00"), billclient.Decode, "Cost: amount "},
		{"another month", billsim.WrongMonth(1, "2026-01"), billclient.Decode, "BillMonth"},
		{"cut", billsim.Break(billsim.Cut, 1), billclient.Incomplete, "(HTTP 200"},
		{"reset", billsim.Break(billsim.Drop, 1), billclient.Incomplete, "(HTTP 200"},
		{"stalled", billsim.Break(billsim.Stall, 1), billclient.Timeout, "api.timeout"},
	}
	pages := []fault{
		{"another total", billsim.ChangedTotal(0, 1), billclient.Incomplete, "the pages do not add up"},
		{"a page missing", billsim.MissingPage(0), billclient.Incomplete, "the pages do not add up"},
	}
	faults := map[string][]fault{}
	for action := range sourceOf {
		faults[action] = all
	}
	for _, action := range []string{billclient.GetPostpayDetailBill, billclient.GetPostpayDetailConsume} {
		faults[action] = append(lines, all...)
	}
	consume := billclient.GetPostpayDetailConsume
	faults[consume] = append(pages, faults[consume]...)
	for action, faults := range faults {
		for _, f := range faults {
			t.Run(action+" "+f.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { strike(t, action, f.fault, f.reason, f.says) })
			})
		}
	}
}

// strike lets an action of one of two accounts meet a fault, at a tick at which everything is asked.
func strike(t *testing.T, action string, fault billsim.Fault, reason billclient.Reason, says string) {
	struck, other := newCustomer("1"), newCustomer("2")
	var accounts []Account
	for i, c := range []*customer{struck, other} {
		c.bill("2026-09", server("kec-1", 300), server("kec-2", 600))
		c.consume("2026-10", 14, on("2026-10-14", server("kec-1", 200)), on("2026-10-13", server("kec-1", 100)))
		account := complete(c)
		account.Name = []string{"struck", "other"}[i]
		accounts = append(accounts, account)
	}
	o := options(accounts...)
	o.Refresh.DetailsInterval, o.Refresh.DetailsMaxAge = time.Minute, 30*time.Minute
	w := start(t, october(15), o, struck.Account, other.Account)
	before := append(w.of("struck"), w.of("other")...)
	fault.Action, fault.AccessKeyID = action, struck.AccessKeyID
	heal := w.api.Fault(fault)
	w.log.take()
	w.sleepUntil(phase("struck", time.Hour, time.Now()).Add(3*time.Minute - 2*time.Second))
	compare(t, append(w.of("struck"), w.of("other")...), strings.Join(before, "\n"))
	source := sourceOf[action]
	for _, sample := range w.scrape("ksyun_bill_source_up") {
		failed := strings.HasPrefix(sample, fmt.Sprintf(`ksyun_bill_source_up{account="struck",source="%s"}`, source))
		if failed == strings.HasSuffix(sample, "} 1") {
			t.Errorf("%s", sample)
		}
	}
	counted := fmt.Sprintf(`{account="struck",reason="%s",source="%s"} 0`, reason, source)
	for _, sample := range w.scrape("ksyun_bill_source_refresh_failures_total") {
		if strings.HasSuffix(sample, counted) || strings.HasSuffix(sample, "} 0") == strings.Contains(sample,
			strings.TrimSuffix(counted, "0")) {
			t.Errorf("%s", sample)
		}
	}
	var said []string
	for line := range strings.Lines(w.log.take()) {
		if strings.Contains(line, "level=warn account=struck source="+source+" ") {
			said = append(said, line)
		}
	}
	if len(said) == 0 || !strings.Contains(said[0], action) || !strings.Contains(said[0], says) {
		t.Errorf("the log does not say %s of %s: %q", says, action, said)
	}
	heal()
	w.sleep(2*time.Hour + time.Minute)
	compare(t, append(w.of("struck"), w.of("other")...), strings.Join(before, "\n"))
	for _, sample := range w.scrape("ksyun_bill_source_up") {
		if !strings.HasSuffix(sample, "} 1") {
			t.Errorf("healed: %s", sample)
		}
	}
}
