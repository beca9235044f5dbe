package billsim

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lineAccount returns a customer with a line of every kind in November, which is running, and a bill of October.
func lineAccount() Account {
	metered := sampleLine()
	metered.StatDate, metered.StartTime, metered.EndTime = "2026-11-02", "2026-11-02 00:00:00", "2026-11-02 23:59:59"
	metered.Tags = []KeyValue{{"env", "prod"}}
	billed := sampleLine()
	billed.BillMonth, billed.StartTime, billed.EndTime = "2026-10", "2026-10-01 00:00:00", "2026-10-25 23:59:59"
	a := accountOf(map[string]Bill{"2026-10": billOf(billed)})
	a.Consume = func(month string) (Consumption, bool) {
		if month != "2026-11" {
			return Consumption{}, false
		}
		return Consumption{Bill: billOf(metered), EndDate: "2026-11-02"}, true
	}
	rack := Purchase{
		ProductCode: "KIS", ProductName: "云数据中心(KIS)", ProjectID: "7", ProjectName: "Search", Cost: 36_000 * Yuan,
		Day: "2026-11-01", StartTime: "2026-11-01 00:00:00", EndTime: "2027-10-31 23:59:59",
		InstanceID: "rack-1", InstanceName: "Rack", SubType: "Cabinet", RegionName: "亦庄(VPC)", ZoneName: "A",
		List: 40_000 * Yuan, Discount: "0.90", AutoRenew: true,
	}
	back := rack
	back.Kind, back.Day, back.StartTime = Refunded, "2026-11-02", "2026-11-02 00:00:00"
	back.ServiceStartTime = rack.StartTime
	back.InstanceID, back.Cost, back.List, back.Remark = "rack-0", -1234*Fen, -1300*Fen, "cancelled"
	server := Purchase{
		ProductCode: "KEC", ProjectID: "0", ProjectName: "Default project", Cost: 31 * Yuan, Kind: Renewed,
		Day: "2026-10-05", StartTime: "2026-10-05 00:00:00", EndTime: "2026-11-04 23:59:59", InstanceID: "kec-1",
		ServiceStartTime: "2025-01-05 09:00:00",
	}
	a.Prepaid = purchases(map[string][]Purchase{"2026-10": {server}, "2026-11": {rack, back}})
	hour := Purchase{
		ProductCode: "KEC", ProjectID: "7", ProjectName: "Search", Cost: Yuan / 1000 * 1234, Day: "2026-11-02",
		InstanceID: "spot-1", Hours: 3,
	}
	a.Realtime = purchases(map[string][]Purchase{"2026-11": {hour}})
	a.Payment = &Payment{Voucher: 10}
	a.Wallet = func() Wallet { return Wallet{Available: 12606 * Fen, Reward: 0, Frozen: 5 * Yuan / 10} }
	return a
}

const firstDays = "&StartDay=2026-11-01&EndDay=2026-11-02"

// sdkActions are the actions whose answers are known from the types in the vendor's SDKs: service and query.
var sdkActions = map[string][2]string{
	"QueryProductConsume":          {"bill-union", productDays + firstDays},
	"QueryProjectConsume":          {"bill-union", projectDays + firstDays},
	"QueryInstanceConsume":         {"bill-union", instanceDays + firstDays},
	"DescribeInstanceSummaryBills": {"bill-union", instanceBill + "&BillMonth=2026-10&Size=20"},
	"DescribeCostBill":             {"bill-union", costBill + "&billMonth=202611&statisticalItem=0"},
	"QueryItemBills":               {"bill-union", itemBills + "&CustomerBillMonth=202610&Size=3"},
	"ListProductGroups":            {"bill-union", "Action=ListProductGroups&Version=2020-01-01"},
	"QueryProductTypes":            {"bill-union", "Action=QueryProductTypes&Version=2025-08-01"},
	"QueryCashWalletAction":        {"kingpay", "Action=QueryCashWalletAction&Version=V1"},
	"QueryInstances":               {"trade", "Action=QueryInstances&Version=2025-08-28"},
}

// TestSDKAnswers compares answers with files. The vendor has no sample of most of these actions: the files are what the
// types in its SDKs make of lineAccount.
func TestSDKAnswers(t *testing.T) {
	_, c := serve(t, lineAccount())
	for action, call := range sdkActions {
		file := "testdata/" + action + ".json"
		status, body := c.getService(call[0], call[1])
		if status != 200 {
			t.Fatalf("%s: %d %s", action, status, body)
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(decodeJSON(t, want), decodeJSON(t, []byte(body))); diff != "" {
			t.Errorf("%s (-file +got):\n%s", action, diff)
		}
	}
}

// TestDayPages checks that pages have the same rows as one big page, and nothing beyond the last.
func TestDayPages(t *testing.T) {
	shop := Demo(noonClock)[0]
	shop.AccessKeyID, shop.SecretAccessKey = "AKSAMPLE", "secret"
	for _, c := range []*client{serveVariant(t, shop), serveVariant(t, shop, WithKeptPages())} {
		for _, query := range []string{productDays, projectDays, instanceDays} {
			query += "&StartDay=2026-11-12&EndDay=2026-11-12&ProductCode=EIP_GROUP"
			_, all := c.getBills(query+"&Size=200", "bills")
			var got []map[string]any
			const size = 7
			for page := 1; page <= (len(all)+size-1)/size+1; page++ {
				data, rows := c.getBills(fmt.Sprintf("%s&Size=%d&Page=%d", query, size, page), "bills")
				got = append(got, rows...)
				head := fmt.Sprintf("%s %s %s", data["page"], data["size"], data["total"])
				if want := fmt.Sprintf("%d %d %d", page, size, len(all)); head != want {
					t.Errorf("%s: page, size, total %s, want %s", query, head, want)
				}
			}
			if diff := cmp.Diff(all, got); diff != "" || len(all) < 6 {
				t.Errorf("%s, %d rows:\n%s", query, len(all), diff)
			}
		}
		for query, want := range map[string]int{"": 20, "&Page=2": 20, "&Page=2147483647&Size=200": 0} {
			if _, rows := c.getBills(instanceDays+daysOfMonth("2026-11")+query, "bills"); len(rows) != want {
				t.Errorf("%q: %d rows, want %d", query, len(rows), want)
			}
		}
	}
}

// TestProductFilter checks that instances can be asked for by product group and by product.
func TestProductFilter(t *testing.T) {
	_, c := serve(t, lineAccount())
	for code, want := range map[string][2]int{
		"": {4, 2}, "VM_GROUP": {2, 2}, "KEC": {2, 2}, "KIS": {2, 0}, "EBS_GROUP": {0, 0},
	} {
		_, days := c.getBills(instanceDays+firstDays+"&ProductCode="+code, "bills")
		_, month := c.getBills(instanceBill+"&Size=9&BillMonth=2026-10&ProductCode="+code, "SummaryOverview")
		if got := [2]int{len(days), len(month)}; got != want {
			t.Errorf("%q: %d rows of days, %d of the month, want %v", code, got[0], got[1], want)
		}
	}
}

func TestSDKRefusals(t *testing.T) {
	invalid := func(name string) string {
		return "InvalidParameter: There is one or more invalid parameter(" + name + ")."
	}
	missing := func(name string) string { return "MissingParameter: The parameter " + name + " is missing." }
	const trade, day = "Action=QueryInstances&Version=2025-08-28", "&StartDay=2026-11-01"
	tests := []struct{ service, query, want string }{
		{unionService, instanceDays + "&EndDay=2026-11-01", missing("StartDay")},
		{unionService, productDays + day, missing("EndDay")},
		{unionService, projectDays + day + "&EndDay=2026-10-31", invalid("EndDay")},
		{unionService, instanceDays + day + "&EndDay=2026-12-01", invalid("EndDay")},
		{unionService, instanceDays + day + "&EndDay=2026-11-31", invalid("EndDay")},
		{unionService, instanceDays + "&StartDay=20261101&EndDay=2026-11-01", invalid("StartDay")},
		{unionService, instanceDays + "&StartDay=2018-05-31&EndDay=2018-05-31", invalid("StartDay")},
		{unionService, instanceDays + firstDays + "&Size=201", invalid("Size")},
		{unionService, productDays + firstDays + "&Size=0", invalid("Size")},
		{unionService, projectDays + firstDays + "&Page=0", invalid("Page")},
		{unionService, projectDays + firstDays + "&Page=one", invalid("Page")},
		{unionService, instanceBill + "&Size=10", missing("BillMonth")},
		{unionService, instanceBill + "&Size=10&BillMonth=202610", invalid("BillMonth")},
		{unionService, instanceBill + "&BillMonth=2026-10", missing("Size")},
		{unionService, instanceBill + "&BillMonth=2026-10&Size=1001", invalid("Size")},
		{unionService, itemBills, missing("CustomerBillMonth")},
		{unionService, itemBills + "&CustomerBillMonth=2026-10", invalid("CustomerBillMonth")},
		{unionService, itemBills + "&CustomerBillMonth=202110", invalid("CustomerBillMonth")},
		{unionService, itemBills + "&CustomerBillMonth=202610&PayType=3", invalid("PayType")},
		{unionService, itemBills + "&CustomerBillMonth=202610&Size=1001", invalid("Size")},
		{unionService, itemBills + "&CustomerBillMonth=202610&LastSortValue=x", invalid("LastSortValue")},
		{payService, sdkActions["QueryCashWalletAction"][1] + "&subject=3", invalid("subject")},
		{payService, "Action=QueryCashWalletAction&Version=2020-01-01", "INVALID_ACTION: Not Found"},
		{tradeService, trade + "&page=0", invalid("page")},
		{tradeService, trade + "&size=1001", invalid("size")},
		{tradeService, trade + "&status=13", invalid("status")},
		{tradeService, trade + "&renewStrategy=auto", invalid("renewStrategy")},
		{tradeService, trade + "&billingEndTimeTo=2026-12-01", invalid("billingEndTimeTo")},
		{tradeService, "Action=QueryInstances&Version=2020-01-01", "INVALID_ACTION: Not Found"},
	}
	_, c := serve(t, lineAccount())
	for _, tt := range tests {
		status, body := c.getService(tt.service, tt.query)
		if got := errorOf(t, body); got != tt.want || status < 400 {
			t.Errorf("%s: %d %s\nwant %s", tt.query, status, got, tt.want)
		}
	}
}

// TestSDKActionsDenied checks signatures, rights and switched-off actions for each of these actions.
func TestSDKActionsDenied(t *testing.T) {
	denied := lineAccount()
	for action := range sdkActions {
		denied.Denied = append(denied.Denied, action)
	}
	sub := denied
	sub.DeniedByIAM = true
	union := lineAccount()
	union.UnionDenied = true
	for action, call := range sdkActions {
		service, query := call[0], call[1]
		tests := []struct {
			name    string
			client  *client
			service string
			want    string
		}{
			{"denied", serveVariant(t, denied), service, "Forbidden Request: user 73400575 forbidden request this api"},
			{
				"denied by IAM", serveVariant(t, sub), service, "InvalidAuthenticationCode: lack of policy to [" +
					service + ":" + strings.ToLower(action) + "] the resources[]",
			},
			{
				"switched off", serveVariant(t, lineAccount(), WithoutActions("GetMonthBill"), WithoutActions(action)),
				service, "INVALID_ACTION: Not Found",
			},
			{
				"another service", serveVariant(t, union), "bill",
				`SignatureDoesNotMatch: Credential is for service "bill", not "` + service + `".`,
			},
		}
		for _, tt := range tests {
			if _, body := tt.client.getService(tt.service, query); errorOf(t, body) != tt.want {
				t.Errorf("%s, %s: %s", action, tt.name, body)
			}
		}
		status, body := serveVariant(t, union).getService(service, query)
		if want := map[bool]int{true: 400, false: 200}[service == "bill-union"]; status != want {
			t.Errorf("%s without bill-union: %d %s", action, status, body)
		}
	}
}

// TestDayVariants checks how options change answers.
func TestDayVariants(t *testing.T) {
	const query = instanceDays + "&StartDay=2026-11-02&EndDay=2026-11-02&ProductCode=VM_GROUP"
	const wallet = "Action=QueryCashWalletAction&Version=V1"
	products, edge := productDays+firstDays, wallet+"&subject=2"
	tests := []struct {
		name, query string
		options     []Option
		want        []string
	}{
		{"usual", query, nil, []string{
			`{"Success":true,"RequestId":"ID","Data":{"page":1,"size":20,"total":2,"bills":[{`, `"billDay":20261102`,
			`"payType":1,"payTypeName":"按量付费"`, `"billRealAmount":55,"originalAmount":"73.33"`, `"cash":49.5`,
			`"configInfo":["SSD size in GB: 50.0000",`, `"tagInfo":["env: prod"]}]}}`, `"billMonth":202611`,
		}},
		{"lower", query, []Option{WithEnvelope(LowerEnvelope)}, []string{
			`{"status":200,"requestId":"ID","data":{"page":1,"size":20,"total":2,"bills":[{`,
			`}]},"error":null,"ok":true}`, `"billRealAmount":"1.234","originalAmount":"1.234"`, `"cash":"49.50"`,
		}},
		{"lower with numbers", query, []Option{WithEnvelope(LowerEnvelope), WithMoney(AsNumber)}, []string{
			`"billRealAmount":1.234,"originalAmount":"1.234"`,
		}},
		{"texts", query, []Option{WithMoney(AsString), WithDayText(), WithObjectSets(), WithEnglish()}, []string{
			`{"Success":true,`, `"billRealAmount":"55.00"`, `"billDay":"2026-11-02"`, `"payTypeName":"Pay-As-You-Go"`,
			`"billDetailTypeName":"Consumption"`, `"tagInfo":[{"key":"env","value":"prod"}]`,
		}},
		{"products", products, nil, []string{
			`{"status":200,"requestId":"ID","data":{`, `"billMonth":"202611"`, `"prePayRefundAmount":"-12.34"`,
			`"productGroupId":106`,
		}},
		{"products in capitals", products, []Option{WithEnvelope(CapitalEnvelope)}, []string{
			`{"Success":true,`, `"36000.00"`,
		}},
		{"products in numbers", products, []Option{WithMoney(AsNumber), WithDayText()}, []string{
			`"prePayCost":36000,`, `"billDay":"2026-11-01"`,
		}},
		{"wallet", wallet, nil, []string{
			`"userId":"73400575","availableAmount":126.06,"rewardAmount":0,"frozenAmount":0.5`,
		}},
		{"wallet in strings", wallet, []Option{WithMoney(AsString)}, []string{
			`"customerId":"73400575","availableAmount":"126.06"`,
		}},
		{"wallet of the edge", edge, nil, []string{`"availableAmount":0,`}},
		{"English instances", instanceBill + "&BillMonth=2026-10&Size=1", []Option{WithEnglish()}, []string{
			`"PayMode":"Prepaid"`, `"TotalCount":2`,
		}},
	}
	for _, tt := range tests {
		c := serveVariant(t, lineAccount(), tt.options...)
		_, body := c.getService(serviceOf(actionIn(tt.query)), tt.query)
		body = requestIDs.ReplaceAllString(body, "ID")
		for _, want := range tt.want {
			if !strings.Contains(body, want) {
				t.Errorf("%s: no %s in %s", tt.name, want, body)
			}
		}
	}
}

func actionIn(query string) string {
	action, _, _ := strings.Cut(strings.TrimPrefix(query, "Action="), "&")
	return action
}

// TestSDKFaults checks that every kind of fault applies to each of these actions.
func TestSDKFaults(t *testing.T) {
	rename := func(n int, l *Line) {
		if n == 1 {
			l.CostText, l.BillMonth, l.StatDate, l.EndTime = "n/a", "2001-02", "2001-02-03", "2001-02-03 04:05:06"
		}
	}
	edited := map[string][]string{
		"QueryProductConsume":          {`"n/a"`, `"200102"`, `20010203`},
		"QueryProjectConsume":          {`"n/a"`, `"200102"`, `20010203`},
		"QueryInstanceConsume":         {`"billRealAmount":"n/a"`, `200102,`, `20010203`},
		"DescribeInstanceSummaryBills": {`"RealCost":"n/a"`, `"BillMonth":"2001-02"`},
		"DescribeCostBill":             {`"totalBalance":"n/a"`, `"billMonth":"2001-02"`},
		"QueryItemBills":               {`"BillMonth":200102,`, `"BillEndTime":"2001-02-03 04:05:06"`},
		"QueryCashWalletAction":        {`"availableAmount":"n/a"`},
		"QueryInstances":               {`"billingEndTime":"2001-02-03 04:05:06"`},
	}
	for action, call := range sdkActions {
		s, c := serve(t, lineAccount())
		_, whole := c.getService(call[0], call[1])
		ask := func(f Fault) (int, string) {
			f.Action, f.Times = action, 1
			s.Fault(f)
			status, body := c.getService(call[0], call[1])
			return status, requestIDs.ReplaceAllString(body, "ID")
		}
		if status, body := ask(Refuse(StatusError, 200, "C", "M")); status != 200 ||
			body != `{"status":200,"requestId":"ID","data":null,"error":"C: M","ok":false}` {
			t.Errorf("%s refused: %d %s", action, status, body)
		}
		if _, body := ask(Refuse(SuccessError, 500, "C", "M")); body !=
			`{"Success":false,"RequestId":"ID","Error":{"Code":"C","Message":"M"}}` {
			t.Errorf("%s refused: %s", action, body)
		}
		if status, _ := ask(Busy(429, 0)); status != 429 {
			t.Errorf("%s throttled: %d", action, status)
		}
		if _, body := ask(Fault{End: Cut, AfterBytes: 40}); len(body) > 40 {
			t.Errorf("%s cut: %s", action, body)
		}
		if _, body := ask(Break(Cut, 1)); len(body) >= len(whole) && action != "QueryCashWalletAction" {
			t.Errorf("%s cut after a line: %s", action, body)
		}
		if _, body := ask(Fault{Gzip: true, Length: true}); body != requestIDs.ReplaceAllString(whole, "ID") {
			t.Errorf("%s in gzip: %s", action, body)
		}
		_, body := ask(Fault{Edit: rename})
		for _, want := range edited[action] {
			if !strings.Contains(body, want) {
				t.Errorf("%s edited: no %s in %s", action, want, body)
			}
		}
	}
}

// TestSDKPageFaults checks the faults of pages.
func TestSDKPageFaults(t *testing.T) {
	names := func(c *client, service, query, page string) string {
		var found []string
		_, body := c.getService(service, query+page)
		for _, part := range strings.Split(body, `"instanceId":"`)[1:] {
			found = append(found, part[:strings.Index(part, `"`)])
		}
		total := body[strings.Index(body, `"total":`):]
		return total[len(`"total":`):strings.Index(total, ",")] + " " + strings.Join(found, " ")
	}
	const kec = "c35d5c4a-06e6-446c-811f-db5380e8627c"
	tests := []struct {
		name              string
		fault             Fault
		instances, bought string // of page 2
	}{
		{"none", Fault{}, "4 spot-1 " + kec, "3 rack-0"},
		{"changed total", ChangedTotal(2, 5), "9 spot-1 " + kec, "8 rack-0"},
		{"missing page", MissingPage(2), "4 ", "3 "},
		{"repeated page", RepeatedPage(2), "4 rack-1 rack-0", "3 kec-1 rack-1"},
		{"early page", EarlyPage(2, 1), "4 rack-0 spot-1", "3 rack-1 rack-0"},
		{"page 1", MissingPage(1), "4 spot-1 " + kec, "3 rack-0"},
	}
	for _, tt := range tests {
		s, c := serve(t, lineAccount())
		s.Fault(tt.fault)
		if got := names(c, unionService, instanceDays+firstDays, "&Size=2&Page=2"); got != tt.instances {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.instances)
		}
		if got := names(c, tradeService, sdkActions["QueryInstances"][1], "&size=2&page=2"); got != tt.bought {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.bought)
		}
	}
}

// TestSDKForms checks that fields and sets can be missing, null and of another type.
func TestSDKForms(t *testing.T) {
	tests := []struct {
		action string
		forms  map[string]Form
		want   string
	}{
		{"QueryProductConsume", map[string]Form{"data": Null}, `"data":null,"error":null,"ok":true}`},
		{"QueryProjectConsume", map[string]Form{"bills": Missing, "ok": Missing}, `"total":3},"error":null}`},
		{"QueryInstanceConsume", map[string]Form{"Data": Missing}, `"RequestId":"ID"}`},
		{"QueryInstanceConsume", map[string]Form{"billRealAmount": AsString}, `"billRealAmount":"55"`},
		{"QueryProductConsume", map[string]Form{"billFinalAmount": AsNumber}, `"billFinalAmount":36000.00`},
		{"DescribeInstanceSummaryBills", map[string]Form{"ProductSubTyeName": Missing}, `"云服务器","InstanceId"`},
		{"DescribeInstanceSummaryBills", map[string]Form{"SummaryOverview": Null}, `"SummaryOverview":null}`},
		{"QueryItemBills", map[string]Form{"bills": Null, "lastSortValue": Missing}, `"Data":{"bills":null}}`},
		{"ListProductGroups", map[string]Form{"Id": AsString}, `"Id":"106"`},
		{"QueryCashWalletAction", map[string]Form{"availableAmount": Null}, `"availableAmount":null`},
		{"QueryInstances", map[string]Form{"retResponse": Null}, `"data":{"total":3,"retResponse":null}}`},
	}
	for _, tt := range tests {
		s, c := serve(t, lineAccount())
		s.Fault(Fault{Forms: tt.forms})
		call := sdkActions[tt.action]
		_, body := c.getService(call[0], call[1])
		if !strings.Contains(requestIDs.ReplaceAllString(body, "ID"), tt.want) {
			t.Errorf("%s, %v: no %s in %s", tt.action, tt.forms, tt.want, body)
		}
	}
	_, c := serve(t, lineAccount())
	c.accept = "application/xml"
	for action, want := range map[string]string{
		"QueryProductConsume": "<error></error><ok>true</ok></QueryProductConsumeResponse>",
		"QueryInstances":      "</retResponse></data></QueryInstancesResponse>",
	} {
		if _, body := c.getService(sdkActions[action][0], sdkActions[action][1]); !strings.Contains(body, want) {
			t.Errorf("%s: no %s in %s", action, want, body)
		}
	}
}
