package billclient

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// numberIDs has the ids that the API could write, with what they are read as.
var numberIDs = map[string]string{
	"0": "0", "0.0": "0", "0.00": "0", "0e0": "0", "0E5": "0", " 0 ": "0", "": "",
	"103800": "103800", "103800.0": "103800", "1.038E5": "103800", "1.038e+05": "103800", " 103800 ": "103800",
	"1038e2": "103800", "0.1038E6": "103800", "\t1.0380E5\n": "103800", "1e18": "1000000000000000000",
	"9.223372036854775807E18": "9223372036854775807",
	// These could be names.
	"007": "007", "0103800.0": "0103800.0", "1.5": "1.5", "1.0385E3x": "1.0385E3x", "1.03855E3": "1.03855E3",
	"1e19": "1e19", "1e99": "1e99", "1e100": "1e100", "1038e-1": "1038e-1", "-1.0": "-1.0", "+1.0": "+1.0",
	"1.": "1.", ".5e1": ".5e1", "e5": "e5", "1.2.3": "1.2.3", "dev": "dev", "1,038": "1,038",
	"c35d5c4a-06e6-446c-811f-db5380e8627c": "c35d5c4a-06e6-446c-811f-db5380e8627c",
}

// TestProjectIDs tests the ids of projects in lines and in both summaries that have them.
func TestProjectIDs(t *testing.T) {
	for id, want := range numberIDs {
		quoted := strings.NewReplacer("\t", `\t`, "\n", `\n`).Replace(`"` + id + `"`)
		lines, err := readAll(jsonAnswer(goodLine(`,"ProjectId":` + quoted + `,"InstanceId":` + quoted)))
		if err != nil || lines[0].ProjectID != want || lines[0].InstanceID != id {
			t.Errorf("%q: line %+v, error %v, want project %q", id, lines, err, want)
		}
		bill := `{"MonthBillSet":[{"BillMonth":"2026-10","Sum":1,"BillProjectSet":[{"Cost":1,"Id":` + quoted + `}]}]}`
		bills, err := newTestClient(t, respondWith(200, "", bill)).GetMonthBill(t.Context(), october, october)
		if err != nil || bills[0].Projects[0].ID != want {
			t.Errorf("%q: bills %+v, error %v, want project %q", id, bills, err, want)
		}
		summary := `{"Currency":"CNY","RealTotalCost":1,"SummaryOverview":[{"RealTotalCost":1,"BillMonth":"2026-10",` +
			`"ProjectId":` + quoted + `}]}`
		c := newUnionClient(t, respondWith(200, "", summary))
		union, err := c.DescribeBillSummaryByProject(t.Context(), october)
		if err != nil || union.Parts[0].Key != want {
			t.Errorf("%q: summary %+v, error %v, want project %q", id, union, err, want)
		}
	}
}

// TestNumberIDsOfLines tests ids that are numbers in JSON, or cells in CSV.
func TestNumberIDsOfLines(t *testing.T) {
	const rows = "账单月,客户ID,成交价(元),原价(元)\n2026-10,7.3400575E7,1.50,2\n2026-10, 73400575 ,1.50,2\n"
	inJSON, err := readAll(jsonAnswer(
		goodLine(`,"CustomerId":7.3400575E7,"ProjectId":1.038e5`), goodLine(`,"CustomerId":1.0`)))
	if err != nil {
		t.Fatal(err)
	}
	inCSV, err := readAny("text/csv", []byte(rows))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, line := range slices.Concat(inJSON, inCSV) {
		got = append(got, line.CustomerID+" "+line.ProjectID)
	}
	want := []string{"73400575 103800", "1 ", "73400575 ", "73400575 "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("customers and projects (-want +got):\n%s", diff)
	}
}
