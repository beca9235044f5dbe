package billsim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// noon is a day in the middle of November 2026.
var noon = time.Date(2026, 11, 17, 4, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

const monthQuery = "Version=2018-06-01&BillStartMonth=2018-06&BillEndMonth=2018-06"

// sampleAccount is the customer of the vendor's samples: KEC 66 in two lines, KRDS 174, Redis 101.25, KS3 0.
func sampleAccount(detail Line) Account {
	other := func(code, name string, cost Amount) Line {
		return Line{ProductCode: code, ProductName: name, Cost: cost, ProjectID: "0", ProjectName: "Default project"}
	}
	lines := []Line{
		detail,
		other("KEC", "KEC", 11*Yuan),
		other("KRDS", "KRDS", 174*Yuan),
		other("Redis", "Kingsoft Cloud Redis", 10125*Fen),
		other("KS3", "KS3", 0),
	}
	return accountOf(map[string]Bill{"2018-06": billOf(lines...)})
}

func accountOf(bills map[string]Bill) Account {
	return Account{
		AccessKeyID:     "AKSAMPLE",
		SecretAccessKey: "secret",
		CustomerID:      "73400575",
		Bills: func(month string) (Bill, bool) {
			bill, ok := bills[month]
			return bill, ok
		},
	}
}

func billOf(lines ...Line) Bill {
	return Bill{Lines: func(yield func(Line) bool) {
		for _, l := range lines {
			if !yield(l) {
				return
			}
		}
	}}
}

// numbered are so many lines of a yuan.
func numbered(n int) Bill {
	lines := make([]Line, n)
	for i := range lines {
		lines[i] = Line{DetailBillNo: string(rune('a' + i)), ProductCode: "KEC", Cost: Yuan, ProjectID: "0"}
	}
	return billOf(lines...)
}

// sampleLine is the line of the vendor's JSON sample.
func sampleLine() Line {
	return Line{
		DetailBillNo:       "000000017299675",
		StartTime:          "2018-06-01 00:00:00",
		EndTime:            "2018-06-25 23:59:59",
		ProductCode:        "KEC",
		ProductName:        "KEC",
		ProductSubTypeName: "Local high-performance KEC instance",
		InstanceID:         "c35d5c4a-06e6-446c-811f-db5380e8627c",
		InstanceName:       "KSC180308172229_1",
		Cost:               55 * Yuan,
		ServiceStartTime:   "2018-03-08 17:22:54",
		BillType:           "Pay-By-Daily-Config",
		BillDays:           25,
		RegionName:         "Yizhuang (VPC)",
		ZoneName:           "Availability zone A of CN North 1 (Beijing)",
		MeasureAmount:      7333 * Fen,
		Discount:           "0.75",
		ProjectID:          "0",
		ProjectName:        "Default project",
		Providers:          []KeyValue{{"Operating system", "linux"}},
		Configs: []KeyValue{
			{"SSD size in GB", "50.0000"},
			{"Number of CPU cores", "1.0000"},
			{"Size of the SATA disk, in GB", ""},
			{"Memory size, in GB", "1.0000"},
		},
		Extras: []KeyValue{{"Private IP address", "10.136.26.121"}, {"Public IP address", ""}},
	}
}

// client signs and asks as a client of the API does.
type client struct {
	t      *testing.T
	url    string
	accept string
	http   *http.Client
}

// serve is a server at noon, over TCP, and a client that wants JSON.
func serve(t *testing.T, accounts ...Account) (*Server, *client) {
	t.Helper()
	s := New(accounts, WithClock(atNoon))
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	transport := &http.Transport{DisableKeepAlives: true}
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c := &http.Client{Transport: transport, CheckRedirect: noRedirect, Timeout: time.Minute}
	return s, &client{t: t, url: h.URL, accept: "application/json", http: c}
}

// do asks and hands out the answer as it stands, its body unread.
func (c *client) do(query string) (*http.Response, error) {
	c.t.Helper()
	r := c.request(query)
	signHeader(r, "AKSAMPLE", "secret", noon)
	return c.http.Do(r)
}

func (c *client) request(query string) *http.Request {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.url+"/?"+query, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Accept", c.accept)
	return r
}

// get is the whole answer.
func (c *client) get(query string) (status int, body string) {
	c.t.Helper()
	resp, err := c.do(query)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, c.read(resp)
}

func (c *client) read(resp *http.Response) string {
	c.t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(body)
}

// errorOf is code and message of an error of the billing pages.
func errorOf(t *testing.T, body string) string {
	t.Helper()
	var e struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return e.Error.Code + ": " + e.Error.Message
}

// signHeader signs as SDKs do, with the arithmetic that the published vector pins.
func signHeader(r *http.Request, key, secret string, now time.Time) {
	g := newTestSignature(key, now)
	g.headers = []string{"host", "x-amz-date"}
	r.Header.Set("X-Amz-Date", g.stamp)
	r.Host = r.URL.Host
	authorize(r, &g, secret)
}

func authorize(r *http.Request, g *signature, secret string) {
	r.Header.Set("Authorization", algorithm+" Credential="+g.accessKeyID+"/"+strings.Join(g.scope, "/")+
		", SignedHeaders="+strings.Join(g.headers, ";")+", Signature="+g.sign(secret, g.canonicalRequest(r, emptyHash)))
}

const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func newTestSignature(key string, now time.Time) signature {
	stamp := now.UTC().Format(stampForm)
	return signature{
		accessKeyID: key,
		scope:       []string{stamp[:8], "cn-beijing-6", billService, scopeEnd},
		stamp:       stamp,
	}
}
