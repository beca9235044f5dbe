package billclient

import (
	"strings"
	"testing"
)

func TestBadCSV(t *testing.T) {
	const header = "账单月,账单ID,成交价(元),原价(元),说明,标签信息,\n"
	tests := []struct {
		name, body string
		reason     Reason
		text       string
	}{
		{"empty", "", Incomplete, "answer is empty"},
		{"JSON error", `{"Error":{"Code":"Throttling","Message":"slow down"}}`, Throttled, "slow down"},
		{
			"XML error", `<R><Error><Code>Throttling</Code><Message>slow down</Message></Error></R>`, Throttled,
			"slow down",
		},
		{"HTML", "<html>log in</html>", Decode, "no CSV file: <html>log in</html>"},
		{"no error", `{"RequestId":"1"}`, Decode, `no CSV file: {"RequestId":"1"}`},
		{"no header", "2026-10,1,1.00,2.00,,,\n", Decode, `header: no column for BillMonth: "2026-10,1,1.00,2.00,,,"`},
		{"no cost", "账单月,原价(元)\n", Decode, `header: no column for Cost: "账单月,原价(元)"`},
		{"no list cost", "账单月,成交价(元)\n", Decode, `header: no column for MeasureAmount: "账单月,成交价(元)"`},
		{
			"bad amount", header + "2026-10,01,free,2.00,,\n", Decode,
			`line 1 (01): Cost: amount "free": not a decimal number`,
		},
		{
			"empty amount", header + "2026-10,01,1.00,2.00,,\n2026-10,02,1.00,,,\n", Decode,
			`line 2 (02): MeasureAmount: amount "": not a decimal number`,
		},
		{
			"other month", header + "2026-09,01,1.00,2.00,,\n", Decode,
			`line 1 (01): BillMonth "2026-09": asked for 2026-10`,
		},
		{"cut row", header + "2026-10,01,1.00,2.00\n", Decode, "line 1: 4 columns: the first line has 4, the header 6"},
		{
			"comma in a name", header + "2026-10,01,1.00,2.00,,\n2026-10,02,1.00,2.00,a,b,\n", Decode,
			"line 2: 7 columns: the first line has 6, the header 6",
		},
		{
			"long row", header + "2026-10,01,1.00,2.00,,,,\n", Decode,
			"line 1: 8 columns: the first line has 8, the header 6",
		},
		{
			"quote that swallows a line", header + "2026-10,01,1.00,2.00,\"a,\n2026-10,02,1.00,2.00,b\",\n", Decode,
			"line 1 (01): a text over several lines in column 5",
		},
		{
			"column twice", "账单月,成交价(元),原价(元),Actual amount (CNY)\n2026-10,1,1,1\n", Decode,
			"line 1: column 4: twice in one object",
		},
		{"endless row", header + strings.Repeat("x", 2<<20), Decode, "line 1: a value is longer than 1MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newTestClient(t, respondWith(200, "text/csv", tt.body))
			_, err := collectLines(c.GetPostpayDetailBillCSV(t.Context(), octoberLines))
			checkError(t, err, tt.reason, tt.text)
		})
	}
}

// TestCSVWithoutRows is a month in which nothing was billed.
func TestCSVWithoutRows(t *testing.T) {
	c := newTestClient(t, respondWith(200, "", "账单月,成交价(元),原价(元)\n"))
	lines, err := collectLines(c.GetPostpayDetailBillCSV(t.Context(), octoberLines))
	if lines != nil || err != nil {
		t.Errorf("lines %v, error %v", lines, err)
	}
}
