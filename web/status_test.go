package web

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"

	"github.com/google/go-cmp/cmp"
)

// hostile is what somebody may call an instance, a product or an account.
const hostile = `</bdi></code><script>alert("%s{{.}}")</script><img src=x onerror='alert(1)'>`

// fixed is a world with all that the page can say: an account as it should be, one without anything but failures, those
// that are refused, one to which more was paid back than it cost and whose key went wrong, one that is new.
func fixed(t *testing.T) collector.Status {
	t.Helper()
	yuan := func(text string) billclient.Amount { return yuan(t, text) }
	noon := time.Date(2026, 11, 2, 12, 0, 0, 0, billclient.Beijing)
	november := billclient.MonthOf(noon)
	first := billclient.DayOf(november.Start())
	lines := yuan("1234567.5")
	return collector.Status{At: noon, Accounts: []collector.AccountStatus{
		{
			Name: "main", CustomerID: "73400575",
			Running: &collector.MonthStatus{
				Month: november, Estimated: true, Until: first.End(), AllModes: true, Total: yuan("1534567.891"),
				Modes: []collector.Part{
					{Key: "postpaid", Cost: yuan("1234567.89")},
					{Key: "prepaid", Cost: yuan("300000")},
					{Key: "realtime", Cost: yuan("0.001")},
					{Key: hostile, Cost: yuan("0")},
				},
				Lines: &lines,
				Products: []collector.Part{
					{Key: "KEC", Name: hostile, Cost: yuan("1000000")},
					{Key: "EIP", Cost: yuan("250000")},
					{Key: "BWS", Name: "共享带宽(BWS)", Cost: yuan("-15432.12")},
				},
				Rest: collector.Part{Cost: yuan("0.01")}, RestCount: 2,
			},
			LastMonth: &collector.MonthStatus{Month: november - 1, AllModes: true, Total: yuan("42000000")},
			ToDate:    &collector.ToDate{Day: first, Running: yuan("1234567.89"), LastMonth: yuan("1300000")},
			Days: []collector.DayCost{
				{Day: first - 2, Cost: yuan("1300000")},
				{Day: first - 1, Cost: yuan("-100000")},
				{Day: first, Cost: yuan("1234567.89")},
			},
			Sources: []collector.SourceStatus{
				{Name: "month_bill", LastSuccess: noon.Add(-10 * time.Second), Data: november.Start()},
				{
					Name: "month_consume", LastSuccess: noon.Add(-3 * time.Hour), Data: first.End().Add(-time.Second),
					FromDisk: true,
				},
				{
					Name: "detail_bill", LastSuccess: noon.Add(-50 * time.Hour), Data: noon.Add(-time.Hour),
					Failed: 2, Reason: billclient.Decode, Error: hostile, Retry: noon.Add(time.Minute),
				},
			},
		},
		{
			Name: hostile, CustomerID: hostile,
			Sources: []collector.SourceStatus{{Name: hostile, Failed: 1, Reason: billclient.Auth, Retry: noon}},
		},
		{Name: "again", Refused: &collector.Refusal{Customer: hostile, ShownBy: "main"}},
		{
			Name: "other", CustomerID: "0008", Refused: &collector.Refusal{Customer: "9", Expected: "0008"},
			Sources: []collector.SourceStatus{
				{Name: "month_bill", LastSuccess: noon},
				{Name: "detail_bill", Failed: 1, Reason: billclient.Auth, Foreign: true, Error: "said", Retry: noon},
			},
		},
		{Name: "nobody", Refused: &collector.Refusal{Expected: "11"}},
		{
			Name: "credit", Running: &collector.MonthStatus{
				Month: november, Modes: []collector.Part{{Key: "postpaid", Cost: yuan("-2100000000.12345678")}},
				Total: yuan("-2100000000.12345678"), Lines: &lines,
			},
			Sources: []collector.SourceStatus{
				{Name: "month_bill", Failed: 4, Reason: billclient.Auth, Error: "wrong key: a", Retry: noon},
				{Name: "month_consume", Failed: 4, Reason: billclient.Auth, Error: "wrong key: b", Retry: noon},
				{Name: "detail_consume", Failed: 1, Reason: billclient.Network, Error: "EOF", Retry: noon},
				{Name: "detail_bill", Failed: 1, Reason: billclient.Auth, Foreign: true, Error: "other", Retry: noon},
			},
		},
		{Name: "new"},
	}}
}

func yuan(t *testing.T, text string) billclient.Amount {
	t.Helper()
	amount, err := billclient.ParseAmount(text)
	if err != nil {
		t.Fatal(err)
	}
	return amount
}

// open asks for the page of the fixed world.
func open(t *testing.T, path, languages string) *httptest.ResponseRecorder {
	t.Helper()
	handler, err := New(Options{
		Metrics: http.NotFoundHandler(), MetricsPath: "/metrics", Pprof: true,
		Status: func() collector.Status { return fixed(t) },
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
		_, body, _ := strings.Cut(open(t, "/", lang).Body.String(), "</style>")
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

// The policy lets in the page's own style and nothing else.
func TestContentSecurityPolicy(t *testing.T) {
	answer := open(t, "/", "en")
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
		answer := open(t, c.path, c.languages)
		title := map[string]string{"en": "Ksyun bill", "zh-CN": "金山云账单"}[c.want]
		if !strings.Contains(answer.Body.String(), `<html lang="`+c.want+`">`) ||
			!strings.Contains(answer.Body.String(), "<title>"+title+"</title>") ||
			strings.Contains(answer.Body.String(), "。 ") ||
			answer.Header().Get("Content-Language") != c.want || answer.Header().Get("Vary") != "Accept-Language" {
			t.Errorf("%s, %q: %v, want %s", c.path, c.languages, answer.Header(), c.want)
		}
	}
}

// Every text has a Chinese one with the same gaps, and there is none for a text that nothing says.
func TestChinese(t *testing.T) {
	said := map[string]bool{"Metrics": true, "Healthy": true, "Ready": true, "Profiles": true}
	for _, file := range []string{"status.html.tmpl", "format.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`(?:\bt |say\()"([^"]+)"`).FindAllSubmatch(text, -1) {
			said[string(match[1])] = true
		}
	}
	for _, names := range []map[string]string{sourceNames, modeNames} {
		for name := range maps.Values(names) {
			said[name] = true
		}
	}
	for _, reason := range append(billclient.Reasons(), foreign) {
		said[reasons[reason].meaning], said[reasons[reason].remedy] = true, true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(said)), slices.Sorted(maps.Keys(chinese))); diff != "" {
		t.Errorf("(-said +translated):\n%s", diff)
	}
	gap := regexp.MustCompile(`%(?:\[\d\])?(?:\.\d)?[sdf]`)
	for english, translated := range chinese {
		if len(gap.FindAllString(english, -1)) != len(gap.FindAllString(translated, -1)) {
			t.Errorf("%q has other gaps than %q", translated, english)
		}
	}
}

func TestFormats(t *testing.T) {
	yuan := func(text string) billclient.Amount { return yuan(t, text) }
	ranked := func(rest string, products ...string) collector.MonthStatus {
		m := collector.MonthStatus{Rest: collector.Part{Cost: yuan(rest)}}
		for _, text := range products {
			m.Products = append(m.Products, collector.Part{Cost: yuan(text)})
		}
		return m
	}
	english := tongues[0]
	noon := time.Date(2026, 11, 2, 12, 0, 0, 0, billclient.Beijing)
	for _, c := range []struct {
		got  any
		want string
	}{
		{cost(yuan("0")), "0.00"},
		{cost(yuan("-0.5")), "-0.50"},
		{cost(yuan("999.00000000")), "999.00"},
		{cost(yuan("1000")), "1,000.00"},
		{cost(yuan("-123456.123456789")), "-123,456.123456789"},
		{cost(yuan("12345678901234567890123.4")), "12,345,678,901,234,567,890,123.40"},
		{share(yuan("0.7"), yuan("1")), "70.0%"},
		{share(yuan("999.99"), yuan("1000")), "99.9%"},
		{share(yuan("1000"), yuan("1000")), "100.0%"},
		{share(yuan("-1050"), yuan("2100000000")), "0.0%"},
		{share(yuan("-0.7"), yuan("10")), "-7.0%"},
		{share(yuan("1"), yuan("0")), ""},
		{coverage(yuan("999.99"), yuan("1000")), "99.9%"},
		{coverage(yuan("0"), yuan("0")), "100.0%"},
		{coverage(yuan("-700"), yuan("-700")), "100.0%"},
		{coverage(yuan("1000.01"), yuan("1000")), ""},
		{coverage(yuan("-1"), yuan("1000")), ""},
		{bar(yuan("-5"), ranked("20", "8", "-5")), "25.0%"},
		{bar(yuan("8"), ranked("4", "8", "-5")), "100.0%"},
		{bar(yuan("0"), ranked("0", "0")), "0%"},
		{english.change(yuan("110"), yuan("100")), "10.0% more"},
		{english.change(yuan("90"), yuan("100")), "10.0% less"},
		{english.change(yuan("100.01"), yuan("100")), "as much"},
		{english.change(yuan("1"), yuan("0")), "not to be compared"},
		{english.change(yuan("0"), yuan("0")), "as much"},
		{english.say("customer %s", "<b>&"), "customer &lt;b&gt;&amp;"},
		{english.say("customer %s", bdi("<b>")), "customer <bdi>&lt;b&gt;</bdi>"},
		{english.age(time.Time{}, noon), "never"},
		{english.age(noon.Add(-59*time.Second), noon), "just now"},
		{english.age(noon.Add(-59*time.Minute), noon), "59 min ago"},
		{english.age(noon.Add(-47*time.Hour), noon), "47 h ago"},
		{english.age(noon.Add(-48*time.Hour), noon), "2 days ago"},
		{english.until(noon), "to <time>2026-11-02 12:00</time>"},
		{english.until(noon.Add(12 * time.Hour)), "to the end of <time>2026-11-02</time>"},
		{english.until(noon.Add(12*time.Hour - time.Second)), "to the end of <time>2026-11-02</time>"},
	} {
		if fmt.Sprint(c.got) != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

// The bars stand on the line of 0, or hang from it: it is where their costs have it, at the bottom if there are none.
func TestDraw(t *testing.T) {
	for _, c := range []struct {
		costs []string
		want  string
	}{
		{[]string{"50", "100"}, "100: 50+50 0+100"},
		{[]string{"300", "-100"}, "75: 0+75 75+25"},
		{[]string{"-50", "-100"}, "0: 0+50 0+100"},
		{[]string{"0", "0"}, "100: 100+0 100+0"},
	} {
		var days []collector.DayCost
		for i, text := range c.costs {
			days = append(days, collector.DayCost{Day: billclient.Day(i), Cost: yuan(t, text)})
		}
		drawn := draw(days)
		got := fmt.Sprintf("%v:", drawn.Zero)
		for _, column := range drawn.Columns {
			got += fmt.Sprintf(" %v+%v", column.Y, column.Height)
		}
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.costs, got, c.want)
		}
	}
}
