package collector

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
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
	billclient.ListProductGroups:            "product_groups",
	billclient.QueryProductConsume:          "product_consume",
	billclient.QueryProjectConsume:          "project_consume",
	billclient.QueryCashWalletAction:        "cash_wallet",
	billclient.QueryInstances:               "prepaid_instances",
	billclient.QueryInstanceConsume:         "instance_consume",
	billclient.DescribeCostBill:             "cost_bill",
	billclient.DescribeInstanceSummaryBills: "instance_summary",
}

// fault is what an action meets, and what comes of it.
type fault struct {
	name    string
	fault   billsim.Fault
	reason  billclient.Reason
	says    string
	refused bool          // the connection is
	longest time.Duration // that an answer may take; 0: as long as usual
}

// Every action meets every fault: no number of the account moves, the failure is counted under its reason and said,
// with action, code and request id, the other account and the other sources go on, and the next good answer heals it.
func TestEveryActionMeetsEveryFault(t *testing.T) {
	skipIfShort(t)
	api := func(status int, code string) billsim.Fault {
		return billsim.Refuse(billsim.JSONError, status, code, "no")
	}
	bare := func(name string, f billsim.Fault, reason billclient.Reason, says string) fault {
		return fault{name: name, fault: f, reason: reason, says: says}
	}
	json := func(body string) billsim.Fault { return billsim.Raw(200, "application/json", body) }
	all := []fault{
		bare("500", api(500, "Server unavailable"), billclient.Server, "Server unavailable (HTTP 500, request id "),
		bare("503 with Retry-After", billsim.Busy(503, time.Second), billclient.Server, "(HTTP 503, request id "),
		bare("429", billsim.Busy(429, time.Second), billclient.Throttled, "Throttling (HTTP 429, request id "),
		bare("throttling under 400", api(400, "RequestLimitExceeded"), billclient.Throttled,
			"RequestLimitExceeded (HTTP 400, request id "),
		bare("no permission", api(400, "Forbidden Request"), billclient.Auth,
			"Forbidden Request (HTTP 400, request id "),
		bare("invalid parameter", api(400, "InvalidParameter"), billclient.Invalid,
			"InvalidParameter (HTTP 400, request id "),
		bare("wrong signature", api(403, "SignatureDoesNotMatch"), billclient.Auth,
			"SignatureDoesNotMatch (HTTP 403, request id "),
		bare("unknown key", api(403, "InvalidClientTokenId"), billclient.Auth,
			"InvalidClientTokenId (HTTP 403, request id "),
		bare("HTML under 502", billsim.Page(502), billclient.Server, "(HTTP 502)"),
		bare("HTML under 200", billsim.Page(200), billclient.Decode, "HTML in place of an answer"),
		bare("an error under 200", api(200, "Server unavailable"), billclient.Server,
			"Server unavailable (HTTP 200, request id "),
		bare("an error under 200 in XML", billsim.Refuse(billsim.XMLError, 200, "Server unavailable", "no"),
			billclient.Server, "Server unavailable (HTTP 200, request id "),
		bare("an empty body", json(""), billclient.Incomplete, "(HTTP 200)"),
		bare("malformed JSON", json(`{"a": [}`), billclient.Decode, "(HTTP 200)"),
		bare("a redirect", billsim.Redirect("https://elsewhere.example"), billclient.Decode, "which is not followed"),
		bare("no answer", billsim.Never(), billclient.Timeout, "no byte for 1m0s (api.timeout)"),
		bare("cut gzip", billsim.Fault{Gzip: true, End: billsim.Cut, AfterBytes: 100}, billclient.Incomplete,
			"(HTTP 200"),
		bare("no gzip", billsim.Fault{Header: http.Header{"Content-Encoding": {"gzip"}}}, billclient.Decode, "gzip: "),
		{
			name: "a drip", fault: billsim.Fault{Drip: time.Second}, longest: 30 * time.Second,
			reason: billclient.Timeout, says: "answer took longer than 30s (api.max_duration)",
		},
		{name: "a refused connection", refused: true, reason: billclient.Network, says: "connection refused"},
	}
	lines := []fault{
		bare("no amount", billsim.BadAmount(1, "12,00"), billclient.Decode, "Cost: amount "),
		bare("another month", billsim.WrongMonth(1, "2026-01"), billclient.Decode, "BillMonth"),
		bare("cut", billsim.Break(billsim.Cut, 1), billclient.Incomplete, "(HTTP 200"),
		bare("dropped", billsim.Break(billsim.Drop, 1), billclient.Incomplete, "(HTTP 200"),
		bare("reset", billsim.Break(billsim.Reset, 1), billclient.Incomplete, "(HTTP 200"),
		bare("stalled", billsim.Break(billsim.Stall, 1), billclient.Timeout, "no byte for 1m0s (api.timeout)"),
	}
	pages := []fault{
		bare("another total", billsim.ChangedTotal(0, 1), billclient.Incomplete, "the pages do not add up"),
		bare("a page missing", billsim.MissingPage(0), billclient.Incomplete, "the pages do not add up"),
	}
	for action := range sourceOf {
		faults := all
		switch action {
		case billclient.GetPostpayDetailBill:
			faults = slices.Concat(all, lines)
		case billclient.GetPostpayDetailConsume:
			faults = slices.Concat(all, lines, pages)
		}
		for _, f := range faults {
			t.Run(action+" "+f.name, func(t *testing.T) {
				t.Parallel() // each has a clock of its own
				synctest.Test(t, func(t *testing.T) { strike(t, action, f) })
			})
		}
	}
}

// duelInterval is short, for every minute that is simulated takes its time.
const duelInterval = 20 * time.Minute

// duel is two accounts of which the first is to meet a fault.
type duel struct {
	*world
	struck, other *customer
	action        string
}

func newDuel(t *testing.T, action string, longest time.Duration) *duel {
	d := &duel{struck: newCustomer("1"), other: newCustomer("2"), action: action}
	var accounts []Account
	for i, c := range []*customer{d.struck, d.other} {
		c.cost(1)
		account := complete(c)
		c.own()
		account.Name = []string{"struck", "other"}[i]
		account.API.PayEndpoint, account.API.TradeEndpoint = account.API.Endpoint, account.API.Endpoint
		account.API.RequestsPerSecond = 100 // a page has the answers of a whole refresh
		if longest > 0 {
			account.API.MaxDuration = longest
		}
		accounts = append(accounts, account)
	}
	o := purseOptions(accounts...)
	o.Refresh.Interval, o.Refresh.DetailsInterval, o.Refresh.DetailsMaxAge = duelInterval, time.Minute, 10*time.Minute
	o.Days, o.Months.Past, o.Prepaid.Months = 2, 1, 1
	d.world = start(t, october(15), o, d.struck.Account, d.other.Account)
	return d
}

// of returns the cost samples of an account, what it has left, and what ends.
func (d *duel) of(account string) []string {
	isOther := func(sample string) bool { return !strings.Contains(sample, `{account="`+account+`",`) }
	return append(d.world.of(account), slices.DeleteFunc(d.scrape(balanceFamily, expiryFamily, expiringFamily), isOther)...)
}

// own lets the customer have a yuan and a prepaid instance, or as many times as much as everything costs.
func (c *customer) own() {
	prepaid := c.Prepaid
	c.Wallet = func() billsim.Wallet { return billsim.Wallet{Available: billsim.Amount(c.times.Load()) * billsim.Yuan} }
	c.Prepaid = func(month string) []billsim.Purchase {
		all := prepaid(month)
		for i := range c.times.Load() {
			p := boughtUntil(fmt.Sprintf("kec-%d", i), "2026-10-20 23:59:59")
			p.Cost = 0
			if month == "2026-10" {
				all = append(all, p)
			}
		}
		return all
	}
}

// cost lets everything cost so many times as much.
func (c *customer) cost(times int64) {
	c.times.Store(times)
	c.bill("2026-09", server("kec-1", 300*times), server("kec-2", 600*times))
	c.consume("2026-10", 14, on("2026-10-14", server("kec-1", 200*times)), on("2026-10-13", server("kec-1", 100*times)))
}

// meet lets the first account's action meet a fault, until mended.
func (d *duel) meet(f fault) (mend func()) {
	if !f.refused {
		f.fault.Action, f.fault.AccessKeyID = d.action, d.struck.AccessKeyID
		return d.api.Fault(f.fault)
	}
	refuses := func(r *http.Request) bool {
		return r.URL.Query().Get("Action") == d.action &&
			strings.Contains(r.Header.Get("Authorization"), "="+d.struck.AccessKeyID+"/")
	}
	d.wire.refuses.Store(&refuses)
	return func() { d.wire.refuses.Store(nil) }
}

// strike lets an action of one of two accounts meet a fault, at a tick at which everything is asked.
func strike(t *testing.T, action string, f fault) {
	d := newDuel(t, action, f.longest)
	before := strings.Join(d.of("struck"), "\n")
	mend := d.meet(f)
	d.log.take()
	d.api.ResetCalls()
	d.other.cost(2)
	d.sleepUntil(laterOf(nextTick("struck", duelInterval, time.Now()), nextTick("other", duelInterval, time.Now())).
		Add(3*time.Minute - 2*time.Second))
	compare(t, d.of("struck"), before)
	d.expectFailures(f)
	d.expectCalls()
	others := d.of("other")
	for _, sample := range []string{
		`ksyun_bill_account_cost_cny{account="other",pay_mode="postpaid"} 6`,
		`ksyun_bill_region_cost_cny{account="other",pay_mode="postpaid",region_name="华北1(北京)"} 6`,
		`ksyun_bill_past_month_account_cost_cny{account="other",pay_mode="postpaid",months_ago="1"} 18`,
	} {
		if !slices.Contains(others, sample) {
			t.Errorf("the other account does not go on: no %s in %q", sample, others)
		}
	}
	mend()
	d.struck.cost(2)
	d.sleep(duelInterval + time.Minute)
	d.expectHealth()
}

var anyRequestID = regexp.MustCompile(`request id ([0-9a-f-]+)`)

// expectFailures looks at what a fault has come to: failures of one source for one reason, each said once.
func (d *duel) expectFailures(f fault) {
	d.t.Helper()
	source := sourceOf[d.action]
	for _, sample := range d.scrape("ksyun_bill_source_up") {
		failed := strings.HasPrefix(sample, fmt.Sprintf(`ksyun_bill_source_up{account="struck",source="%s"}`, source))
		if failed == strings.HasSuffix(sample, "} 1") {
			d.t.Errorf("%s", sample)
		}
	}
	counted, failures := fmt.Sprintf(`{account="struck",reason="%s",source="%s"} `, f.reason, source), 0
	for _, sample := range d.scrape("ksyun_bill_source_refresh_failures_total") {
		_, count, ok := strings.Cut(sample, counted)
		if ok {
			failures, _ = strconv.Atoi(count)
		} else if !strings.HasSuffix(sample, "} 0") {
			d.t.Errorf("%s", sample)
		}
	}
	said, ids := 0, map[string]bool{}
	for line := range strings.Lines(d.log.take()) {
		if !strings.Contains(line, "level=warn ") {
			continue
		}
		said++
		if !strings.Contains(line, " account=struck source="+source+" ") || !strings.Contains(line, d.action) ||
			!strings.Contains(line, "reason="+string(f.reason)+" ") || !strings.Contains(line, f.says) {
			d.t.Errorf("the log says %s", line)
		}
		for _, id := range anyRequestID.FindAllStringSubmatch(line, -1) {
			if ids[id[1]] {
				d.t.Errorf("said twice: %s", line)
			}
			ids[id[1]] = true
		}
	}
	if failures == 0 || said != failures {
		d.t.Errorf("%d failures of %s are said %d times", failures, counted, said)
	}
}

// expectCalls finds that all else of the account was asked.
func (d *duel) expectCalls() {
	d.t.Helper()
	asked := map[string]bool{d.action: true}
	for _, call := range d.api.Calls() {
		if call.AccessKeyID == d.struck.AccessKeyID {
			asked[call.Action] = true
		}
	}
	for action := range sourceOf {
		if !asked[action] {
			d.t.Errorf("%s was not asked", action)
		}
	}
}

// expectHealth finds both accounts the same, and every source working.
func (d *duel) expectHealth() {
	d.t.Helper()
	compare(d.t, d.of("struck"), strings.ReplaceAll(strings.Join(d.of("other"), "\n"), `"other"`, `"struck"`))
	for _, sample := range d.scrape("ksyun_bill_source_up") {
		if !strings.HasSuffix(sample, "} 1") {
			d.t.Errorf("healed: %s", sample)
		}
	}
}

// What is odd but no fault changes nothing: an answer that comes slowly, or packed.
func TestEveryActionMeetsOddAnswers(t *testing.T) {
	for name, odd := range map[string]billsim.Fault{"a drip": {Drip: time.Second}, "gzip": {Gzip: true}} {
		for action := range sourceOf {
			t.Run(action+" "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					d := newDuel(t, action, 0)
					odd := odd
					if sourceOf[action] == "product_consume" || sourceOf[action] == "project_consume" {
						odd.Drip /= 10 // a row of a day is ten times as long
					}
					defer d.meet(fault{fault: odd})()
					d.struck.cost(2)
					d.other.cost(2)
					d.sleep(4 * duelInterval)
					d.expectHealth()
					for _, sample := range d.scrape("ksyun_bill_source_refresh_failures_total") {
						if !strings.HasSuffix(sample, "} 0") {
							t.Error(sample)
						}
					}
				})
			})
		}
	}
}

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
