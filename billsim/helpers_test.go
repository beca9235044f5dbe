package billsim

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// noon is a day in the middle of November 2026.
var noon = time.Date(2026, 11, 17, 4, 0, 0, 0, time.UTC)

func noonClock() time.Time { return noon }

const monthQuery = "Version=2018-06-01&BillStartMonth=2018-06&BillEndMonth=2018-06"

// sampleAccount returns the customer of the vendor's samples: KEC 66 in two lines, KRDS 174, Redis 101.25, KS3 0.
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

// numberedBill returns a bill of n lines of a yuan with the numbers a, b, c and so on.
func numberedBill(n int) Bill {
	lines := make([]Line, n)
	for i := range lines {
		lines[i] = Line{DetailBillNo: string(rune('a' + i)), ProductCode: "KEC", Cost: Yuan, ProjectID: "0"}
	}
	return billOf(lines...)
}

// sampleLine returns the line of the vendor's JSON sample.
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

// client signs and sends calls as a client of the API does.
type client struct {
	t      *testing.T
	url    string
	accept string
	http   *http.Client
}

// serve returns a server over TCP whose clock says noon, and a client that accepts JSON.
func serve(t *testing.T, accounts ...Account) (*Server, *client) {
	t.Helper()
	s := New(accounts, WithClock(noonClock))
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	transport := &http.Transport{DisableKeepAlives: true}
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c := &http.Client{Transport: transport, CheckRedirect: noRedirect, Timeout: time.Minute}
	return s, &client{t: t, url: h.URL, accept: "application/json", http: c}
}

// do sends a signed call and returns the answer with its body unread.
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

// get returns the whole answer to a signed call.
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

// errorOf returns code and message of an error in the form of the billing pages.
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

// signHeader signs as SDKs do. TestPublishedVector checks the arithmetic that it uses.
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

// getRefusal sends a signed request that has to be refused.
func (c *client) getRefusal(r *http.Request) (status int, message string) {
	c.t.Helper()
	resp, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, errorOf(c.t, c.read(resp))
}

// getUnion returns the whole answer to a call that is signed for bill-union.
func (c *client) getUnion(query string) (status int, body string) {
	c.t.Helper()
	return c.getService("bill-union", query)
}

// getService returns the whole answer to a call that is signed for a service.
func (c *client) getService(service, query string) (status int, body string) {
	c.t.Helper()
	r := c.request(query)
	signService(r, "AKSAMPLE", service)
	resp, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, c.read(resp)
}

// getBills returns what is around the list with the name in an answer, and its rows.
func (c *client) getBills(query, list string) (holder map[string]any, rows []map[string]any) {
	c.t.Helper()
	status, body := c.getUnion(query)
	if status != 200 {
		c.t.Fatalf("%s: %d %s", query, status, body)
	}
	holder = decodeJSON(c.t, []byte(body)).(map[string]any)
	for _, name := range []string{"data", "Data"} {
		if data, ok := holder[name].(map[string]any); ok {
			holder = data
		}
	}
	for _, row := range holder[list].([]any) {
		rows = append(rows, row.(map[string]any))
	}
	return holder, rows
}

// getAllBills returns the rows of all pages of an action about days, whose total has to be their number.
func (c *client) getAllBills(query string) []map[string]any {
	c.t.Helper()
	var all []map[string]any
	for page := 1; ; page++ {
		data, rows := c.getBills(fmt.Sprintf("%s&Size=200&Page=%d", query, page), "bills")
		if all = append(all, rows...); len(rows) < 200 {
			if total := fmt.Sprint(data["total"]); total != strconv.Itoa(len(all)) {
				c.t.Errorf("%s: %d rows, total %s", query, len(all), total)
			}
			return all
		}
	}
}

const (
	linesQuery  = "Action=GetPostpayDetailBill&" + monthQuery
	detailQuery = linesQuery + "&ProductCode=KEC&ProjectId=0"
)

// decodeJSON decodes an answer without its request id. It keeps numbers as they are written: 66 is not 66.0.
func decodeJSON(t *testing.T, data []byte) any {
	t.Helper()
	var tree map[string]any
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	if err := d.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"RequestId", "requestId", "request_id"} {
		delete(tree, id)
	}
	return tree
}

// node is an XML element without the white space around its text.
type node struct {
	Name  string
	Text  string
	Nodes []node
}

func (n *node) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	var raw struct {
		Text  string `xml:",chardata"`
		Nodes []node `xml:",any"`
	}
	if err := d.DecodeElement(&raw, &start); err != nil {
		return err
	}
	n.Name, n.Text = strings.ToLower(start.Name.Local), strings.TrimSpace(raw.Text)
	for _, child := range raw.Nodes {
		if child.Name != "requestid" {
			n.Nodes = append(n.Nodes, child)
		}
	}
	return nil
}

func decodeXML(t *testing.T, data []byte) any {
	t.Helper()
	var tree node
	if err := xml.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

const (
	consumeQuery = "Action=getMonthConsume&Version=2018-06-01&BillMonth=2026-11"
	daysQuery    = "Action=getPostpayDetailConsume&Version=2018-06-01&BillMonth=2026-11"
)

const acceptJSON, acceptXML = "application/json", "application/xml"

// askServer calls the server without a network, at the time of its clock.
func askServer(t *testing.T, s *Server, accept, query string) (status int, body string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://bill.api.ksyun.com/?"+query, nil)
	r.Header.Set("Accept", accept)
	signHeader(r, "AKSAMPLE", "secret", s.now())
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

var (
	requestIDs = regexp.MustCompile(`b1115100-[-0-9a-f]+`)
	wholeLines = regexp.MustCompile(`\{"DetailBillNo":"(.)".*?"TagSet":\[\]\}`)
)

// describeOutcome returns what a client got, with request ids and whole lines shortened.
func describeOutcome(resp *http.Response, err error) string {
	if err != nil {
		return lastCause(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	text := wholeLines.ReplaceAllString(requestIDs.ReplaceAllString(string(body), "ID"), "$1")
	seen := fmt.Sprintf("%d %s %s", resp.StatusCode, strings.Join(resp.Header["Content-Type"], ""), text)
	if err != nil {
		return seen + " then " + lastCause(err)
	}
	return seen
}

// lastCause returns the last part of an error's text.
func lastCause(err error) string {
	text := err.Error()
	return strings.TrimSpace(text[strings.LastIndex(text, ":")+1:])
}

func beijingClock(text string) func() time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", text, time.FixedZone("UTC+8", 8*60*60))
	return func() time.Time {
		if err != nil {
			panic(err)
		}
		return t
	}
}

func newRat(a Amount) *big.Rat { return big.NewRat(int64(a), int64(Yuan)) }

func formatNumber(v any) string {
	r, _ := new(big.Rat).SetString(v.(interface{ String() string }).String())
	return r.FloatString(8)
}

// ratSums are sums by their keys: "", product, /project, product/project.
type ratSums map[string]*big.Rat

func newRatSums() ratSums { return ratSums{} }

func (s ratSums) add(product, project string, cost *big.Rat) {
	for _, key := range []string{"", product, "/" + project, product + "/" + project} {
		if s[key] == nil {
			s[key] = new(big.Rat)
		}
		s[key].Add(s[key], cost)
	}
}

func (s ratSums) texts() map[string]string {
	texts := map[string]string{}
	for key, sum := range s {
		texts[key] = sum.FloatString(8)
	}
	return texts
}

func addCost(sums map[string]*big.Rat, key string, cost *big.Rat) {
	if sums[key] == nil {
		sums[key] = new(big.Rat)
	}
	sums[key].Add(sums[key], cost)
}

// countOddities counts what is difficult about a line.
func countOddities(seen map[string]int, l *Line) {
	for kind, is := range map[string]bool{
		"negative":    l.Cost < 0,
		"zero":        l.Cost == 0,
		"no instance": l.InstanceID == "",
		"tags":        len(l.Tags) > 0,
		"no tags":     len(l.Tags) == 0,
		"mid month":   !strings.HasSuffix(l.StartTime, "-01 00:00:00"),
		"hours":       l.BillHours > 0,
		"long":        l.MeasureAmount%Fen != 0,
	} {
		if is {
			seen[kind]++
		}
	}
}
