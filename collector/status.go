package collector

import (
	"fmt"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
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
	Sources    []SourceStatus
}

// Refusal is why an account's numbers are not shown: an earlier account shows them already, else they are of another
// customer than the configuration expects.
type Refusal struct {
	Customer string // whose the numbers are; empty if nothing tells yet
	Expected string // customer_id of the configuration; empty if there is none
	ShownBy  string // the account that shows the numbers already; empty if there is none
}

// String says so in a log line.
func (r Refusal) String() string {
	switch {
	case r.ShownBy != "" && r.Customer == "":
		return fmt.Sprintf("account %s has the numbers of the same key already", r.ShownBy)
	case r.ShownBy != "":
		return fmt.Sprintf("account %s has the numbers of customer %s already", r.ShownBy, r.Customer)
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

// SourceStatus tells how asking one source goes. The zero time stands for never.
type SourceStatus struct {
	Name        string // the source label
	LastSuccess time.Time
	Data        time.Time         // up to which the last good answer counts; zero if it does not say
	FromDisk    bool              // the numbers are from before a restart
	Failed      int               // attempts in a row
	Reason      billclient.Reason // of the last failure, if any
	Foreign     bool              // which was not the API's: the answer is about another customer than expected
	Error       string            // the same in words, without secrets
	Retry       time.Time
}

// Status looks at all accounts with the eyes of the page of metrics that was published last: at the same numbers, and
// whether they may be shown as of then. It makes no call, and is safe for concurrent use.
func (c *Collector) Status() Status {
	status := Status{At: wall()}
	c.mu.Lock()
	page := c.page
	c.mu.Unlock()
	for _, s := range page {
		status.Accounts = append(status.Accounts, s.status())
	}
	return status
}

func (s shown) status() AccountStatus {
	status := AccountStatus{
		Name: s.Name, CustomerID: s.customerID,
		Running: s.monthStatus(0), ToDate: s.toDate(), Days: s.dayCosts(),
	}
	if s.options.Months.Past > 0 {
		status.LastMonth = s.monthStatus(1)
	}
	status.Refused, status.Sources = s.asking()
	return status
}

// asking returns why the account is refused, if it is, and how those of its sources go that were ever tried.
func (a *account) asking() (refused *Refusal, sources []SourceStatus) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.visible.sources {
		if s.tried() {
			sources = append(sources, s.status())
		}
	}
	return a.refused, sources
}

func (s source) status() SourceStatus {
	status := SourceStatus{Name: s.name, LastSuccess: s.lastSuccess, Data: s.data, FromDisk: s.fromDisk}
	if s.failing() {
		status.Failed, status.Reason, status.Foreign = s.failed, s.reason, s.foreign
		status.Error, status.Retry = s.lastError, s.retry
	}
	return status
}

// monthStatus returns the month n months ago, nil where there are no postpaid numbers: the other pay modes alone would
// look like a cheap month.
func (s shown) monthStatus(n int) *MonthStatus {
	m, ok := s.month(n)
	if !ok {
		return nil
	}
	status := &MonthStatus{Month: m.Month, Estimated: m.Basis == estimated, Modes: s.modes(n, m)}
	status.AllModes = s.union(n, byPayMode) != nil
	for _, mode := range status.Modes {
		status.Total = status.Total.Add(mode.Cost)
	}
	if n == 0 {
		status.Until = s.dataEnd()
	}
	if m.Lines != nil {
		sum := total(m.Lines.Rows["product"])
		status.Lines = &sum
	}
	status.rank(m.rows(viewOf("product")), s.names((*lineSums).products, (*summary).products))
	return status
}

func viewOf(name string) view {
	return views[slices.IndexFunc(views, func(v view) bool { return v.name == name })]
}

// modes returns what the samples of ksyun_bill_account_cost_cny are, or of its twin of closed months.
func (s shown) modes(n int, m shownMonth) []Part {
	modes := []Part{{Key: postpaid, Cost: m.Summary.Sum}}
	if u := s.union(n, byPayMode); u != nil {
		for _, r := range u.Parts {
			if notBilled(r.Labels[0]) {
				modes = append(modes, Part{Key: r.Labels[0], Cost: r.Amount})
			}
		}
	}
	return modes
}

// mostProducts is how many products are shown one by one.
const mostProducts = 10

// rank puts the rows of products in their order, and adds up those that are too small to be shown.
func (m *MonthStatus) rank(rows []row, names map[string]string) {
	largestFirst := func(a, b row) int { return b.Amount.Abs().Cmp(a.Amount.Abs()) }
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
func (s shown) dayCosts() []DayCost {
	var days []DayCost
	for ago, d := range s.days() {
		if ago != len(days) {
			break
		}
		days = append(days, DayCost{s.newest.Add(-ago), d.cost()})
	}
	slices.Reverse(days)
	return days
}

func (d day) cost() billclient.Amount { return total(d.ProjectProduct) }

func costOf(days []day) (sum billclient.Amount) {
	for _, d := range days {
		sum = sum.Add(d.cost())
	}
	return sum
}

// toDate compares the running month with the last one where ksyun_bill_past_month_to_date_* is shown, and every day of
// the running month is covered too.
func (s shown) toDate() *ToDate {
	last, known := s.lastMonthToDate()
	running, whole := s.covered(billclient.DayOf(s.now.Start()), s.newest)
	if !known || !whole {
		return nil
	}
	return &ToDate{Day: s.newest, Running: costOf(running), LastMonth: costOf(last)}
}
