package main

import (
	"context"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
)

// company is a customer whose running month, last month and last bill have the same number of lines, five for each
// instance. Older bills are small.
type company struct {
	Instances int
	Grows     bool   // the running month has more in every third round of summaries, the last bill is corrected once
	Dir       string // where answers are recorded; empty: they are made anew each time
}

// companyServer returns the simulated API of a company. The service bill has all that is postpaid. The other services
// have the last bill too, a line for each instance, and what a hundredth of the instances is charged otherwise.
func companyServer(_ context.Context, j job) (http.Handler, error) {
	api := newCompanyAPI(j.Company)
	if j.Company.Dir == "" {
		return withJournal(api, nil), nil
	}
	recorder := newRecorder(j.Company.Dir, api)
	return withJournal(recorder, recorder), nil
}

// companyAPI answers the calls of a company. The simulator would make all lines of a month for each page of it, and
// for each summary; here lines are made once for all pages, and summaries once for each state of the months.
type companyAPI struct {
	company
	others http.Handler // the services that are not bill

	mu        sync.Mutex
	round     int // calls of GetMonthBill so far
	summaries map[string]*httptest.ResponseRecorder
	feed      *lineFeed
	instances []billsim.Line // of the last bill, a line each; nil: not added up since the bill changed
}

func newCompanyAPI(c company) *companyAPI {
	a := &companyAPI{company: c, summaries: map[string]*httptest.ResponseRecorder{}}
	n := c.Instances / 100
	others := billsim.Account{
		AccessKeyID: customerKeys.AccessKeyID, SecretAccessKey: customerKeys.SecretAccessKey, CustomerID: customerID,
		Bills:    a.instanceBill,
		Prepaid:  billsim.GeneratedPrepaid(customerID, n, 1),
		Realtime: billsim.GeneratedRealtime(customerID, meteredDays, n, 1),
		Wallet:   func() billsim.Wallet { return billsim.Wallet{Available: 100_000 * billsim.Yuan} },
	}
	a.others = billsim.New([]billsim.Account{others}, billsim.WithKeptPages())
	return a
}

// meteredDays is how many days of a month are metered: each instance has a line on each of them.
const meteredDays = 5

// ServeHTTP answers a call.
func (a *companyAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	switch query.Get("Action") {
	case billclient.GetMonthBill, billclient.GetMonthConsume:
		copyAnswer(w, a.summary(r, query.Get("Action")))
	case billclient.GetPostpayDetailConsume:
		a.mu.Lock()
		page := a.nextPage(query)
		a.mu.Unlock()
		page.ServeHTTP(w, r)
	case billclient.GetPostpayDetailBill:
		a.mu.Lock()
		api := a.bill(a.round)
		a.mu.Unlock()
		api.ServeHTTP(w, r)
	default:
		a.others.ServeHTTP(w, r)
	}
}

// summary returns an answer that was made since the months changed, or makes it. Each call for bills begins a round.
func (a *companyAPI) summary(r *http.Request, action string) *httptest.ResponseRecorder {
	a.mu.Lock()
	defer a.mu.Unlock()
	if action == billclient.GetMonthBill {
		if a.round++; a.Grows {
			clear(a.summaries)
		}
		if a.round == correctedIn {
			a.instances = nil
		}
	}
	answer, ok := a.summaries[r.URL.RawQuery]
	if !ok {
		answer = httptest.NewRecorder()
		a.bill(a.round).ServeHTTP(answer, r)
		a.summaries[r.URL.RawQuery] = answer
	}
	return answer
}

// bill returns the service bill as it is in a round.
func (a *companyAPI) bill(round int) http.Handler {
	return a.service(
		func(month string) (billsim.Bill, bool) { return a.billOf(month, round) },
		func(month string) (billsim.Consumption, bool) { return a.consumptionOf(month, round) })
}

func (a *companyAPI) service(bills func(string) (billsim.Bill, bool), consume func(string) (billsim.Consumption, bool),
) *billsim.Server {
	return billsim.New([]billsim.Account{{
		AccessKeyID: customerKeys.AccessKeyID, SecretAccessKey: customerKeys.SecretAccessKey, CustomerID: customerID,
		Bills: bills, Consume: consume,
	}})
}

// correctedProduct is the product whose cost in the last bill is corrected, correctedIn the round in which it is.
const (
	correctedProduct = "KS3"
	correctedIn      = 13
)

func (a *companyAPI) billOf(month string, round int) (billsim.Bill, bool) {
	instances := a.Instances
	switch last := lastMonth().String(); {
	case month > last:
		return billsim.Bill{}, false
	case month < last:
		instances = 100
	}
	bill, _ := billsim.Generated(customerID, meteredDays*instances, instances, 1)(month)
	if a.Grows && round >= correctedIn {
		bill.Lines = eachLine(bill.Lines, func(l *billsim.Line) {
			if l.ProductCode == correctedProduct {
				l.Cost += billsim.Fen
			}
		})
	}
	return bill, true
}

// consumptionOf returns the consumption of a month, nine tenths of what the bill has, so that the bill is never taken
// for a part of one. Of the running month's newest day, half of the lines are there at first if it grows.
func (a *companyAPI) consumptionOf(month string, round int) (billsim.Consumption, bool) {
	c, ok := billsim.GeneratedConsumption(customerID, meteredDays, a.Instances, 1)(month)
	missing := 0
	if a.Grows && month > lastMonth().String() {
		missing = max(0, a.Instances/2-a.Instances/20*(round/3))
	}
	lines := firstLines(c.Lines, meteredDays*a.Instances-missing)
	c.Lines = eachLine(lines, func(l *billsim.Line) { l.Cost -= l.Cost / 10 })
	return c, ok
}

// instanceBill returns a month's bill as bill-union has it: a line for each instance.
func (a *companyAPI) instanceBill(month string) (billsim.Bill, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	bill, ok := a.billOf(month, a.round)
	if month != lastMonth().String() {
		return bill, ok
	}
	if a.instances == nil {
		a.instances = addInstances(bill.Lines, a.Instances)
	}
	return billsim.Bill{Lines: slices.Values(a.instances)}, ok
}

// addInstances returns a line for each of n instances, which take turns in lines.
func addInstances(lines iter.Seq[billsim.Line], n int) []billsim.Line {
	all := make([]billsim.Line, 0, n)
	i := 0
	for l := range lines {
		if len(all) < n {
			all = append(all, l)
		} else {
			all[i%n].Cost += l.Cost
			all[i%n].MeasureAmount += l.MeasureAmount
		}
		i++
	}
	return all
}

func eachLine(lines iter.Seq[billsim.Line], change func(*billsim.Line)) iter.Seq[billsim.Line] {
	return func(yield func(billsim.Line) bool) {
		for l := range lines {
			if change(&l); !yield(l) {
				return
			}
		}
	}
}

func firstLines(lines iter.Seq[billsim.Line], count int) iter.Seq[billsim.Line] {
	return func(yield func(billsim.Line) bool) {
		n := 0
		for l := range lines {
			if n++; n > count || !yield(l) {
				return
			}
		}
	}
}

// lineFeed makes the lines of a month for one page after another.
type lineFeed struct {
	month, product string
	total          int
	page           int // that comes next
	next           func() (billsim.Line, bool)
	stop           func()
}

// nextPage returns an API that has nothing but a page of consumption lines. The first page decides of which round all
// are. The caller holds the lock.
func (a *companyAPI) nextPage(query url.Values) http.Handler {
	month, product := query.Get("BillMonth"), query.Get("ProductCode")
	page, _ := strconv.Atoi(query.Get("PageNo")) // what is no number is refused later
	size, _ := strconv.Atoi(query.Get("PageSize"))
	f := a.feed
	if f == nil || page == 0 || f.month != month || f.product != product || f.page != page {
		f = a.newFeed(month, product, page*size)
		a.feed = f
	}
	f.page = page + 1
	var lines []billsim.Line
	for l, ok := f.next(); ok; l, ok = f.next() {
		if lines = append(lines, l); len(lines) == size {
			break
		}
	}
	return a.pageAPI(lines, f.total)
}

// newFeed returns a feed that has skipped some lines.
func (a *companyAPI) newFeed(month, product string, skipped int) *lineFeed {
	if a.feed != nil {
		a.feed.stop()
	}
	c, _ := a.consumptionOf(month, a.round)
	matching := func(yield func(billsim.Line) bool) {
		for l := range c.All() {
			if (product == "" || product == l.ProductCode) && !yield(l) {
				return
			}
		}
	}
	f := &lineFeed{month: month, product: product}
	for range matching {
		f.total++
	}
	f.next, f.stop = iter.Pull(iter.Seq[billsim.Line](matching))
	for range skipped {
		f.next()
	}
	return f
}

// pageAPI returns an API whose consumption has only the lines of a page, and says how many there are on all pages.
func (a *companyAPI) pageAPI(lines []billsim.Line, total int) http.Handler {
	bill := billsim.Bill{Lines: func(yield func(billsim.Line) bool) {
		for _, l := range lines {
			if !yield(l) {
				return
			}
		}
	}}
	api := a.service(nil, func(string) (billsim.Consumption, bool) { return billsim.Consumption{Bill: bill}, true })
	api.Fault(billsim.Fault{EditPage: func(p *billsim.LinePage) { p.Total, p.Skipped = total, 0 }})
	return api
}
