package web

import (
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/metrics"

	"github.com/google/go-cmp/cmp"
)

// hostileName is a name that somebody may give to an instance, a product or an account.
const hostileName = `</bdi></code><script>alert("%s{{.}}")</script><img src=x onerror='alert(1)'>`

// newStatus returns accounts with everything that the page can show: one in which all is well, one that has only
// failures, the refused ones, one with more refunds than costs and a wrong key, one that has nothing but postpaid, and
// one that is new.
func newStatus(t *testing.T) metrics.Status {
	t.Helper()
	yuan := func(text string) billclient.Amount { return parseYuan(t, text) }
	noon := time.Date(2026, 11, 2, 12, 0, 0, 0, billclient.Beijing)
	november := billclient.MonthOf(noon)
	first := billclient.DayOf(november.Start())
	lines, forecast := yuan("1234567.5"), yuan("41234567.895")
	restored := newSource("month_consume", metrics.Progress{
		LastSuccess: noon.Add(-3 * time.Hour), Data: first.End().Add(-time.Second),
	})
	restored.FromDisk, restored.Next = true, noon
	good := newSource("month_bill", metrics.Progress{LastSuccess: noon.Add(-10 * time.Second), Data: november.Start()})
	good.Next = noon.Add(23 * time.Minute)
	read := newSource("detail_consume", metrics.Progress{LastSuccess: noon.Add(-time.Hour)})
	read.Reading = true
	broken := newSource("detail_bill", metrics.Progress{
		LastSuccess: noon.Add(-50 * time.Hour), Data: noon.Add(-time.Hour),
		Failed: 2, Reason: billclient.Decode, Error: hostileName,
	})
	broken.Next = noon.Add(12 * time.Hour)
	failing := func(name string, failed int, reason billclient.Reason, text string, foreign bool) metrics.Source {
		return newSource(name, metrics.Progress{
			Failed: failed, Reason: reason, Foreign: foreign, Error: text, Retry: noon,
		})
	}
	return metrics.Status{At: noon, Accounts: []metrics.AccountStatus{
		{
			Name: "main", CustomerID: "73400575",
			Running: &metrics.MonthStatus{
				Month: november, Estimated: true, Until: first.End(), AllModes: true, Total: yuan("1534567.891"),
				OthersAt: noon.Add(-50 * time.Minute),
				Modes: []metrics.Part{
					{Key: "postpaid", Cost: yuan("1234567.89")},
					{Key: "prepaid", Cost: yuan("300000")},
					{Key: "realtime", Cost: yuan("0.001")},
					{Key: hostileName, Cost: yuan("0")},
				},
				Details: metrics.Details{Lines: &lines, OtherModes: yuan("299999.001"), Missing: yuan("1")}, ByMode: true,
				Products: []metrics.Part{
					{PayMode: "postpaid", Key: "KEC", Name: hostileName, Cost: yuan("1000000")},
					{PayMode: "prepaid", Key: "VM", Name: "云服务器", Cost: yuan("299999")},
					{PayMode: "postpaid", Key: "EIP", Cost: yuan("250000")},
					{PayMode: "realtime", Key: "BWS", Name: "共享带宽(BWS)", Cost: yuan("-15432.12")},
					{PayMode: hostileName, Key: "VM", Name: "云服务器", Cost: yuan("2")},
				},
				Rest: metrics.Part{Cost: yuan("0.01")}, RestCount: 2,
			},
			LastMonth: &metrics.MonthStatus{Month: november - 1, AllModes: true, Total: yuan("42000000")},
			Forecast:  &forecast,
			Budget:    &metrics.BudgetStatus{Monthly: yuan("40000000"), Used: yuan("1534567.891"), Forecast: &forecast},
			ToDate: &metrics.ToDate{
				Day: first, Running: yuan("1534567.89"), LastMonth: yuan("1300000"), AllModes: true,
				Modes: []metrics.Part{{Key: "postpaid", Cost: yuan("1200000")}, {Key: hostileName, Cost: yuan("100000")}},
			},
			Days: []metrics.DayCost{
				newDay(t, first-2, "1300000"),
				newDay(t, first-1, "20000", "-100000", "0", "5"),
				newDay(t, first, "1234567.89", "300000", "0.001", "0"),
			},
			Balance: []metrics.Part{
				{Key: "available", Cost: yuan("550739.268")}, {Key: "reward", Cost: yuan("1.5")},
				{Key: "frozen", Cost: yuan("0.07")}, {Key: hostileName, Cost: yuan("-1")},
			},
			Ends: []metrics.End{
				{
					Product: "VM", ProductName: "云服务器", Instance: "i-1", Name: hostileName, Renewal: "manual",
					At: first.End().Add(-time.Second),
				},
				{Product: hostileName, Instance: hostileName, Renewal: "auto", At: first.End()},
				{Product: "EBS", Instance: "d-1", Renewal: hostileName, At: noon.Add(time.Hour)},
			},
			MoreEnds: 190, Reading: metrics.Reading{At: 1, Of: 7},
			Sources: []metrics.Source{good, restored, read, broken},
		},
		{
			Name: hostileName, CustomerID: hostileName,
			Sources: []metrics.Source{
				newSource(hostileName, metrics.Progress{Failed: 1, Reason: billclient.Auth, Retry: noon}),
			},
		},
		{Name: "again", Refused: &metrics.Refusal{Customer: hostileName, ShownBy: "main"}},
		{
			Name: "other", CustomerID: "0008", Refused: &metrics.Refusal{Customer: "9", Expected: "0008"},
			Sources: []metrics.Source{
				newSource("month_bill", metrics.Progress{LastSuccess: noon}),
				failing("detail_bill", 1, billclient.Auth, "said", true),
			},
		},
		{Name: "nobody", Refused: &metrics.Refusal{Expected: "11"}},
		{
			Name: "credit", Running: &metrics.MonthStatus{
				Month: november, Modes: []metrics.Part{{Key: "postpaid", Cost: yuan("-2100000000.12345678")}},
				Total: yuan("-2100000000.12345678"), Details: metrics.Details{Lines: &lines},
			},
			Sources: []metrics.Source{
				failing("month_bill", 4, billclient.Auth, "wrong key: a", false),
				failing("month_consume", 4, billclient.Auth, "wrong key: b", false),
				failing("detail_consume", 1, billclient.Network, "EOF", false),
				failing("detail_bill", 1, billclient.Auth, "other", true),
			},
		},
		{
			Name: "plain", Forecast: &lines, Budget: &metrics.BudgetStatus{Monthly: yuan("2000000")},
			Running: &metrics.MonthStatus{
				Month: november, AllModes: true, Modes: []metrics.Part{{Key: "postpaid", Cost: lines}}, Total: lines,
				Details:  metrics.Details{Lines: &lines},
				Products: []metrics.Part{{PayMode: "postpaid", Key: "EIP", Cost: lines}},
			},
			ToDate: &metrics.ToDate{
				Day: first, Running: lines, LastMonth: lines, Modes: []metrics.Part{{Key: "postpaid", Cost: lines}},
			},
			Days: []metrics.DayCost{newDay(t, first, "1234567.5")},
		},
		{Name: "new", Reading: metrics.Reading{At: 2, Of: 9}},
	}}
}

// newDay returns a day with costs in pay modes, postpaid first, and one last that nobody knows.
func newDay(t *testing.T, day billclient.Day, costs ...string) metrics.DayCost {
	t.Helper()
	d := metrics.DayCost{Day: day}
	for i, text := range costs {
		cost := parseYuan(t, text)
		d.Cost = d.Cost.Add(cost)
		d.Modes = append(d.Modes, metrics.Part{Key: []string{"postpaid", "prepaid", "realtime", hostileName}[i], Cost: cost})
	}
	return d
}

// newSource returns a source with the title that it has in the program, if it is one of its sources.
func newSource(name string, p metrics.Progress) metrics.Source {
	titles := map[string]string{
		"month_bill": "Monthly bills", "month_consume": "Estimates of months",
		"detail_consume": "Lines of estimates", "detail_bill": "Lines of bills",
	}
	return metrics.Source{Name: name, Title: titles[name], Progress: p}
}

func parseYuan(t *testing.T, text string) billclient.Amount {
	t.Helper()
	amount, err := billclient.ParseAmount(text)
	if err != nil {
		t.Fatal(err)
	}
	return amount
}

// newHandler returns a handler of the pages of a status.
func newHandler(t *testing.T, status func() metrics.Status) http.Handler {
	t.Helper()
	handler, err := New(Options{
		Metrics: http.NotFoundHandler(), MetricsPath: "/metrics", Pprof: true, Status: status,
	})
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// getPage returns the answer to a request for the page of newStatus.
func getPage(t *testing.T, path, languages string) *httptest.ResponseRecorder {
	t.Helper()
	return get(t, newHandler(t, func() metrics.Status { return newStatus(t) }), path, "Accept-Language", languages)
}

// get returns the answer to a request with one header.
func get(t *testing.T, handler http.Handler, path, header, value string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Header.Set(header, value)
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, r)
	return answer
}

var update = flag.Bool("update", false, "write the expected pages anew")

// The whole page without its style, in each language, and then what the page of each account has of its own, unfolded.
// A hostile name is text wherever it appears.
func TestStatusPage(t *testing.T) {
	for lang, file := range map[string]string{"en": "testdata/status.html", "zh-CN": "testdata/status.zh-CN.html"} {
		_, text, _ := strings.Cut(getPage(t, "/", lang).Body.String(), "</style>")
		for _, a := range newStatus(t).Accounts {
			path := "/?more=days&more=messages&account=" + url.QueryEscape(a.Name)
			_, main, _ := strings.Cut(getPage(t, path, lang).Body.String(), "<main>")
			main, _, _ = strings.Cut(main, "</main>")
			text += main
		}
		if *update {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(text, "\n")); diff != "" {
			t.Errorf("page in %s (-want +got):\n%s", lang, diff)
		}
		if strings.Contains(text, "<script") || strings.Contains(text, "<img") {
			t.Errorf("page in %s: a name has become markup", lang)
		}
	}
}

// What is folded unfolds where it is.
func TestUnfold(t *testing.T) {
	for path, want := range map[string]string{
		"/?account=main":   `<p class="more" id="days-0"><a href="?account=main&amp;more=days#days-0" aria-expanded="false">`,
		"/?account=credit": `<a href="?account=credit&amp;more=messages#messages-5-0" aria-expanded="false">`,
	} {
		body := getPage(t, path, "en").Body.String()
		isUnfolded := strings.Contains(body, "wrong key: b") || strings.Contains(body, "day-amounts by")
		if !strings.Contains(body, want) || isUnfolded {
			t.Errorf("%s: no %s, or something is unfolded:\n%s", path, want, body)
		}
	}
}

// The policy allows the page's own style and nothing else.
func TestContentSecurityPolicy(t *testing.T) {
	answer := getPage(t, "/", "en")
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(answer.Body.String())
	if style == nil {
		t.Fatal("the page has no style")
	}
	hash := sha256.Sum256([]byte(style[1]))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
	if got := answer.Header().Get("Content-Security-Policy"); got != want {
		t.Errorf("policy %s, want %s", got, want)
	}
}

func TestAcceptLanguage(t *testing.T) {
	for _, c := range []struct{ path, languages, want string }{
		{"/", "", "en"},
		{"/", "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"},
		{"/", "zh-TW", "zh-CN"},
		{"/", "en-GB,zh;q=0.5", "en"},
		{"/", "de, zh;q=0.1", "zh-CN"},
		{"/", "de", "en"},
		{"/", "\x00;q=x", "en"},
		{"/?lang=zh-CN", "en", "zh-CN"},
		{"/?lang=en", "zh", "en"},
		{"/?lang=<b>", "zh", "zh-CN"},
	} {
		answer := getPage(t, c.path, c.languages)
		title := map[string]string{"en": "Ksyun bill", "zh-CN": "金山云账单"}[c.want]
		if !strings.Contains(answer.Body.String(), `<html lang="`+c.want+`">`) ||
			!strings.Contains(answer.Body.String(), "<title>"+title+"</title>") ||
			strings.Contains(answer.Body.String(), "。 ") ||
			answer.Header().Get("Content-Language") != c.want ||
			strings.Join(answer.Header()["Vary"], ", ") != "Accept-Encoding, Accept-Language" {
			t.Errorf("%s, %q: %v, want %s", c.path, c.languages, answer.Header(), c.want)
		}
	}
}
