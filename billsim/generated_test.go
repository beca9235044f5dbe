package billsim

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGenerated checks that lines have the promised size and that months differ in amounts only.
func TestGenerated(t *testing.T) {
	bills := Generated("73400575", 20_000, 4_000, 7)
	october, _ := bills("2026-10")
	var w jsonWriter
	size := 0
	for l := range october.Lines {
		writeLine(&w, &l)
		size += len(w.take())
	}
	if average := size / 20_000; average < 950 || average > 1100 {
		t.Errorf("%d bytes a line", average)
	}
	september, _ := bills("2026-09")
	a, b := october.Sums(), september.Sums()
	counts := []int{
		a.Lines, len(a.ByProduct), len(a.ByProject), len(a.ByRegion), len(a.ByBillingMode), len(a.ByInstance),
	}
	if want := []int{20_000, 8, 12, 6, 4, 4_000}; !slices.Equal(counts, want) {
		t.Errorf("lines, products, projects, regions, modes, instances: %v, want %v", counts, want)
	}
	if a.Total == b.Total || len(b.ByInstance) != len(a.ByInstance) {
		t.Errorf("totals %s and %s, instances %d and %d", a.Total, b.Total, len(a.ByInstance), len(b.ByInstance))
	}
	for key := range a.ByInstance {
		if _, ok := b.ByInstance[key]; !ok {
			t.Errorf("%v is in one month only", key)
		}
	}
	again, _ := Generated("73400575", 20_000, 4_000, 7)("2026-10")
	if got := again.Sums().Total; got != a.Total {
		t.Errorf("the same seed gives %s and %s", a.Total, got)
	}
}

// TestGeneratedConsumption checks that the pages have all lines in order, of the instances of the bill.
func TestGeneratedConsumption(t *testing.T) {
	const instances = 100
	a := accountOf(nil)
	a.Consume = GeneratedConsumption(a.CustomerID, 16, instances, 7)
	c, _ := a.Consume("2026-11")
	var want jsonWriter
	for l := range c.Lines {
		l.daily = true
		writeLine(&want, &l)
	}
	s := New([]Account{a}, WithClock(noonClock))
	var pages []string
	for n := range 4 {
		_, page := askServer(t, s, acceptJSON, fmt.Sprintf("%s&PageSize=500&PageNo=%d", daysQuery, n))
		about := fmt.Sprintf(`"PageNo":%d,"PageSize":500,"Total":1600,"PostpayDetailBillSet":[`, n)
		_, lines, ok := strings.Cut(strings.TrimSuffix(page, "]}"), about)
		if !ok {
			t.Fatalf("page %d: %.200s", n, page)
		}
		pages = append(pages, lines)
	}
	if got := strings.Join(pages, ","); got != string(want.take()) {
		t.Errorf("the pages are not the lines: %.2000s", got)
	}
	s.Fault(RepeatedPage(0))
	if _, page := askServer(t, s, acceptJSON, daysQuery+"&PageSize=500"); !strings.Contains(page, pages[0]) {
		t.Error("there are lines before the first page")
	}
	days := c.ByDay()
	if len(days) != 16 || days[c.EndDate].Lines != instances || c.EndDate != "2026-11-16" {
		t.Errorf("%d days, %d lines on %s", len(days), days[c.EndDate].Lines, c.EndDate)
	}
	bill, _ := Generated(a.CustomerID, instances, instances, 7)("2026-11")
	if diff := cmp.Diff(keys(bill.Sums().ByInstance), keys(days[c.EndDate].ByInstance)); diff != "" {
		t.Errorf("instances of the bill and of a day differ:\n%s", diff)
	}
	_, page := askServer(t, s, acceptJSON, daysQuery+"&ProjectId=0")
	lines := 0
	for l := range c.Lines {
		if l.ProjectID == "0" {
			lines++
		}
	}
	if want := fmt.Sprintf(`"Total":%d,`, lines); !strings.Contains(page, want) {
		t.Errorf("no %s in %s", want, page)
	}
}

func keys(of map[InstanceKey]Amount) map[InstanceKey]bool {
	found := map[InstanceKey]bool{}
	for key := range of {
		found[key] = true
	}
	return found
}

// TestGeneratedConsumptionDays checks that there are no more days than the month has, and no consumption without a day.
func TestGeneratedConsumptionDays(t *testing.T) {
	for _, tt := range []struct {
		month string
		days  int
		end   string
	}{{"2026-02", 31, "2026-02-28"}, {"2026-11", 1, "2026-11-01"}, {"2026-11", 0, ""}, {"2026-13", 5, ""}} {
		c, ok := GeneratedConsumption("73400575", tt.days, 3, 7)(tt.month)
		if lines := c.Sums().Lines; c.EndDate != tt.end || ok != (tt.end != "") || lines != 3*len(c.ByDay()) {
			t.Errorf("%d days of %s: %t, %d lines until %q", tt.days, tt.month, ok, lines, c.EndDate)
		}
	}
}
