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
	Forecast   *billclient.Amount // what the running month is expected to cost in all pay modes
	Budget     *BudgetStatus      // of the account as a whole
	Days       []DayCost          // oldest first, without gaps
	Balance    []Part             // what is left to spend, by kind, available first; another one is left out if there is none
	Ends       []End              // the prepaid instances that end first, of those that end soon
	MoreEnds   int                // how many more end soon
	Sources    []Source           // those that were ever asked
	Reading    Reading
}

// Reading says which source is being read, of those that are asked one after the other: the first of seven is 1 of 7.
// The zero Reading says that none is.
type Reading struct{ At, Of int }

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
	Until     time.Time // up to which a running month's numbers count; zero if nothing tells; of the postpaid part
	OthersAt  time.Time // when the API told the other pay modes of a running month; zero if it has not
	Modes     []Part    // by pay mode, postpaid first
	AllModes  bool      // the API has told the other pay modes, if there are any
	Total     billclient.Amount
	Details   Details
	Products  []Part // the largest first; a product has one of each pay mode
	Rest      Part   // what is too small for Products, together
	RestCount int    // how many of Products that would be
	ByMode    bool   // Products are of all pay modes, and come to Total; else of the postpaid part
}

// Details is how much of a month is known in detail.
type Details struct {
	Lines      *billclient.Amount // what the lines of the postpaid part add up to; nil while they are not read
	OtherModes billclient.Amount  // what the days of the other pay modes come to product group by product group
	Missing    billclient.Amount  // how much that is less, or more, than those pay modes cost: never below 0
}

// Part is what one part of a month costs, or of a balance comes to: a pay mode, a product or a kind of balance, by the
// value of its label.
type Part struct {
	PayMode string // of a product
	Key     string
	Name    string // volatile; empty if there is none
	Cost    billclient.Amount
}

// ToDate is what two months cost by daily metering, up to the same day number.
type ToDate struct {
	Day                billclient.Day // the last that counts
	Running, LastMonth billclient.Amount
	AllModes           bool   // the days of both months are known in all pay modes; else what they cost is postpaid
	Modes              []Part // LastMonth by pay mode, postpaid first
}

// DayCost is what a day costs by daily metering.
type DayCost struct {
	Day   billclient.Day
	Cost  billclient.Amount
	Modes []Part // by pay mode, postpaid first; those of other days are missing where they are not known
}

// StatusOf returns what people are shown of an account: the same numbers as on the page of metrics.
func StatusOf(a Account) AccountStatus {
	status := AccountStatus{
		Name: a.Name, CustomerID: a.CustomerID, Refused: a.Refused,
		Running: monthStatus(a, 0), ToDate: toDate(a), Days: dayCosts(a),
	}
	status.Ends, status.MoreEnds = soonestEnds(a, mostEnds)
	for _, r := range balances(a) {
		if r.Labels[0] == billclient.Available || r.Amount.Sign() != 0 {
			status.Balance = append(status.Balance, Part{Key: r.Labels[0], Cost: r.Amount})
		}
	}
	if a.options.PastMonths > 0 {
		status.LastMonth = monthStatus(a, 1)
	}
	status.Forecast = status.forecast(a, func(string) bool { return true })
	status.Budget = status.budget(a)
	for _, s := range a.Sources {
		if s.WasTried() {
			s.Data = dataOf(a, s)
			status.Sources = append(status.Sources, s)
		}
	}
	return status
}

// mostEnds is how many ends of instances people are shown.
const mostEnds = 10

// monthStatus returns the month n months ago, nil where there are no postpaid numbers: the other pay modes alone would
// look like a cheap month.
func monthStatus(a Account, n int) *MonthStatus {
	m, ok := a.shownMonth(n)
	if !ok {
		return nil
	}
	status := &MonthStatus{
		Month: m.Month, Estimated: m.Basis == ledger.Estimated,
		Modes: postpaidOf(m.Summary.Sum), Total: m.Summary.Sum, Details: detailsOf(a, n, m),
	}
	others, hasAll := a.otherModes(n)
	status.AllModes = hasAll
	for _, r := range others {
		status.Modes = append(status.Modes, Part{Key: r.Labels[0], Cost: r.Amount})
		status.Total = status.Total.Add(r.Amount)
	}
	if n == 0 {
		status.Until, status.OthersAt = a.dataEnd(), otherModesAt(a, 0)
	}
	products := productsOf(a, n, m)
	status.ByMode = slices.ContainsFunc(products, func(p Part) bool { return p.PayMode != billclient.Postpaid })
	status.rankProducts(products)
	return status
}

// postpaidOf returns the pay modes of what is postpaid.
func postpaidOf(cost billclient.Amount) []Part { return []Part{{Key: billclient.Postpaid, Cost: cost}} }

// detailsOf returns how much is known in detail of the month n months ago. Costs that the days of a pay mode lack, or
// have too much, are missing alike: one pay mode must not make up for another.
func detailsOf(a Account, n int, m shownMonth) (d Details) {
	if m.Lines != nil {
		sum := ledger.Total(m.Lines.Rows[productView]).Sub(m.Lines.Beyond)
		d.Lines = &sum
	}
	if a.modeDays(n, ledger.ByGroup) == nil {
		others, _ := a.otherModes(n)
		for _, r := range others {
			d.Missing = d.Missing.Add(r.Amount.Abs())
		}
	}
	for _, r := range a.modeRows(n, ledger.ByGroup) {
		if r.Labels[1] == ledger.None {
			d.Missing = d.Missing.Add(r.Amount.Abs())
		} else {
			d.OtherModes = d.OtherModes.Add(r.Amount)
		}
	}
	return d
}

// productsOf returns the products of the month n months ago, by pay mode, postpaid first.
func productsOf(a Account, n int, m shownMonth) (products []Part) {
	names := a.allProductNames()
	add := func(mode, code string, cost billclient.Amount) {
		products = append(products, Part{PayMode: mode, Key: code, Name: names[code], Cost: cost})
	}
	for _, r := range m.Rows(viewNamed(productView).View) {
		add(billclient.Postpaid, r.Labels[0], r.Amount)
	}
	for _, r := range a.modeRows(n, ledger.ByGroup) {
		add(r.Labels[0], r.Labels[1], r.Amount)
	}
	return products
}

// mostProducts is how many products are shown one by one.
const mostProducts = 12

// rankProducts sets the products, the largest first, and adds up those that are too small to be shown.
func (m *MonthStatus) rankProducts(products []Part) {
	slices.SortStableFunc(products, func(a, b Part) int { return b.Cost.Abs().Cmp(a.Cost.Abs()) })
	m.Products = products[:min(mostProducts, len(products))]
	for _, p := range products[len(m.Products):] {
		m.Rest.Cost = m.Rest.Cost.Add(p.Cost)
		m.RestCount++
	}
}

// dayCosts returns the newest days that are shown, up to the first that is not covered.
func dayCosts(a Account) (days []DayCost) {
	others := accountDays.otherModes(a)
	modes := keysOf(others)
	for ago, d := range a.shownDays() {
		if ago != len(days) {
			break
		}
		day := DayCost{a.newest.Add(-ago), d.Cost(), postpaidOf(d.Cost())}
		if costs, ok := others[ago]; ok {
			for _, k := range modes {
				day.Cost = day.Cost.Add(costs[k])
				day.Modes = append(day.Modes, Part{Key: k[0], Cost: costs[k]})
			}
		}
		days = append(days, day)
	}
	slices.Reverse(days)
	return days
}

// toDate compares the running month with the last one where ksyun_bill_past_month_to_date_* is shown, and every day of
// the running month is covered too.
func toDate(a Account) *ToDate {
	first := billclient.DayOf(a.month.Start())
	last, hasLast := a.lastMonthToDate()
	running, hasRunning := a.coveredDays(first, a.newest)
	if !hasLast || !hasRunning {
		return nil
	}
	d := &ToDate{Day: a.newest, Running: sumDays(running), LastMonth: sumDays(last), Modes: postpaidOf(sumDays(last))}
	from, to, _ := a.sameDaysOfLastMonth()
	others, isLastKnown := accountDays.otherModesBetween(a, from, to)
	othersNow, isRunningKnown := accountDays.otherModesBetween(a, first, a.newest)
	if d.AllModes = isLastKnown && isRunningKnown; d.AllModes {
		d.addOtherModes(othersNow, others)
	}
	return d
}

// addOtherModes adds what the days of both months cost in other pay modes than postpaid.
func (d *ToDate) addOtherModes(running, lastMonth ledger.Sums) {
	for _, cost := range running {
		d.Running = d.Running.Add(cost)
	}
	for _, r := range lastMonth.Rows(1) {
		d.LastMonth = d.LastMonth.Add(r.Amount)
		d.Modes = append(d.Modes, Part{Key: r.Labels[0], Cost: r.Amount})
	}
}

func sumDays(days []ledger.Day) (sum billclient.Amount) {
	for _, d := range days {
		sum = sum.Add(d.Cost())
	}
	return sum
}
