//go:build e2e

package e2e

import (
	"fmt"
	"math"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/e2e/peers"

	"github.com/google/go-cmp/cmp"
)

// The status page of the demo in a real browser, from a phone to a desk: its style is applied, and its numbers are
// those of /metrics.
func TestStatusPage(t *testing.T) {
	r := launch(t, "--demo")
	awaitDemo(r)
	checkOnScreens(t, r, func(screen string, page statusPage) {
		if diff := cmp.Diff(costs(t, peers.Get(t, r.URL+"/metrics")), page.Accounts); diff != "" {
			t.Errorf("%s (-/metrics +page):\n%s", screen, diff)
		}
	})
}

// awaitDemo waits until the pages of the demo have what is asked for last of each account: that is there a moment after
// the source is up.
func awaitDemo(r *peers.Exporter) {
	for _, account := range demoAccounts {
		r.AwaitLines(account)
		for _, family := range []string{"account_balance_cny", "prepaid_expiry_timestamp_seconds"} {
			r.Await("/metrics", "ksyun_bill_"+family+`{account="`+account+`",`)
		}
		r.Await("/metrics", `ksyun_bill_day_project_cost_cny{account="`+account+`",pay_mode="prepaid",`)
	}
}

// Long names, names with markup, billions to the last digit and an unknown key: all of it can be read, and the trouble
// with the key is shown once.
func TestStatusPageOfTrouble(t *testing.T) {
	yesterday := billclient.DayOf(time.Now()) - 1
	line := billsim.Line{
		StatDate: yesterday.String(), ProductCode: "KEC", ProductName: `</bdi><script>x("{{.}}")</script>`,
		ProjectID: "1", InstanceID: "i-1", Cost: 2_100_000_000*billsim.Yuan + 12345678,
	}
	bill := billsim.Bill{Lines: slices.Values([]billsim.Line{
		line,
		{ProductCode: "A", ProductName: strings.Repeat("很长的产品名", 20), Cost: -1},
		{ProductCode: strings.Repeat("W", 50)},
	})}
	api := httptest.NewServer(billsim.New([]billsim.Account{{
		AccessKeyID: "AKLT", SecretAccessKey: "s3cret", CustomerID: "73400575",
		Bills: func(m string) (billsim.Bill, bool) { return bill, m == billclient.MonthOf(time.Now()).String() },
		Consume: func(m string) (billsim.Consumption, bool) {
			day := billsim.Bill{Lines: slices.Values([]billsim.Line{line})}
			return billsim.Consumption{Bill: day, EndDate: yesterday.String()}, m == yesterday.Month().String()
		},
	}}))
	t.Cleanup(api.Close)
	config := t.TempDir() + "/config.yaml"
	write(t, config, `accounts:
- {name: "</bdi>\u202E`+strings.Repeat("WWWWW", 20)+`", access_key_id: AKLT, secret_access_key: s3cret}
- {name: "wrong", access_key_id: AKLTWRONG, secret_access_key: s3cret}
api: {endpoint: '`+api.URL+`', union_endpoint: '`+api.URL+`', requests_per_second: 100}
`)
	r := launch(t, "--config.file="+config)
	r.Await("/", "2,100,000,000.12345678")
	r.Await("/", "11 of 11 sources failing")
	checkOnScreens(t, r, func(screen string, page statusPage) {
		if page.Troubles != 1 {
			t.Errorf("%s: %d boxes of trouble, want 1", screen, page.Troubles)
		}
	})
}

// The page of many accounts in a real browser: the policy lets it send the filter, and every link leads somewhere.
func TestStatusPageOfManyAccounts(t *testing.T) {
	month := billclient.MonthOf(time.Now()).String()
	var accounts []billsim.Account
	config := "accounts:\n"
	for i := range 12 {
		key := fmt.Sprintf("AKLT%02d", i)
		line := billsim.Line{ProductCode: "KEC", Cost: billsim.Amount(i+1) * billsim.Yuan}
		bill := billsim.Bill{Lines: slices.Values([]billsim.Line{line})}
		accounts = append(accounts, billsim.Account{
			AccessKeyID: key, SecretAccessKey: "s3cret", CustomerID: fmt.Sprint(73400000 + i),
			Bills: func(m string) (billsim.Bill, bool) { return bill, m == month },
		})
		config += fmt.Sprintf("- {name: team-%02d, access_key_id: %s, secret_access_key: s3cret}\n", i, key)
	}
	api := httptest.NewServer(billsim.New(accounts))
	t.Cleanup(api.Close)
	file := t.TempDir() + "/config.yaml"
	write(t, file, config+"api: {endpoint: '"+api.URL+"', requests_per_second: 100}\nmonths: {running: bill}\n")
	r := launch(t, "--config.file="+file, "--web.route-prefix=/bills")
	for i := range accounts {
		r.Await("/bills/metrics",
			fmt.Sprintf(`ksyun_bill_account_cost_cny{account="team-%02d",pay_mode="postpaid"} %d`, i, i+1))
	}
	b := peers.OpenBrowser(t)
	names := func() (names string) {
		b.Evaluate(`[...document.querySelectorAll("tbody th bdi, .account h2 bdi")].map(e => e.textContent)
			.filter(name => name.startsWith("team")).join(" ")`, &names)
		return names
	}
	follow := func(do, address string) { // until the page of the address is there
		t.Helper()
		var at string
		b.Evaluate(`(`+do+`, "")`, &at)
		for deadline := time.Now().Add(time.Minute); at != address; time.Sleep(10 * time.Millisecond) {
			b.Evaluate(`document.readyState === "complete" ? location.pathname + location.search : ""`, &at)
			if time.Now().After(deadline) {
				t.Fatalf("at %s, want %s", at, address)
			}
		}
	}
	b.Open(r.URL)
	if got := names(); !strings.HasPrefix(got, "team-11 team-10 team-09 ") || strings.Count(got, " ") != 11 {
		t.Errorf("the table: %s", got)
	}
	follow(`document.querySelector("[href*='sort=name']").click()`, "/bills/?sort=name")
	follow(`document.querySelector("#q").value = "TEAM-0", document.querySelector("form button").click()`,
		"/bills/?q=TEAM-0&sort=name")
	if got := names(); got != "team-00 team-01 team-02 team-03 team-04 team-05 team-06 team-07 team-08 team-09" {
		t.Errorf("by name, filtered: %s", got)
	}
	follow(`document.querySelector("[href*='account=team-07']").click()`, "/bills/?account=team-07&q=TEAM-0&sort=name")
	if got := names(); got != "team-07" {
		t.Errorf("the page of an account: %s", got)
	}
}

// statusPage is what the tests check of the open page.
type statusPage struct {
	Language      string
	Rules         int      // of style
	Width, Scroll int      // of the window, and of what is in it
	Cut           []string // what does not show all that is in it
	Troubles      int
	Accounts      map[string]map[string][]float64
}

// checkOnScreens opens the page in each size and language. Nothing may be wider than the window, or be cut off; wide
// tables scroll in boxes of their own.
func checkOnScreens(t *testing.T, r *peers.Exporter, check func(screen string, page statusPage)) {
	t.Helper()
	b := peers.OpenBrowser(t)
	for _, width := range []int{360, 390, 800, 1440} {
		b.Call("Emulation.setDeviceMetricsOverride",
			map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600})
		for _, language := range []string{"en", "zh-CN"} {
			b.Call("Emulation.setUserAgentOverride", map[string]any{"userAgent": "test", "acceptLanguage": language})
			b.Open(r.URL + "/?more=days&more=messages")
			var page statusPage
			b.Evaluate(statusFacts, &page)
			screen := fmt.Sprintf("%s at %d pixels", language, width)
			if page.Language != language || page.Rules == 0 || page.Width != width || page.Scroll > width ||
				page.Cut != nil {
				t.Errorf("%s: %s, %d rules of style, %d wide, %d to scroll, cut: %q",
					screen, page.Language, page.Rules, page.Width, page.Scroll, page.Cut)
			}
			check(screen, page)
		}
	}
}

// statusFacts reads the open page, of which all is unfolded. Texts within a line have no size of their own.
const statusFacts = `(() => {
	const accounts = {};
	for (const account of document.querySelectorAll(".account")) {
		const amounts = selector => [...account.querySelectorAll(selector)]
			.map(e => parseFloat((e.querySelector("data") ?? e).value))
			.filter(x => !isNaN(x)).sort((a, b) => a - b); // what is not known is a dash
		const byMode = (selector, whole) => amounts(account.querySelector(selector) ? selector : whole);
		accounts[account.querySelector("h2 bdi").textContent] = {
			account: amounts(".figure:nth-child(1) .modes dd"),
			account_balance: amounts(".balance dd"),
			prepaid_expiry: [...account.querySelectorAll(".ends time")].map(e => Date.parse(e.textContent) / 1000),
			past_month_to_date_account: byMode(".figure:nth-child(2) .modes dd", ".figure:nth-child(2) .sum data"),
			product: amounts(".products .number"),
			day_account: byMode(".day-amounts [data-mode]", ".day-amounts td.number"),
		};
	}
	const scrolls = e => getComputedStyle(e).overflowX === "auto"; // a wide table, in a box of its own
	const cut = [...document.querySelectorAll("body *")].filter(e => e.clientWidth > 0 && !(e instanceof SVGElement) &&
		!scrolls(e) &&
		(e.scrollWidth > e.clientWidth || e.scrollHeight > e.clientHeight + 1));
	return {
		Language: document.documentElement.lang,
		Rules: document.styleSheets[0]?.cssRules.length ?? 0,
		Width: window.innerWidth,
		Scroll: document.documentElement.scrollWidth,
		Cut: cut.length ? cut.map(e => e.outerHTML.slice(0, 200)) : null,
		Troubles: document.querySelectorAll(".trouble").length,
		Accounts: accounts,
	};
})()`

var shownSample = regexp.MustCompile(`(?m)^ksyun_bill_(?:` +
	`(account|past_month_to_date_account|product|day_account)_cost_cny|` +
	`(account_balance)_cny|(prepaid_expiry)_timestamp_seconds){account="(\w+)".*} (\S+)$`)

// costs returns the numbers that the page shows by account and family, in ascending order: costs, balances, and the
// first days with whose end instances end, as midnights of UTC.
func costs(t *testing.T, metrics string) map[string]map[string][]float64 {
	t.Helper()
	costs := map[string]map[string][]float64{}
	for _, sample := range shownSample.FindAllStringSubmatch(metrics, -1) {
		family, account := sample[1]+sample[2]+sample[3], sample[4]
		value, err := strconv.ParseFloat(sample[5], 64)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case family == "account_balance" && value == 0:
			continue
		case family == "prepaid_expiry":
			value = math.Floor((value+8*60*60)/86400) * 86400
		}
		if costs[account] == nil {
			costs[account] = map[string][]float64{}
		}
		costs[account][family] = append(costs[account][family], value)
	}
	for _, families := range costs {
		for _, values := range families {
			slices.Sort(values)
		}
		ends := families["prepaid_expiry"]
		families["prepaid_expiry"] = ends[:min(len(ends), 10)]
	}
	return costs
}
