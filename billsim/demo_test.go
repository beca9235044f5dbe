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

func beijing(text string) func() time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", text, time.FixedZone("UTC+8", 8*60*60))
	return func() time.Time {
		if err != nil {
			panic(err)
		}
		return t
	}
}

func linesOf(t *testing.T, a Account, month string) []Line {
	t.Helper()
	bill, ok := a.Bills(month)
	if !ok {
		t.Fatalf("no bill for %s", month)
	}
	return slices.Collect(bill.Lines)
}

var unexported = cmp.AllowUnexported(Line{})

// TestDemoIsDeterministic: the same Beijing day says the same; another day leaves closed months alone.
func TestDemoIsDeterministic(t *testing.T) {
	morning, night := Demo(beijing("2026-11-17 00:00:00")), Demo(beijing("2026-11-17 23:59:59"))
	later := Demo(beijing("2026-11-25 12:00:00"))
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

// TestDemoBillDays: which bills there are, and how far they reach, as the calendar goes on in Beijing.
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
		clock = beijing(tt.now)()
		for i, want := range [][]string{tt.shop, tt.game} {
			if got := newest(accounts[i], months); !slices.Equal(got, want) {
				t.Errorf("%s, account %d: %v, want %v", tt.now, i, got, want)
			}
		}
	}
	for _, a := range accounts {
		for month, want := range map[string]bool{"2025-09": false, "2025-10": true, "2025-13": false, "": false} {
			if _, ok := a.Bills(month); ok != want {
				t.Errorf("%s has a bill for %q: %t", a.CustomerID, month, ok)
			}
		}
	}
}

// newest is the last of the months with a bill, and its last day.
func newest(a Account, months []string) []string {
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

// TestDemoVariety: a closed month has all that is awkward about bills.
func TestDemoVariety(t *testing.T) {
	for _, a := range Demo(atNoon) {
		seen := map[string]int{}
		instances, modes, numbers := map[string]string{}, map[string]bool{}, map[string]bool{}
		var stripped Line
		for _, l := range linesOf(t, a, "2026-10") {
			percent := new(big.Rat)
			percent.SetString(l.Discount)
			if got, want := l.Cost.String(), roundedProduct(l.MeasureAmount, percent); got != want {
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
			count(seen, &l)
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

// count notes what is awkward about a line.
func count(seen map[string]int, l *Line) {
	for kind, is := range map[string]bool{
		"negative":    l.Cost < 0,
		"zero":        l.Cost == 0,
		"no instance": l.InstanceID == "",
		"tags":        len(l.Tags) > 0,
		"no tags":     len(l.Tags) == 0,
		"mid month":   !strings.HasSuffix(l.StartTime, "-01 00:00:00"),
		"hours":       l.BillHours > 0,
		"long":        l.MeasureAmount%Fen != 0,
	} {
		if is {
			seen[kind]++
		}
	}
}

// roundedProduct is the cost by arithmetic of another kind. FloatString rounds halves away from zero.
func roundedProduct(list Amount, factor *big.Rat) string {
	product := new(big.Rat).Mul(rat(list), factor)
	text := product.FloatString(2)
	if text == "-0.00" {
		return "0.00"
	}
	return text
}

func rat(a Amount) *big.Rat { return big.NewRat(int64(a), int64(Yuan)) }

// TestDemoSpikeAndGrowth: from one day to the next the bill grows by that day, once by far more; over a year by a
// little.
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

// TestDemoOverHTTP adds up the lines as a client gets them and holds that against summary and Sums.
func TestDemoOverHTTP(t *testing.T) {
	a := Demo(atNoon)[0]
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

// ratSums are sums by their keys: "", product, /project, product/project.
type ratSums map[string]*big.Rat

func newRatSums() ratSums { return ratSums{} }

func (s ratSums) add(product, project string, cost *big.Rat) {
	for _, key := range []string{"", product, "/" + project, product + "/" + project} {
		if s[key] == nil {
			s[key] = new(big.Rat)
		}
		s[key].Add(s[key], cost)
	}
}

func (s ratSums) texts() map[string]string {
	texts := map[string]string{}
	for key, sum := range s {
		texts[key] = sum.FloatString(8)
	}
	return texts
}

func summaryTexts(t *testing.T, body string) map[string]string {
	t.Helper()
	month := decodeJSON(t, []byte(body)).(map[string]any)["MonthBillSet"].([]any)[0].(map[string]any)
	texts := map[string]string{"": number(month["Sum"])}
	for _, p := range month["BillProductSet"].([]any) {
		p := p.(map[string]any)
		texts[p["Code"].(string)] = number(p["Cost"])
	}
	for _, project := range month["BillProjectSet"].([]any) {
		project := project.(map[string]any)
		id := "/" + project["Id"].(interface{ String() string }).String()
		texts[id] = number(project["Cost"])
		for _, p := range project["Details"].([]any) {
			p := p.(map[string]any)
			texts[p["Code"].(string)+id] = number(p["Cost"])
		}
	}
	return texts
}

func number(v any) string {
	r, _ := new(big.Rat).SetString(v.(interface{ String() string }).String())
	return r.FloatString(8)
}

func sumsTexts(s Sums) map[string]string {
	texts := map[string]string{"": rat(s.Total).FloatString(8)}
	for code, sum := range s.ByProduct {
		texts[code] = rat(sum).FloatString(8)
	}
	for id, sum := range s.ByProject {
		texts["/"+id] = rat(sum).FloatString(8)
	}
	for key, sum := range s.ByProjectProduct {
		texts[key.ProductCode+"/"+key.ProjectID] = rat(sum).FloatString(8)
	}
	return texts
}

// TestSums of lines that meet and part in every key.
func TestSums(t *testing.T) {
	line := func(product, project, instance, region, mode string, cost, list Amount) Line {
		return Line{
			ProductCode: product, ProjectID: project, InstanceID: instance, RegionName: region, BillType: mode,
			Cost: cost, MeasureAmount: list,
		}
	}
	bill := billOf(line("KEC", "0", "i", "north", "day", 3, 4), line("KEC", "7", "i", "north", "month", 5, 6),
		line("EIP", "0", "", "", "day", -8, -9), line("KEC", "0", "i", "south", "day", 10, 20))
	bill.SummaryOnly = []Product{{"KS3", "KS3", 1000}}
	want := Sums{
		Lines:            4,
		Total:            10,
		ByProduct:        map[string]Amount{"KEC": 18, "EIP": -8},
		ByProject:        map[string]Amount{"0": 5, "7": 5},
		ByProjectProduct: map[ProjectProduct]Amount{{"0", "KEC"}: 13, {"7", "KEC"}: 5, {"0", "EIP"}: -8},
		ByRegion:         map[string]Amount{"north": 8, "": -8, "south": 10},
		ByBillingMode:    map[string]Amount{"day": 5, "month": 5},
		ByInstance:       map[InstanceKey]Amount{{"KEC", "0", "i"}: 13, {"KEC", "7", "i"}: 5, {"EIP", "0", ""}: -8},
		ListTotal:        21,
		ListByProduct:    map[string]Amount{"KEC": 30, "EIP": -9},
		ListByProject:    map[string]Amount{"0": 15, "7": 6},
	}
	if diff := cmp.Diff(want, bill.Sums()); diff != "" {
		t.Errorf("sums (-want +got):\n%s", diff)
	}
	got, products := summarize(bill), []Product{{"KEC", "", 18}, {"EIP", "", -8}, {"KS3", "KS3", 1000}}
	if got.sum != 1010 || !slices.Equal(got.products, products) {
		t.Errorf("summary %+v", got)
	}
	if n := (Bill{}).Sums().Lines; n != 0 {
		t.Errorf("a bill without lines has %d", n)
	}
}
