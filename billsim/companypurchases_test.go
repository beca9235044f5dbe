package billsim

import (
	"testing"
	"time"
)

// purchasesOfYear returns the purchases of the months from 2025-10 to 2026-11, by month.
func purchasesOfYear(of func(month string) []Purchase) map[string][]Purchase {
	months := map[string][]Purchase{}
	for m := day(20_362); m < 20_788; m = m.monthStart(1) {
		months[m.month()] = of(m.month())
	}
	return months
}

// TestDemoTerms checks that there are purchases for a month, a year and three years, renewals and refunds, that a
// renewal follows the term before it and that a refund is for the rest of a term.
func TestDemoTerms(t *testing.T) {
	for _, a := range Demo(noonClock) {
		bought, ends := map[string]Purchase{}, map[string]string{}
		counts, terms := map[Kind]int{}, map[int]int{}
		for m := day(19_662); m < 20_788; m = m.monthStart(1) { // from the month on in which the demo opens
			for _, p := range a.Prepaid(m.month()) {
				l := p.line(a.CustomerID, m.month())
				counts[p.Kind]++
				switch p.Kind {
				case Charged:
					terms[termMonths(&l)]++
					bought[p.InstanceID] = p
				case Renewed:
					if end := ends[p.InstanceID]; end != "" && nextSecond(t, end) != p.StartTime {
						t.Errorf("%s ends %s and is renewed %s", p.InstanceName, end, p.StartTime)
					}
				case Refunded:
					checkRefund(t, bought[p.InstanceID], p)
				}
				ends[p.InstanceID] = p.EndTime
			}
		}
		if counts[Charged] < 30 || counts[Renewed] < 200 || counts[Refunded] < 3 ||
			terms[1] < 5 || terms[12] < 5 || terms[36] < 5 || len(terms) != 3 {
			t.Errorf("%s: kinds %v, terms %v", a.CustomerID, counts, terms)
		}
	}
}

func nextSecond(t *testing.T, text string) string {
	t.Helper()
	date, err := time.Parse(time.DateTime, text)
	if err != nil {
		t.Fatal(err)
	}
	return date.Add(time.Second).Format(time.DateTime)
}

// checkRefund checks that less than the price is given back, for a term that ends as the one that was bought.
func checkRefund(t *testing.T, bought, back Purchase) {
	t.Helper()
	if back.Cost >= 0 || -back.Cost >= bought.Cost || back.EndTime != bought.EndTime ||
		back.StartTime <= bought.StartTime {
		t.Errorf("%s until %s for %s, of which %s until %s is given back from %s", bought.InstanceName, bought.EndTime,
			bought.Cost, back.Cost, back.EndTime, back.StartTime)
	}
}

// TestDemoHours checks that instances of several hours are there on every day until yesterday.
func TestDemoHours(t *testing.T) {
	for _, a := range Demo(noonClock) {
		days, hours, instances := map[string]int{}, map[int]bool{}, map[string]bool{}
		for _, p := range a.Realtime("2026-11") {
			if p.Cost <= 0 || p.Hours < 1 || p.Hours > 24 || p.List < p.Cost {
				t.Errorf("%+v", p)
			}
			days[p.Day]++
			hours[p.Hours], instances[p.InstanceID] = true, true
		}
		if len(days) != 16 || days["2026-11-17"] > 0 || len(hours) < 10 || len(instances) < 20 {
			t.Errorf("%s: days %v, hours %v, %d instances", a.CustomerID, days, hours, len(instances))
		}
	}
}

// TestDemoPurchasesAreOnce checks that no two purchases have the same number and that ids belong to one product.
func TestDemoPurchasesAreOnce(t *testing.T) {
	for _, a := range Demo(noonClock) {
		numbers, owners := map[string]bool{}, map[string]string{}
		for _, of := range []func(string) []Purchase{a.Prepaid, a.Realtime} {
			for month, all := range purchasesOfYear(of) {
				for _, p := range all {
					l := p.line(a.CustomerID, month)
					owner := p.ProductCode + p.ProjectID + p.InstanceName
					if numbers[l.DetailBillNo] || owners[p.InstanceID] != "" && owners[p.InstanceID] != owner {
						t.Errorf("%s twice, or %s of %s and another", l.DetailBillNo, p.InstanceID, owner)
					}
					numbers[l.DetailBillNo], owners[p.InstanceID] = true, owner
				}
			}
		}
	}
}

// TestDemoGroups checks that a group has one product of the bill, another two, and that one has none.
func TestDemoGroups(t *testing.T) {
	for _, a := range Demo(noonClock) {
		codes := map[string]map[string]bool{}
		add := func(code, name string, isBill bool) {
			g := a.groupOf(code, name).Code
			if codes[g] == nil {
				codes[g] = map[string]bool{}
			}
			if isBill {
				codes[g][code] = true
			}
		}
		bill, _ := a.Bills("2026-10")
		for l := range bill.All() {
			add(l.ProductCode, l.ProductName, true)
		}
		for _, all := range purchasesOfYear(a.Prepaid) {
			for _, p := range all {
				add(p.ProductCode, p.ProductName, false)
			}
		}
		got := [3]int{len(codes["VM_GROUP"]), len(codes["KS3_GROUP"]), len(codes["KIS"])}
		if _, ok := codes["KIS"]; got != [3]int{1, 2, 0} || !ok {
			t.Errorf("%s: %v", a.CustomerID, codes)
		}
	}
}

func TestSplitAmount(t *testing.T) {
	for _, sum := range []Amount{0, Fen, 100 * Yuan, 12345*Fen + 7, -33 * Yuan} {
		for parts := 1; parts < 6; parts++ {
			total := Amount(0)
			for n, part := range splitAmount(sum, parts, 9) {
				total += part
				if n > 0 && part%Fen != 0 || sum > 0 && part < 0 {
					t.Errorf("%s in %d parts: part %d is %s", sum, parts, n, part)
				}
			}
			if total != sum {
				t.Errorf("%s in %d parts comes to %s", sum, parts, total)
			}
		}
	}
}

func TestAddMonths(t *testing.T) {
	for _, tt := range []struct {
		from   string
		months int
		want   string
	}{
		{"2026-01-15", 1, "2026-02-15"},
		{"2026-01-31", 1, "2026-02-28"},
		{"2027-12-31", 2, "2028-02-29"},
		{"2026-11-05", 36, "2029-11-05"},
		{"2026-03-31", -1, "2026-02-28"},
	} {
		date, err := time.Parse(time.DateOnly, tt.from)
		if got := dayOfDate(date).addMonths(tt.months).String(); err != nil || got != tt.want {
			t.Errorf("%s and %d months: %s, want %s", tt.from, tt.months, got, tt.want)
		}
	}
}
