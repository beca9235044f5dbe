package web

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
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
// failures, the refused ones, one with more refunds than costs and a wrong key, and one that is new.
func newStatus(t *testing.T) metrics.Status {
	t.Helper()
	yuan := func(text string) billclient.Amount { return parseYuan(t, text) }
	noon := time.Date(2026, 11, 2, 12, 0, 0, 0, billclient.Beijing)
	november := billclient.MonthOf(noon)
	first := billclient.DayOf(november.Start())
	lines := yuan("1234567.5")
	restored := newSource("month_consume", metrics.Progress{
		LastSuccess: noon.Add(-3 * time.Hour), Data: first.End().Add(-time.Second),
	})
	restored.FromDisk = true
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
				Modes: []metrics.Part{
					{Key: "postpaid", Cost: yuan("1234567.89")},
					{Key: "prepaid", Cost: yuan("300000")},
					{Key: "realtime", Cost: yuan("0.001")},
					{Key: hostileName, Cost: yuan("0")},
				},
				Lines: &lines,
				Products: []metrics.Part{
					{Key: "KEC", Name: hostileName, Cost: yuan("1000000")},
					{Key: "EIP", Cost: yuan("250000")},
					{Key: "BWS", Name: "共享带宽(BWS)", Cost: yuan("-15432.12")},
				},
				Rest: metrics.Part{Cost: yuan("0.01")}, RestCount: 2,
			},
			LastMonth: &metrics.MonthStatus{Month: november - 1, AllModes: true, Total: yuan("42000000")},
			ToDate:    &metrics.ToDate{Day: first, Running: yuan("1234567.89"), LastMonth: yuan("1300000")},
			Days: []metrics.DayCost{
				{Day: first - 2, Cost: yuan("1300000")},
				{Day: first - 1, Cost: yuan("-100000")},
				{Day: first, Cost: yuan("1234567.89")},
			},
			Sources: []metrics.Source{
				newSource("month_bill", metrics.Progress{
					LastSuccess: noon.Add(-10 * time.Second), Data: november.Start(),
				}),
				restored,
				newSource("detail_bill", metrics.Progress{
					LastSuccess: noon.Add(-50 * time.Hour), Data: noon.Add(-time.Hour),
					Failed: 2, Reason: billclient.Decode, Error: hostileName, Retry: noon.Add(time.Minute),
				}),
			},
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
				Total: yuan("-2100000000.12345678"), Lines: &lines,
			},
			Sources: []metrics.Source{
				failing("month_bill", 4, billclient.Auth, "wrong key: a", false),
				failing("month_consume", 4, billclient.Auth, "wrong key: b", false),
				failing("detail_consume", 1, billclient.Network, "EOF", false),
				failing("detail_bill", 1, billclient.Auth, "other", true),
			},
		},
		{Name: "new"},
	}}
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

// getPage returns the answer to a request for the page of newStatus.
func getPage(t *testing.T, path, languages string) *httptest.ResponseRecorder {
	t.Helper()
	handler, err := New(Options{
		Metrics: http.NotFoundHandler(), MetricsPath: "/metrics", Pprof: true,
		Status: func() metrics.Status { return newStatus(t) },
	})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Header.Set("Accept-Language", languages)
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, r)
	return answer
}

// The whole page without its style, in each language. A hostile name is text wherever it appears.
func TestStatusPage(t *testing.T) {
	for lang, file := range map[string]string{"en": "testdata/status.html", "zh-CN": "testdata/status.zh-CN.html"} {
		_, body, _ := strings.Cut(getPage(t, "/", lang).Body.String(), "</style>")
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(body, "\n")); diff != "" {
			t.Errorf("page in %s (-want +got):\n%s", lang, diff)
		}
		if strings.Contains(body, "<script") || strings.Contains(body, "<img") {
			t.Errorf("page in %s: a name has become markup", lang)
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
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
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
			answer.Header().Get("Content-Language") != c.want || answer.Header().Get("Vary") != "Accept-Language" {
			t.Errorf("%s, %q: %v, want %s", c.path, c.languages, answer.Header(), c.want)
		}
	}
}
