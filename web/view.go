package web

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"ksyun_bill_exporter/metrics"
)

// view is what a reader has chosen to see. All of it is in the page's address, so that nothing is lost when the page
// refreshes itself, and a link shows somebody else the same.
type view struct{ params url.Values }

// The parameters of the page's address.
const (
	accountParam = "account" // the name of the only account to show
	langParam    = "lang"    // the language
	moreParam    = "more"    // what is unfolded; may be there several times
	queryParam   = "q"       // a part of the names or customer ids of the accounts to show
	refreshParam = "refresh" // "off": the page stays as it is
	sortParam    = "sort"    // the key of a column of the table; with a - before it, the other way round
)

var viewParams = []string{accountParam, langParam, moreParam, queryParam, refreshParam, sortParam}

// newView returns the view of an address, without parameters that the page does not know.
func newView(address *url.URL) view {
	v := view{url.Values{}}
	for _, name := range viewParams {
		for _, value := range address.Query()[name] {
			if value != "" && (name == moreParam || !v.params.Has(name)) {
				v.params.Add(name, value)
			}
		}
	}
	return v
}

func (v view) Account() string { return v.params.Get(accountParam) }
func (v view) Query() string   { return strings.TrimSpace(v.params.Get(queryParam)) }

// Stays reports whether the page does not refresh itself: somebody reads it slowly, or what is unfolded. The address
// then ends with a fragment, and a browser would take a refresh for a jump within the page.
func (v view) Stays() bool { return v.params.Get(refreshParam) == "off" || v.params.Has(moreParam) }

// Moving returns the address of the page that refreshes itself.
func (v view) Moving() string { return v.with(refreshParam).with(moreParam).link() }

// Has reports whether something is unfolded.
func (v view) Has(what string) bool { return slices.Contains(v.params[moreParam], what) }

// Link returns the address of the page with a parameter set, or without it if the value is empty. What is unfolded is
// so on one page only.
func (v view) Link(param, value string) string {
	next := v.with(param, value)
	if param == accountParam {
		next = next.with(moreParam)
	}
	return next.link()
}

// Toggle returns the address of the page with something unfolded that is not, or folded that is.
func (v view) Toggle(what string) string {
	more := slices.DeleteFunc(slices.Clone(v.params[moreParam]), func(m string) bool { return m == what })
	if !v.Has(what) {
		more = append(more, what)
	}
	return v.with(moreParam, more...).link()
}

func (v view) with(param string, values ...string) view {
	next := view{url.Values{}}
	for name, value := range v.params {
		next.params[name] = value
	}
	delete(next.params, param)
	if values = slices.DeleteFunc(values, func(value string) bool { return value == "" }); len(values) > 0 {
		next.params[param] = values
	}
	return next
}

// link returns the address relative to that of the page, so that it holds behind a proxy that serves it elsewhere.
func (v view) link() string {
	if query := v.params.Encode(); query != "" {
		return "?" + query
	}
	return "./"
}

// Hidden returns the parameters that the form of the filter has to keep beside its own.
func (v view) Hidden() (params [][2]string) {
	for _, name := range viewParams {
		for _, value := range v.params[name] {
			if name != queryParam && name != accountParam {
				params = append(params, [2]string{name, value})
			}
		}
	}
	return params
}

// selects reports whether the reader wants to see an account.
func (v view) selects(a metrics.AccountStatus) bool {
	if v.Account() != "" {
		return a.Name == v.Account()
	}
	part := strings.ToLower(v.Query())
	return strings.Contains(strings.ToLower(a.Name), part) || strings.Contains(strings.ToLower(a.CustomerID), part)
}

// heading is the heading of a column of the table of accounts. Its link sorts them.
type heading struct {
	Key, Title string
	Order      string // as aria-sort says it, by this column; empty: by another one
	Sort       string // what a click sorts by

	// value returns what is sorted by, the largest first; ok is false where it is not known. It is nil for names.
	value func(row) (value float64, ok bool)
}

// headings are those of the columns. The first account in each order is the one to look at first.
var headings = []heading{
	{Key: "name", Title: "Account"},
	{Key: "state", Title: "State", value: row.trouble},
	{Key: "cost", Title: "This month", value: row.cost},
	{Key: "change", Title: "Against last month", value: row.growth},
	{Key: "forecast", Title: "Forecast", value: row.forecast},
	{Key: "budget", Title: "Of budget", value: row.budgetShare},
}

// defaultOrder is the key of the heading by which accounts are sorted if nothing is said: failing ones come first.
const defaultOrder = "state"

// order returns by which heading accounts are sorted, and whether it is the other way round.
func (v view) order() (h heading, reversed bool) {
	key, reversed := strings.CutPrefix(v.params.Get(sortParam), "-")
	byKey := func(key string) int { return slices.IndexFunc(headings, func(h heading) bool { return h.Key == key }) }
	if i := byKey(key); i >= 0 {
		return headings[i], reversed
	}
	return headings[byKey(defaultOrder)], false
}

// Headings returns the headings of the table in this view.
func (v view) Headings() []heading {
	all := slices.Clone(headings)
	by, reversed := v.order()
	for i, h := range all {
		all[i].Sort = h.Key
		if h.Key != by.Key {
			continue
		}
		all[i].Order = "descending"
		if reversed != (h.value == nil) { // names begin with A
			all[i].Order = "ascending"
		}
		if !reversed {
			all[i].Sort = "-" + h.Key
		}
	}
	return all
}

// sort sorts accounts as the reader wants them. Those of which the value is not known come last, and the largest first
// of those that share one.
func (v view) sort(rows []row) {
	by, reversed := v.order()
	sign := 1
	if reversed {
		sign = -1
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		byName := strings.Compare(a.Name, b.Name)
		if by.value == nil {
			return sign * byName
		}
		return cmp.Or(compareKnown(by.value, a, b, sign), compareKnown(row.cost, a, b, 1), byName)
	})
}

// compareKnown compares two accounts by a value: the largest first, or last if sign is -1; in either case before those
// of which it is not known.
func compareKnown(value func(row) (float64, bool), a, b row, sign int) int {
	first, isFirstKnown := value(a)
	second, isSecondKnown := value(b)
	switch {
	case isFirstKnown != isSecondKnown && isFirstKnown:
		return -1
	case isFirstKnown != isSecondKnown:
		return 1
	default:
		return sign * cmp.Compare(second, first)
	}
}
