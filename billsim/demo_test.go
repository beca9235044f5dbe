package billsim

import (
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func linesOf(t *testing.T, a Account, month string) []Line {
	t.Helper()
	bill, ok := a.Bills(month)
	if !ok {
		t.Fatalf("no bill for %s", month)
	}
	return slices.Collect(bill.Lines)
}

var unexported = cmp.AllowUnexported(Line{})

// TestDemoIsDeterministic checks that bills are the same on the same day in Beijing, and closed months on all days.
func TestDemoIsDeterministic(t *testing.T) {
	morning, night := Demo(beijingClock("2026-11-17 00:00:00")), Demo(beijingClock("2026-11-17 23:59:59"))
	later := Demo(beijingClock("2026-11-25 12:00:00"))
	for i, a := range morning {
		for _, month := range []string{"2025-12", "2026-10", "2026-11"} {
			if _, ok := a.Bills(month); !ok {
				continue
			}
			lines := linesOf(t, a, month)
			if diff := cmp.Diff(lines, linesOf(t, night[i], month), unexported); diff != "" {
				t.Errorf("account %d, %s, morning and night:\n%s", i, month, diff)
			}
			if diff := cmp.Diff(lines, linesOf(t, later[i], month), unexported); diff != "" && month != "2026-11" {
				t.Errorf("account %d, %s, a week later:\n%s", i, month, diff)
			}
		}
	}
}

// TestDemoBillDays checks which bills there are, and with which day they end, as time passes in Beijing.
func TestDemoBillDays(t *testing.T) {
	tests := []struct {
		now        string
		shop, game []string // newest month and its last day
	}{
		{"2026-11-17 00:00:00", []string{"2026-11", "2026-11-17"}, []string{"2026-10", "2026-10-31"}},
		{"2026-11-17 23:59:59", []string{"2026-11", "2026-11-17"}, []string{"2026-10", "2026-10-31"}},
		{"2026-11-30 23:59:59", []string{"2026-11", "2026-11-30"}, []string{"2026-10", "2026-10-31"}},
		{"2026-12-01 00:00:00", []string{"2026-12", "2026-12-01"}, []string{"2026-10", "2026-10-31"}},
		{"2026-12-02 23:59:59", []string{"2026-12", "2026-12-02"}, []string{"2026-10", "2026-10-31"}},
		{"2026-12-03 00:00:00", []string{"2026-12", "2026-12-03"}, []string{"2026-11", "2026-11-30"}},
	}
	clock := noon
	accounts := Demo(func() time.Time { return clock }) // as a demo that runs for weeks
	months := []string{"2026-08", "2026-09", "2026-10", "2026-11", "2026-12", "2027-01"}
	for _, tt := range tests {
		clock = beijingClock(tt.now)()
		for i, want := range [][]string{tt.shop, tt.game} {
			if got := newestBill(accounts[i], months); !slices.Equal(got, want) {
				t.Errorf("%s, account %d: %v, want %v", tt.now, i, got, want)
			}
		}
	}
	for _, a := range accounts {
		for month, want := range map[string]bool{"2023-10": false, "2023-11": true, "2025-13": false, "": false} {
			if _, ok := a.Bills(month); ok != want {
				t.Errorf("%s has a bill for %q: %t", a.CustomerID, month, ok)
			}
		}
	}
}

// newestBill returns the last of the months with a bill, and the last day of that bill.
func newestBill(a Account, months []string) []string {
	var newest []string
	for _, month := range months {
		bill, ok := a.Bills(month)
		if !ok {
			continue
		}
		last := ""
		for l := range bill.Lines {
			last = max(last, l.EndTime)
		}
		newest = []string{month, strings.TrimSuffix(last, " 23:59:59")}
	}
	return newest
}

// TestDemoVariety checks that a closed month has everything that is difficult about bills.
func TestDemoVariety(t *testing.T) {
	for _, a := range Demo(noonClock) {
		seen := map[string]int{}
		instances, modes, numbers := map[string]string{}, map[string]bool{}, map[string]bool{}
		var stripped Line
		for _, l := range linesOf(t, a, "2026-10") {
			percent := new(big.Rat)
			percent.SetString(l.Discount)
			if got, want := l.Cost.String(), roundProduct(l.MeasureAmount, percent); got != want {
				t.Errorf("%s of %s is %s, not %s", l.Discount, l.MeasureAmount, got, want)
			}
			if l.StartTime >= l.EndTime {
				t.Errorf("line from %s to %s", l.StartTime, l.EndTime)
			}
			if numbers[l.DetailBillNo] {
				t.Errorf("two lines have number %s", l.DetailBillNo)
			}
			numbers[l.DetailBillNo], modes[l.BillType] = true, true
			if name, ok := instances[l.InstanceID]; ok && name != l.InstanceName {
				seen["renamed"]++
			}
			instances[l.InstanceID] = l.InstanceName
			countOddities(seen, &l)
			stripped = l
		}
		for _, kind := range []string{
			"negative", "zero", "no instance", "tags", "no tags", "mid month", "hours", "renamed", "long",
		} {
			if seen[kind] == 0 {
				t.Errorf("%s: no line is of the kind %q", a.CustomerID, kind)
			}
		}
		if n := len(instances); n < 200 || n > 400 || len(modes) != 4 {
			t.Errorf("%s: %d instances, modes %v", a.CustomerID, n, slices.Collect(maps.Keys(modes)))
		}
		if stripped.CustomerID != a.CustomerID || stripped.BillMonth != "2026-10" {
			t.Errorf("line of %s in %s", stripped.CustomerID, stripped.BillMonth)
		}
	}
}

// roundProduct returns the cost, calculated in another way than Amount does it. FloatString rounds halves away from
// zero.
func roundProduct(list Amount, factor *big.Rat) string {
	product := new(big.Rat).Mul(newRat(list), factor)
	text := product.FloatString(2)
	if text == "-0.00" {
		return "0.00"
	}
	return text
}

// TestDemoSpikeAndGrowth checks that the running bill grows by much more on the day of the spike than on other days,
// and that monthly bills grow a little over a year.
func TestDemoSpikeAndGrowth(t *testing.T) {
	clock := noon
	accounts := Demo(func() time.Time { return clock })
	daily := map[string]Amount{}
	var before Amount
	for n := 2; n <= 17; n++ { // today; the bill ends with it
		clock = time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC)
		bill, _ := accounts[0].Bills("2026-11")
		total := bill.Sums().ByProduct["EIP"]
		daily[dayOf(clock).date().Format(time.DateOnly)] = total - before
		before = total
	}
	delete(daily, "2026-11-02") // two days
	for day, cost := range daily {
		if spike := cost > 2000*Yuan; spike != (day == "2026-11-15") {
			t.Errorf("%s costs %s", day, cost)
		}
	}
	for _, a := range accounts {
		old, recent := billTotal(a, "2025-10"), billTotal(a, "2026-10")
		if recent < old*103/100 || recent > old*150/100 {
			t.Errorf("%s: a month went from %s to %s in a year", a.CustomerID, old, recent)
		}
	}
}

func billTotal(a Account, month string) Amount {
	bill, _ := a.Bills(month)
	return bill.Sums().Total
}

// TestDemoOverHTTP adds up the lines that a client gets and compares the sums with summary and Sums.
func TestDemoOverHTTP(t *testing.T) {
	a := Demo(noonClock)[0]
	a.AccessKeyID, a.SecretAccessKey = "AKSAMPLE", "secret"
	_, c := serve(t, a)
	const months = "&Version=2018-06-01&BillStartMonth=2026-10&BillEndMonth=2026-10"
	_, body := c.get("Action=GetPostpayDetailBill" + months)
	got := newRatSums()
	for _, item := range decodeJSON(t, []byte(body)).(map[string]any)["PostpayDetailBillSet"].([]any) {
		l := item.(map[string]any)
		cost, _ := new(big.Rat).SetString(l["Cost"].(string))
		got.add(l["ProductCode"].(string), l["ProjectId"].(string), cost)
	}
	_, body = c.get("Action=GetMonthBill" + months)
	if diff := cmp.Diff(got.texts(), summaryTexts(t, body)); diff != "" {
		t.Errorf("lines and summary differ:\n%s", diff)
	}
	bill, _ := a.Bills("2026-10")
	if diff := cmp.Diff(got.texts(), sumsTexts(bill.Sums())); diff != "" {
		t.Errorf("lines and Sums differ:\n%s", diff)
	}
}

func summaryTexts(t *testing.T, body string) map[string]string {
	t.Helper()
	month := decodeJSON(t, []byte(body)).(map[string]any)["MonthBillSet"].([]any)[0].(map[string]any)
	texts := map[string]string{"": formatNumber(month["Sum"])}
	for _, p := range month["BillProductSet"].([]any) {
		p := p.(map[string]any)
		texts[p["Code"].(string)] = formatNumber(p["Cost"])
	}
	for _, project := range month["BillProjectSet"].([]any) {
		project := project.(map[string]any)
		id := "/" + project["Id"].(interface{ String() string }).String()
		texts[id] = formatNumber(project["Cost"])
		for _, p := range project["Details"].([]any) {
			p := p.(map[string]any)
			texts[p["Code"].(string)+id] = formatNumber(p["Cost"])
		}
	}
	return texts
}

func sumsTexts(s Sums) map[string]string {
	texts := map[string]string{"": newRat(s.Total).FloatString(8)}
	for code, sum := range s.ByProduct {
		texts[code] = newRat(sum).FloatString(8)
	}
	for id, sum := range s.ByProject {
		texts["/"+id] = newRat(sum).FloatString(8)
	}
	for key, sum := range s.ByProjectProduct {
		texts[key.ProductCode+"/"+key.ProjectID] = newRat(sum).FloatString(8)
	}
	return texts
}
