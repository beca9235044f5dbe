package collector

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
)

const (
	getMonthBill  = "GetMonthBill"
	getDetailBill = "GetPostpayDetailBill"
)

// Whatever the API answers: the last good numbers stay as they are, the failure is counted under its reason, the log
// says what happened, the other account goes on, and the next good answer heals all.
func TestFaults(t *testing.T) {
	api := func(status int, code, message string) billsim.Fault {
		return billsim.Refuse(billsim.JSONError, status, code, message)
	}
	forms := func(name string, form billsim.Form) billsim.Fault {
		return billsim.Fault{Forms: map[string]billsim.Form{name: form}}
	}
	for _, c := range []struct {
		name   string
		action string
		fault  billsim.Fault
		reason billclient.Reason
		log    string // part of the error
	}{
		{
			"no permission, as the billing pages say it", getMonthBill,
			api(400, "Forbidden Request", "user 2000 forbidden request this api"), billclient.Auth,
			"GetMonthBill: Forbidden Request (HTTP 400, request id ID): user 2000 forbidden request this api;" +
				" grant bill:GetMonthBill to this key",
		},
		{
			"no permission, as IAM says it", getDetailBill,
			api(403, "InvalidAuthenticationCode", "lack of policy to [bill:getpostpaydetailbill] the resources[]"),
			billclient.Auth,
			"GetPostpayDetailBill: InvalidAuthenticationCode (HTTP 403, request id ID): lack of policy to" +
				" [bill:getpostpaydetailbill] the resources[]; grant bill:GetPostpayDetailBill to this key",
		},
		{
			"invalid parameter", getDetailBill, api(400, "InvalidParameter", "There is one or more invalid parameter"),
			billclient.Invalid, "GetPostpayDetailBill: InvalidParameter (HTTP 400, request id ID)",
		},
		{
			"unknown action", getMonthBill, api(404, "INVALID_ACTION", "Not Found"), billclient.Invalid,
			"GetMonthBill: INVALID_ACTION (HTTP 404, request id ID): Not Found",
		},
		{
			"server error", getMonthBill, api(500, "Server unavailable", "Server error"), billclient.Server,
			"GetMonthBill: Server unavailable (HTTP 500, request id ID): Server error",
		},
		{"throttled", getMonthBill, billsim.Busy(429, time.Second), billclient.Throttled, "Throttling (HTTP 429"},
		{
			"throttled under 400", getDetailBill, api(400, "RequestLimitExceeded", "slow down"), billclient.Throttled,
			"RequestLimitExceeded (HTTP 400",
		},
		{
			"an error under 200", getDetailBill, api(200, "Server unavailable", "Server error"), billclient.Server,
			"GetPostpayDetailBill: Server unavailable (HTTP 200, request id ID): Server error",
		},
		{
			"an error under 200 in XML", getMonthBill,
			billsim.Refuse(billsim.XMLError, 200, "Server unavailable", "Server error"), billclient.Server,
			"GetMonthBill: Server unavailable (HTTP 200, request id ID): Server error",
		},
		{"a proxy's page", getMonthBill, billsim.Page(502), billclient.Server, "<title>502 Bad Gateway</title>"},
		{
			"a proxy's page under 200", getDetailBill, billsim.Page(200), billclient.Decode,
			"HTML in place of an answer: <html> <head><title>200 OK</title>",
		},
		{
			"a redirect", getMonthBill, billsim.Redirect("https://elsewhere.example"), billclient.Decode,
			`GetMonthBill (HTTP 302): a redirect to \"https://elsewhere.example\", which is not followed`,
		},
		{
			"an empty body", getMonthBill, billsim.Raw(200, "application/json", ""), billclient.Incomplete,
			"GetMonthBill (HTTP 200)",
		},
		{
			"no JSON", getMonthBill, billsim.Raw(200, "application/json", `{"MonthBillSet": [}`), billclient.Decode,
			"GetMonthBill (HTTP 200)",
		},
		{
			"a missing set", getMonthBill, forms("MonthBillSet", billsim.Missing), billclient.Incomplete,
			"answer has no MonthBillSet",
		},
		{
			"a missing set of lines", getDetailBill, forms("PostpayDetailBillSet", billsim.Missing),
			billclient.Incomplete, "answer has no PostpayDetailBillSet",
		},
		{
			"a sum that is not there", getMonthBill, forms("Sum", billsim.Missing), billclient.Decode, "Sum: missing",
		},
		{
			"an amount that is no number", getDetailBill, billsim.BadAmount(2, "12,00"), billclient.Decode,
			`line 2 (1kec-2): Cost: amount \"12,00\": not a decimal number`,
		},
		{
			"an amount that is null", getDetailBill, forms("MeasureAmount", billsim.Null), billclient.Decode,
			`line 1 (1kec-1): MeasureAmount: `,
		},
		{
			"a line of another month", getDetailBill, billsim.WrongMonth(2, "2026-08"), billclient.Decode,
			"line 2 (1kec-2): BillMonth",
		},
		{
			"cut after a line", getDetailBill, billsim.Break(billsim.Cut, 1), billclient.Incomplete,
			"GetPostpayDetailBill (HTTP 200",
		},
		{
			"dropped after a line", getDetailBill, billsim.Break(billsim.Drop, 1), billclient.Incomplete,
			"GetPostpayDetailBill (HTTP 200",
		},
		{"a stall after a line", getDetailBill, billsim.Break(billsim.Stall, 1), billclient.Timeout, "api.timeout"},
		{"no answer", getMonthBill, billsim.Never(), billclient.Timeout, "api.timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { meet(t, c.action, c.fault, c.reason, c.log) })
		})
	}
}

// fromLines leaves out what comes from summaries.
func fromLines(samples []string) []string {
	return slices.DeleteFunc(slices.Clone(samples), func(sample string) bool {
		return !strings.Contains(sample, "_instance_cost") && !strings.Contains(sample, "_list_cost") &&
			!strings.Contains(sample, "_region_cost") && !strings.Contains(sample, "_billing_mode_cost")
	})
}

var requestID = regexp.MustCompile(`request id [0-9a-f-]+`)

// meet lets one of two accounts meet a fault while the bills of both grow.
func meet(t *testing.T, action string, fault billsim.Fault, reason billclient.Reason, text string) {
	struck, other := newCustomer("1"), newCustomer("2")
	bill := func(fen int64) {
		for _, c := range []*customer{struck, other} {
			c.bill("2026-10", server("kec-1", fen), server("kec-2", 2*fen))
			c.bill("2026-09", server("kec-1", 300), server("kec-2", 600))
		}
	}
	bill(100)
	o := options(simulated("struck", struck.Account), simulated("other", other.Account))
	o.Refresh.DetailsInterval = time.Minute
	w := start(t, october(15), o, struck.Account, other.Account)
	before := w.of("struck")

	fault.Action, fault.AccessKeyID = action, struck.AccessKeyID
	heal := w.api.Fault(fault)
	bill(200)
	w.log.take()
	w.sleepUntil(nextTick("struck", time.Hour, time.Now()).Add(2 * time.Minute))
	now := w.of("struck")
	if action == getDetailBill { // the summary has been read; what comes from lines must stand still
		before, now = fromLines(before), fromLines(now)
	}
	compare(t, now, strings.Join(before, "\n"))
	source := map[string]string{getMonthBill: "month_bill", getDetailBill: "detail_bill"}[action]
	failures := fmt.Sprintf(`{account="struck",reason="%s",source="%s"} 0`, reason, source)
	for _, line := range w.scrape("ksyun_bill_source_refresh_failures_total") {
		if strings.HasSuffix(line, failures) {
			t.Errorf("not counted as %s", reason)
		}
	}
	if log := requestID.ReplaceAllString(w.log.take(), "request id ID"); !strings.Contains(log, text) {
		t.Errorf("the log lacks %s:\n%s", text, log)
	}

	w.sleep(time.Hour)
	compare(t, w.scrape("ksyun_bill_account_cost_cny")[1:], `
ksyun_bill_account_cost_cny{account="other",pay_mode="postpaid"} 6`)
	heal()
	w.sleep(time.Hour + time.Minute)
	compare(t, w.of("struck"), strings.ReplaceAll(strings.Join(w.of("other"), "\n"), `"other"`, `"struck"`))
	compare(t, w.scrape("ksyun_bill_account_cost_cny"), `
ksyun_bill_account_cost_cny{account="struck",pay_mode="postpaid"} 6
ksyun_bill_account_cost_cny{account="other",pay_mode="postpaid"} 6`)
}
