package web

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/metrics"

	"github.com/google/go-cmp/cmp"
)

// someAccounts are accounts of which one fails, one is refused and one has no numbers.
func someAccounts(t *testing.T) (status metrics.Status) {
	t.Helper()
	add := func(name, customer, cost, before, budget string) *metrics.AccountStatus {
		a := metrics.AccountStatus{Name: name, CustomerID: customer, Sources: []metrics.Source{{Name: "month_bill"}}}
		if cost != "" {
			total, forecast := parseYuan(t, cost), parseYuan(t, cost).Times(2)
			a.Running = &metrics.MonthStatus{Modes: []metrics.Part{{Key: "postpaid", Cost: total}}, Total: total}
			a.ToDate = &metrics.ToDate{Running: total, LastMonth: parseYuan(t, before)}
			a.Forecast = &forecast
			if budget != "" {
				a.Budget = &metrics.BudgetStatus{Monthly: parseYuan(t, budget), Forecast: &forecast}
			}
		}
		status.Accounts = append(status.Accounts, a)
		return &status.Accounts[len(status.Accounts)-1]
	}
	add("Shop", "100", "30", "40", "50")
	add("game", "200", "50", "45", "200")
	add("ads", "300", "10", "0", "")
	add("fails", "123", "20", "10", "20").Sources[0].Failed = 1
	add("none", "", "", "", "")
	add("again", "", "", "", "").Refused = &metrics.Refusal{ShownBy: "Shop"}
	return status
}

var tableRow = regexp.MustCompile(`<tr><th scope="row"><a href="([^"]*)"><bdi>([^<]*)</bdi>`)

// The table is sorted and filtered as the address says, and what is not known comes last.
func TestViews(t *testing.T) {
	handler := newHandler(t, func() metrics.Status { return someAccounts(t) })
	for _, c := range []struct{ path, want, open string }{
		{"/", "fails again game Shop ads none", ""},
		{"/?sort=state", "fails again game Shop ads none", ""},
		{"/?sort=-state", "game Shop ads none fails again", ""},
		{"/?sort=name", "Shop ads again fails game none", ""},
		{"/?sort=-name", "none game fails again ads Shop", ""},
		{"/?sort=cost", "game Shop fails ads again none", ""},
		{"/?sort=-cost", "ads fails Shop game again none", ""},
		{"/?sort=change", "fails game Shop ads again none", ""},
		{"/?sort=-change", "Shop game fails ads again none", ""},
		{"/?sort=forecast", "game Shop fails ads again none", ""},
		{"/?sort=budget", "fails Shop game ads again none", ""},
		{"/?sort=nothing", "fails again game Shop ads none", ""},
		{"/?q=A&sort=name", "ads again fails game", ""},
		{"/?q=+sh+", "Shop", "Shop"},
		{"/?q=00&sort=name", "Shop ads game", "Shop ads game"},
		{"/?q=x", "", ""},
		{"/?account=game&q=x", "", "game"},
		{"/?account=gam", "", ""},
	} {
		body := get(t, handler, c.path, "Accept-Language", "en").Body.String()
		var names []string
		for _, row := range tableRow.FindAllStringSubmatch(body, -1) {
			names = append(names, row[2])
		}
		var open []string
		for _, section := range regexp.MustCompile(`<h2 id="name-\d+"><bdi>([^<]*)</bdi>`).FindAllStringSubmatch(body, -1) {
			open = append(open, section[1])
		}
		if got := strings.Join(names, " "); got != c.want || strings.Join(open, " ") != c.open {
			t.Errorf("%s: %s, open %q, want %s, open %s", c.path, got, open, c.want, c.open)
		}
	}
	if status := get(t, handler, "/?account=gam", "Accept-Language", "en").Code; status != 404 {
		t.Errorf("an account that is not there: %d", status)
	}
}

// Whatever the address says, it is text on the page.
func TestHostileAddress(t *testing.T) {
	handler := newHandler(t, func() metrics.Status { return someAccounts(t) })
	for _, param := range viewParams {
		for _, before := range []string{"", "account=Shop&"} {
			path := "/?" + before + param + "=" + url.QueryEscape(hostileName+`"'`)
			body := get(t, handler, path, "Accept-Language", "en").Body.String()
			if strings.Contains(body, "<script") || strings.Contains(body, "<img") || strings.Contains(body, "javascript") {
				t.Errorf("%s has become markup:\n%s", path, body)
			}
		}
	}
}

func TestViewLinks(t *testing.T) {
	address, err := url.Parse("/?q=a+b&sort=-cost&more=days&more=messages&lang=zh-CN&refresh=off&x=y&q=z&account=")
	if err != nil {
		t.Fatal(err)
	}
	v := newView(address)
	const kept = "&q=a+b&refresh=off&sort=-cost"
	want := []string{
		"?account=%E4%BA%AC+1&lang=zh-CN" + kept,
		"?lang=zh-CN&more=days&more=messages&q=a+b&sort=-cost",
		"?lang=zh-CN&more=messages" + kept,
		"?lang=zh-CN&more=days&more=messages&more=x" + kept,
		"[[lang zh-CN] [more days] [more messages] [refresh off] [sort -cost]]",
		"./", "?lang=zh-CN&q=a+b&sort=-cost", "true false",
	}
	got := []string{
		v.Link(accountParam, "京 1"), v.Link(refreshParam, ""), v.Toggle("days"), v.Toggle("x"), fmt.Sprint(v.Hidden()),
		newView(&url.URL{}).Link(queryParam, ""), v.Moving(), fmt.Sprint(v.Stays(), newView(&url.URL{}).Stays()),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHeadings(t *testing.T) {
	for query, want := range map[string]string{
		"":            "name state descending -state cost change forecast budget",
		"sort=-state": "name state ascending cost change forecast budget",
		"sort=name":   "name ascending -name state cost change forecast budget",
		"sort=-name":  "name descending state cost change forecast budget",
		"sort=cost":   "name state cost descending -cost change forecast budget",
	} {
		var got []string
		for _, h := range newView(&url.URL{RawQuery: query}).Headings() {
			got = append(got, h.Key)
			if h.Order != "" {
				got = append(got, h.Order)
			}
			if h.Sort != h.Key {
				got = append(got, h.Sort)
			}
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	}
}

// What is known of some accounts is added up, and how many it is known of.
func TestAddUp(t *testing.T) {
	var rows []row
	for _, a := range someAccounts(t).Accounts {
		rows = append(rows, row{AccountStatus: a})
	}
	sum := func(text string, count int) total { return total{parseYuan(t, text), count} }
	want := overview{
		Accounts: 6, Troubled: 2, Total: sum("110", 4), Partial: 4, Forecast: sum("220", 4), ToDate: sum("110", 4),
		Before: sum("95", 4), Budget: sum("270", 3), Expected: sum("200", 3), Over: 2,
	}
	sameAmounts := cmp.Comparer(func(a, b billclient.Amount) bool { return a.Cmp(b) == 0 })
	if diff := cmp.Diff(want, addUp(rows), sameAmounts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The page refreshes itself, less often where something can be typed into it, and not at all for who reads it slowly.
func TestRefresh(t *testing.T) {
	for _, c := range []struct {
		path     string
		accounts int
		want     string // seconds, and what the link says
	}{
		{"/", 4, "300 Stop"},
		{"/?account=Shop", 4, "60 Stop"},
		{"/", 3, "60 Stop"},
		{"/?refresh=off", 4, " Refresh by itself"},
		{"/?refresh=off", 1, " Refresh by itself"},
		{"/?more=days", 1, " Refresh by itself"},
	} {
		handler := newHandler(t, func() metrics.Status {
			return metrics.Status{Accounts: someAccounts(t).Accounts[:c.accounts]}
		})
		body := get(t, handler, c.path, "Accept-Language", "en").Body.String()
		seconds := regexp.MustCompile(`<meta http-equiv="refresh" content="(\d+)">|$`).FindStringSubmatch(body)[1]
		link := regexp.MustCompile(`<a href="[^"]*">(Stop|Refresh by itself)</a></p>`).FindStringSubmatch(body)
		if got := seconds + " " + link[1]; got != c.want {
			t.Errorf("%s of %d accounts: %s, want %s", c.path, c.accounts, got, c.want)
		}
	}
}
