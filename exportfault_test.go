package main

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billsim"
)

// Whatever the vendor's CSV meets: the file stays as it was, the failure is said once, with action, code and request
// id, and the next good answer is written whole. Only a file that ends between two lines looks whole to its end: that
// it lacks some, the bill's sum tells.
func TestExportMeetsEveryFault(t *testing.T) {
	api := func(status int, code string) billsim.Fault {
		return billsim.Refuse(billsim.JSONError, status, code, "no")
	}
	const elsewhere = `; --source=lines does without the vendor's file"`
	twoLines := billsim.Fault{Edit: func(_ int, l *billsim.Line) { l.InstanceName = "two\nlines" }}
	gzipped := billsim.Fault{Gzip: true, End: billsim.Cut, AfterBytes: 100}
	for _, c := range []struct {
		name  string
		fault billsim.Fault
		says  string
	}{
		{"500", api(500, "Server unavailable"), ": Server unavailable (HTTP 500, request id REQUEST): no"},
		{"503", billsim.Busy(503, time.Second), ": Server unavailable (HTTP 503, request id REQUEST): Server error"},
		{"429", billsim.Busy(429, time.Second), ": Throttling (HTTP 429, request id REQUEST): "},
		{"throttling under 400", api(400, "RequestLimitExceeded"), ": RequestLimitExceeded (HTTP 400, request id "},
		{"no permission", api(400, "Forbidden Request"), "grant bill:GetPostpayDetailBillCSV to this key" + elsewhere},
		{"no such action", api(404, "INVALID_ACTION"), "(HTTP 404, request id REQUEST): no" + elsewhere},
		{"invalid parameter", api(400, "InvalidParameter"), ": InvalidParameter (HTTP 400, request id REQUEST): no"},
		{"wrong signature", api(403, "SignatureDoesNotMatch"), ": SignatureDoesNotMatch (HTTP 403, request id REQUEST"},
		{"unknown key", api(403, "InvalidClientTokenId"), ": InvalidClientTokenId (HTTP 403, request id REQUEST): no"},
		{"HTML under 502", billsim.Page(502), " (HTTP 502): "},
		{"HTML under 200", billsim.Page(200), " (HTTP 200): no CSV file: <html>"},
		{"an error under 200", api(200, "Server unavailable"), ": Server unavailable (HTTP 200, request id REQUEST"},
		{
			"an error under 200 in XML", billsim.Refuse(billsim.XMLError, 200, "Server unavailable", "no"),
			": Server unavailable (HTTP 200, request id REQUEST): no",
		},
		{"an empty body", billsim.Raw(200, "text/csv", ""), " (HTTP 200): answer is empty"},
		{"no CSV", billsim.Raw(200, "text/csv", "a,b\n1,2\n"), " (HTTP 200): "},
		{"a redirect", billsim.Redirect("https://elsewhere.example"), "which is not followed"},
		{"no answer", billsim.Never(), "no byte for 1m0s (api.timeout)"},
		{"a drip", billsim.Fault{Drip: time.Second}, "answer took longer than 2m0s (api.max_duration)"},
		{"no amount", billsim.BadAmount(2, "12,00"), " (HTTP 200): line 2"},
		{"a name of two lines", twoLines, ": a text over several lines in column 7" + elsewhere},
		{"another month", billsim.WrongMonth(2, "2026-01"), " (HTTP 200): line 2"},
		{"cut in a line", billsim.Fault{End: billsim.Cut, AfterBytes: 400}, " (HTTP 200): "},
		{"dropped", billsim.Break(billsim.Drop, 1), " (HTTP 200): "},
		{"reset", billsim.Break(billsim.Reset, 1), " (HTTP 200): "},
		{"stalled", billsim.Break(billsim.Stall, 1), "no byte for 1m0s (api.timeout)"},
		{"cut gzip", gzipped, " (HTTP 200): "},
		{"cut between lines", billsim.Break(billsim.Cut, 1), "all is written, but to DIR/bill.unreconciled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				lines := october()
				lines[0].RuleRemark, lines[0].InstanceName = "", "order-api" // the vendor's file quotes nothing
				bills, dir := biller(billOf(lines...)), t.TempDir()
				config := oneAccount + "api: {max_retries: 0, max_duration: 2m}\n"
				export := func() outcomeOf {
					return runCommand(t.Context(), t, bills, dir, config, "export", "--month=2026-10", "--source=csv",
						"--output=DIR/bill")
				}
				write(t, filepath.Join(dir, "bill"), "that of September")
				c.fault.Action = "GetPostpayDetailBillCSV"
				mend := bills.Fault(c.fault)
				got := export()
				disagrees := strings.HasPrefix(c.says, "all is written")
				_, beside := got.files["bill.unreconciled"]
				if got.files["bill"] != "that of September" || beside != disagrees {
					t.Errorf("files: %q", got.files)
				}
				if got.code != 1 && !disagrees || got.code != 3 && disagrees || strings.Count(got.log, "\n") != 1 ||
					!strings.Contains(got.log, c.says) {
					t.Errorf("want %s in\n%s", c.says, got)
				}
				if said := strings.Count(got.log, "GetPostpayDetailBillCSV"); said == 0 && !disagrees {
					t.Errorf("the action is not named:\n%s", got.log)
				}
				mend()
				if got = export(); got.code != 0 || strings.Count(got.files["bill"], "\n") != 4 {
					t.Errorf("mended: %s%q", got, got.files)
				}
			})
		})
	}
}
