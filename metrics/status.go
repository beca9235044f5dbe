package metrics

import (
	"fmt"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// Status is what people are shown: the numbers of the metrics, and how asking for them goes.
type Status struct {
	At       time.Time       // now
	Accounts []AccountStatus // in the order of the configuration; none before there is a page of metrics
}

// AccountStatus is the Status of one account. What is nil or empty is not known, or must not be shown.
type AccountStatus struct {
	Name       string
	CustomerID string
	Refused    *Refusal // why the numbers are not shown; nil if they are
	Running    *MonthStatus
	LastMonth  *MonthStatus
	ToDate     *ToDate
	Days       []DayCost // oldest first, without gaps
	Sources    []Source  // those that were ever asked
}

// Refusal is why an account's numbers are not shown: an earlier account shows them already, else they are not in CNY
// though their metrics say so, else they are of another customer than the configuration expects.
type Refusal struct {
	Customer string // whose the numbers are; empty if nothing tells yet
	Expected string // customer_id of the configuration; empty if there is none
	ShownBy  string // the account that shows the numbers already; empty if there is none
	NotCNY   bool   // the numbers are not in CNY
}

// String returns the reason for a log line.
func (r Refusal) String() string {
	switch {
	case r.ShownBy != "" && r.Customer == "":
		return fmt.Sprintf("account %s has the numbers of the same key already", r.ShownBy)
	case r.ShownBy != "":
		return fmt.Sprintf("account %s has the numbers of customer %s already", r.ShownBy, r.Customer)
	case r.NotCNY:
		return "the API names another currency than CNY, which the metrics say"
	case r.Customer == "":
		return "nothing tells yet whose numbers these are, customer_id expects " + r.Expected
	default:
		return fmt.Sprintf("the key belongs to customer %s, customer_id expects %s", r.Customer, r.Expected)
	}
}

// MonthStatus is what a month costs in CNY, after discount and before vouchers.
type MonthStatus struct {
	Month     billclient.Month
	Estimated bool      // from daily metering, else from the bill; of the postpaid part
	Until     time.Time // up to which a running month's numbers count; zero if nothing tells
	Modes     []Part    // by pay mode, postpaid first
	AllModes  bool      // the API has told the other pay modes, if there are any
	Total     billclient.Amount
	Lines     *billclient.Amount // what the lines add up to; nil while they are not read
	Products  []Part             // of the postpaid part, the largest first
	Rest      Part               // the products that are too small for Products, together
	RestCount int                // how many those are
}

// Part is what one part of a month costs: a pay mode or a product, by the value of its label.
type Part struct {
	Key  string
	Name string // volatile; empty if there is none
	Cost billclient.Amount
}

// ToDate is what two months cost by daily metering, up to the same day number.
type ToDate struct {
	Day                billclient.Day // the last that counts
	Running, LastMonth billclient.Amount
}

// DayCost is what a day costs by daily metering.
type DayCost struct {
	Day  billclient.Day
	Cost billclient.Amount
}

// StatusOf returns what people are shown of an account: the same numbers as on the page of metrics.
func StatusOf(a Account) AccountStatus {
	status := AccountStatus{
		Name: a.Name, CustomerID: a.CustomerID, Refused: a.Refused,
		Running: monthStatus(a, 0), ToDate: toDate(a), Days: dayCosts(a),
	}
	if a.options.PastMonths > 0 {
		status.LastMonth = monthStatus(a, 1)
	}
	for _, s := range a.Sources {
		if s.WasTried() {
			status.Sources = append(status.Sources, s)
		}
	}
	return status
}

// monthStatus returns the month n months ago, nil where there are no postpaid numbers: the other pay modes alone would
// look like a cheap month.
func monthStatus(a Account, n int) *MonthStatus {
	m, ok := a.shownMonth(n)
	if !ok {
		return nil
	}
	status := &MonthStatus{
		Month: m.Month, Estimated: m.Basis == ledger.Estimated,
		Modes: []Part{{Key: billclient.Postpaid, Cost: m.Summary.Sum}}, Total: m.Summary.Sum,
	}
	others, hasAll := a.otherModes(n)
	status.AllModes = hasAll
	for _, r := range others {
		status.Modes = append(status.Modes, Part{Key: r.Labels[0], Cost: r.Amount})
		status.Total = status.Total.Add(r.Amount)
	}
	if n == 0 {
		status.Until = a.dataEnd()
	}
	if m.Lines != nil {
		sum := ledger.Total(m.Lines.Rows[productView]).Sub(m.Lines.Beyond)
		status.Lines = &sum
	}
	status.rankProducts(m.Rows(viewNamed(productView)), a.productNames())
	return status
}

// mostProducts is how many products are shown one by one.
const mostProducts = 10

// rankProducts sets the products, the largest first, and adds up those that are too small to be shown.
func (m *MonthStatus) rankProducts(rows []ledger.Row, names map[string]string) {
	largestFirst := func(a, b ledger.Row) int { return b.Amount.Abs().Cmp(a.Amount.Abs()) }
	for i, r := range slices.SortedStableFunc(slices.Values(rows), largestFirst) {
		if i < mostProducts {
			m.Products = append(m.Products, Part{Key: r.Labels[0], Name: names[r.Labels[0]], Cost: r.Amount})
			continue
		}
		m.Rest.Cost = m.Rest.Cost.Add(r.Amount)
		m.RestCount++
	}
}

// dayCosts returns the newest days that are shown, up to the first that is not covered.
func dayCosts(a Account) []DayCost {
	var days []DayCost
	for ago, d := range a.shownDays() {
		if ago != len(days) {
			break
		}
		days = append(days, DayCost{a.newest.Add(-ago), d.Cost()})
	}
	slices.Reverse(days)
	return days
}

// toDate compares the running month with the last one where ksyun_bill_past_month_to_date_* is shown, and every day of
// the running month is covered too.
func toDate(a Account) *ToDate {
	last, hasLast := a.lastMonthToDate()
	running, hasRunning := a.coveredDays(billclient.DayOf(a.month.Start()), a.newest)
	if !hasLast || !hasRunning {
		return nil
	}
	return &ToDate{Day: a.newest, Running: sumDays(running), LastMonth: sumDays(last)}
}

func sumDays(days []ledger.Day) (sum billclient.Amount) {
	for _, d := range days {
		sum = sum.Add(d.Cost())
	}
	return sum
}
