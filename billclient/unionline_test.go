package billclient

import (
	"bytes"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Lines for the tests of all envelopes, with every field that is read.
const (
	instanceDay = `{"aliasName":null,"userId":"73400575","billMonth":"202610","customerBillMonth":"202610",` +
		`"billDay":"20261005","currencyCode":"CNY","exchangeRate":1,"id":"000017x",` +
		`"billStartTime":"2026-10-05 10:00:00","billEndTime":"2027-10-05 10:00:00","instanceId":"i-1",` +
		`"instanceName":"web","productTypeId":"7",` +
		`"productTypeName":"标准型","productGroupId":"41","productGroupName":"云服务器","payType":"0","payTypeName":"预付费",` +
		`"billType":0,"billTypeName":"包年包月","billRealAmount":"900.50","originalAmount":"1200.00","discount":"0.75",` +
		`"regionCode":"cn-beijing-6","regionName":"华北1（北京）","availabilityZone":"可用区A","projectId":"103800",` +
		`"projectName":"广告","ruleRemark":"续费","serviceBegionTime":"2025-10-05 10:00:00",` +
		`"configInfo":["CPU: 4","GPU"],"priceFactorInfo":null,"extraInfo":[],` +
		`"tagInfo":[{"Key":"部门","Value":"广告"},{"tagKey":"env","tagValue":""}]}`
	instanceMonth = `{"BillsNo":"000000000552791","CustomerBillMonth":"2026-10","BillMonth":"2026-10",` +
		`"ProductName":"云服务器","ProductSubTyeName":"标准型","InstanceId":"i-1","InstanceName":"web","Currency":"CNY",` +
		`"DetailBillStartTime":"2026-10-05 00:00:00","DetailBillEndTime":"2026-11-04 23:59:59",` +
		`"ServiceBillStartTime":"2025-10-05 10:00:00","PayMode":"预付费","BillTypeName":"包年包月","RegionCode":"",` +
		`"RegionName":"华北1（北京）","ZoneName":"可用区A","ProjectName":"广告","Duration":"2678400","Remark":"",` +
		`"Cost":"1200.00","RealCost":"900.50","ConfigSet":[{"Key":"CPU","Code":"cpu","Value":"4"}],` +
		`"TagSet":[{"Key":"部门","Value":"广告"}],"ConsumeResources":[{"x":[1]}]}`
)

func wantInstanceDay() UnionLine {
	return UnionLine{
		BillNo: "000017x", Day: octoberDay, Month: october, CustomerID: "73400575", PayMode: Prepaid,
		BillingMode: "包年包月", ProductGroupID: "41", ProductGroupName: "云服务器", ProductTypeID: "7",
		ProductTypeName: "标准型", InstanceID: "i-1", InstanceName: "web", Cost: mustAmount("900.5"),
		ListCost: mustAmount("1200"), StartTime: "2026-10-05 10:00:00", EndTime: "2027-10-05 10:00:00",
		ServiceStartTime: "2025-10-05 10:00:00", RegionCode: "cn-beijing-6", RegionName: "华北1（北京）",
		ZoneName: "可用区A", ProjectID: "103800", ProjectName: "广告", Remark: "续费",
		Configs: []KeyValue{{"CPU", "4"}, {"GPU", ""}}, Tags: []KeyValue{{"部门", "广告"}, {"env", ""}},
	}
}

func wantInstanceMonth() UnionLine {
	return UnionLine{
		BillNo: "000000000552791", Month: october, PayMode: Prepaid, BillingMode: "包年包月",
		ProductGroupName: "云服务器", ProductTypeName: "标准型", InstanceID: "i-1", InstanceName: "web",
		Cost: mustAmount("900.5"), ListCost: mustAmount("1200"), StartTime: "2026-10-05 00:00:00",
		EndTime: "2026-11-04 23:59:59", ServiceStartTime: "2025-10-05 10:00:00", RegionName: "华北1（北京）",
		ZoneName: "可用区A", ProjectName: "广告", Configs: []KeyValue{{"CPU", "4"}}, Tags: []KeyValue{{"部门", "广告"}},
	}
}

var allSets = UnionSets{All: true}

// collectUnionLines returns the lines of a stream, and its error.
func collectUnionLines(lines iter.Seq2[UnionLine, error]) (all []UnionLine, err error) {
	for line, err := range lines {
		if err != nil {
			return all, err
		}
		all = append(all, line)
	}
	return all, nil
}

// TestUnionPayModes tests which pay mode a line has, and what makes it none.
func TestUnionPayModes(t *testing.T) {
	for _, tt := range []struct{ members, mode, text string }{
		{`"payType":0,"billRealAmount":1`, Prepaid, ""},
		{`"payType":"1","billRealAmount":1`, Realtime, ""},
		{`"payType":2.0,"billRealAmount":1`, Postpaid, ""},
		{`"payType":null,"payTypeName":"预付费","billRealAmount":1`, Prepaid, ""},
		{`"payTypeName":"按量付费","billRealAmount":1`, Realtime, ""},
		{`"payTypeName":"Postpaid","billRealAmount":1`, Postpaid, ""},
		{`"payType":1,"payTypeName":"按小时付费","billRealAmount":1`, Realtime, ""},
		{`"payType":9,"payTypeName":"后付费","billRealAmount":1`, Postpaid, ""},
		{`"payType":9,"billRealAmount":"0.00"`, "9", ""},
		{`"payTypeName":"Gift","billRealAmount":0`, "gift", ""},
		{`"billRealAmount":0`, "", ""},
		{`"billRealAmount":0.01`, "", "payType: missing"},
		{`"payType":9,"billRealAmount":-1`, "", `payType "9" is not known`},
		{`"payType":"","payTypeName":"Gift","billRealAmount":1`, "", `payTypeName "Gift" is not known`},
		{`"payType":0,"payTypeName":"后付费","billRealAmount":0`, "", `payTypeName "后付费": payType is prepaid`},
	} {
		c := newUnionClient(t, respondWith(200, "", bills(1, dayRow(tt.members))))
		got, err := collectUnionLines(c.QueryInstanceConsume(t.Context(), octoberDay, octoberDay, allSets))
		if tt.text != "" {
			checkError(t, err, Decode, "page 1: bills 1: "+tt.text)
			continue
		}
		if err != nil || got[0].PayMode != tt.mode {
			t.Errorf("%s: %v, %v, want %s", tt.members, got, err, tt.mode)
		}
	}
}

// TestUnionSets tests the forms of a set of pairs. A form that is not understood is no error.
func TestUnionSets(t *testing.T) {
	department := []KeyValue{{"部门", "广告"}}
	two := append(department, KeyValue{"Env", "a=b:c"})
	for set, want := range map[string][]KeyValue{
		`null`: nil, `[]`: nil, `""`: nil, `[null,"",{},[],{"x":{"y":1}}]`: nil, `true`: {{"true", ""}},
		`["部门:广告","Env=a=b:c"]`:                                           two,
		`["部门：广告",{"NAME":"Env","value":"a=b:c"}]`:                        two,
		`"部门: 广告|Env: a=b:c|"`:                                            two,
		`[{"Key":"部门","Value":"广告"},{"tagKey":"Env","tagValue":"a=b:c"}]`: two,
		`["{\"key\":\"部门\",\"value\":\"广告\"}"]`:                           department,
		`"[{\"Key\":\"部门\",\"Value\":\"广告\"},\"Env=a=b:c\"]"`:             two,
		`["{部门:广告"]`:                                                      {{"{部门", "广告"}},
		`["alone"]`:                                                       {{"alone", ""}},
		`[{"Key":"a","Value":1},{"Key":"b","Value":null},{"Key":"c"}]`:    {{"a", "1"}, {"b", ""}, {"c", ""}},
		`[{"Key":"a|b","Value":"c|d"},"e: f|g"]`:                          {{"a|b", "c|d"}, {"e", "f|g"}},
	} {
		row := dayRow(`"payType":1,"billRealAmount":1,"tagInfo":` + set)
		c := newUnionClient(t, respondWith(200, "", bills(1, row)))
		got, err := collectUnionLines(c.QueryInstanceConsume(t.Context(), octoberDay, octoberDay, allSets))
		if err != nil {
			t.Fatalf("%s: %v", set, err)
		}
		if diff := cmp.Diff(want, got[0].Tags); diff != "" && len(want)+len(got[0].Tags) > 0 {
			t.Errorf("%s (-want +got):\n%s", set, diff)
		}
	}
}

// TestWantedSets tests that a line has the sets that are wanted and no other one. A row with a set that is there twice
// is never read, wanted or not.
func TestWantedSets(t *testing.T) {
	day, month := `"billDay":20261005,"billRealAmount":1,"payType":`, `"BillMonth":"2026-10","RealCost":1,"PayMode":`
	daySets := `,"priceFactorInfo":["p:1"],"configInfo":["c:2"],"extraInfo":["e:3"],"tagInfo":["t:4"]`
	monthSets := `,"ProviderSet":["p:1"],"ConfigSet":["c:2"],"ExtraSet":["e:3"],"TagSet":["t:4"]`
	for _, tt := range []struct {
		sets             UnionSets
		mode, more, want string // JSON; what follows the sets; the sets of the line, or the error
	}{
		{UnionSets{}, "1", "", "[] [] [] []"},
		{UnionSets{Tags: true}, "1", "", "[] [] [] [{t 4}]"},
		{UnionSets{All: true}, "1", "", "[{p 1}] [{c 2}] [{e 3}] [{t 4}]"},
		{UnionSets{All: true, Tags: true}, "0", "", "[{p 1}] [{c 2}] [{e 3}] [{t 4}]"},
		{UnionSets{All: true}, "2", "", "[] [] [] []"},
		{UnionSets{}, "1", `,"TagSet":null,"tagInfo":[]`, "twice in one object"},
		{UnionSets{All: true}, "2", `,"CONFIGSET":[],"configinfo":[]`, "twice in one object"},
	} {
		for action, lines := range map[string]iter.Seq2[UnionLine, error]{
			QueryInstanceConsume: newUnionClient(t, respondWith(200, "", bills(1, "{"+day+tt.mode+daySets+tt.more+"}"))).
				QueryInstanceConsume(t.Context(), octoberDay, octoberDay, tt.sets),
			DescribeInstanceSummaryBills: newUnionClient(t, respondWith(200, "",
				`{"TotalCount":1,"SummaryOverview":[{`+month+tt.mode+monthSets+tt.more+"}]}")).
				DescribeInstanceSummaryBills(t.Context(), october, tt.sets),
		} {
			got, err := collectUnionLines(lines)
			switch {
			case err != nil && !strings.HasSuffix(err.Error(), tt.want):
				t.Errorf("%s, %v, %s%s: error %v", action, tt.sets, tt.mode, tt.more, err)
			case err == nil:
				l := got[0]
				if sets := fmt.Sprint(l.Providers, l.Configs, l.Extras, l.Tags); sets != tt.want {
					t.Errorf("%s, %v, %s: %s, want %s", action, tt.sets, tt.mode, sets, tt.want)
				}
			}
		}
	}
}

// TestTerms tests the first and the last day of lines.
func TestTerms(t *testing.T) {
	for _, tt := range []struct{ begin, end, want string }{
		{"2026-10-05 10:00:00", "2027-10-05 09:59:59", "2026-10-05 2027-10-05"},
		{"2026-10-05 00:00:00", "2026-11-04 23:59:59", "2026-10-05 2026-11-04"},
		{"2026-10-05 00:00:00", "2026-11-05 00:00:00", "2026-10-05 2026-11-04"},
		{"2026-10-05 00:00:00", "2026-10-05 00:00:00", "2026-10-05 2026-10-05"},
		{"2026-10-05", "2026-11-04", "2026-10-05 2026-11-04"},
		{"20261005", "20261104", "2026-10-05 2026-11-04"},
		{"2026-10-04T16:00:00Z", "2026-11-04T16:00:00+00:00", "2026-10-05 2026-11-04"},
		{"2026-10-05T00:00:00", "2026-11-04 23:59", "2026-10-05 2026-11-04"},
		{"1791129600000", "1793807999", "2026-10-05 2026-11-04"},
		{"2026-10-05 10:00:00", "2026-10-05 09:59:59", ""},
		{"", "2026-10-05 09:59:59", ""},
		{"2026-10-05 10:00:00", "", ""},
		{"2026-10-05 10:00:00", "for ever", ""},
		{"0", "2026-10-05", ""},
	} {
		got := ""
		if first, last, ok := (UnionLine{StartTime: tt.begin, EndTime: tt.end}).Term(); ok {
			got = fmt.Sprint(first, " ", last)
		}
		if got != tt.want {
			t.Errorf("%s to %s: %s, want %s", tt.begin, tt.end, got, tt.want)
		}
	}
}

// TestUnionListCost tests a line without a list cost.
func TestUnionListCost(t *testing.T) {
	for _, form := range []string{"", `,"originalAmount":null`, `,"originalAmount":" "`} {
		c := newUnionClient(t, respondWith(200, "", bills(1, dayRow(`"payType":1,"billRealAmount":-1.50`+form))))
		got, err := collectUnionLines(c.QueryInstanceConsume(t.Context(), octoberDay, octoberDay, allSets))
		if err != nil || got[0].ListCost.Cmp(mustAmount("-1.5")) != 0 {
			t.Errorf("%s: %v, %v", form, got, err)
		}
	}
}

func TestBadUnionLines(t *testing.T) {
	const good = `"payType":1,"billRealAmount":1`
	for name, tt := range map[string]struct{ row, text string }{
		"no cost": {dayRow(`"payType":1`), "billRealAmount: missing"},
		"null cost": {
			dayRow(`"payType":1,"billRealAmount":null`), `billRealAmount: amount "": not a decimal number`,
		},
		"bad cost": {
			dayRow(`"payType":1,"billRealAmount":"free"`), `billRealAmount: amount "free": not a decimal number`,
		},
		"bad list cost": {
			dayRow(good + `,"originalAmount":"?"`), `originalAmount: amount "?": not a decimal number`,
		},
		"dollars":       {dayRow(good + `,"currencyCode":"USD"`), `Currency "USD": only amounts in CNY are taken`},
		"another day":   {strings.Replace(dayRow(good), "05", "06", 1), `billDay "20261006": asked for 2026-10-05`},
		"another month": {dayRow(good + `,"billMonth":202609`), `billMonth "202609": asked for 2026-10`},
		"two costs":     {dayRow(good + `,"BillRealAmount":1`), "billRealAmount: twice in one object"},
		"a list for an id": {
			dayRow(good + `,"instanceId":["x"]`), "instanceId: an object or a list in place of a text",
		},
		"deep": {
			dayRow(good + `,"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40)), "nested more than 32 deep",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newUnionClient(t, respondWith(200, "", bills(2, dayRow(good), tt.row)))
			got, err := collectUnionLines(c.QueryInstanceConsume(t.Context(), octoberDay, octoberDay, allSets))
			checkError(t, err, Decode, "page 1: bills 2: "+tt.text)
			if IsForeignCurrency(err) != (name == "dollars") || len(got) != 1 {
				t.Errorf("foreign currency %t; lines %v", IsForeignCurrency(err), got)
			}
		})
	}
}

func TestBadSummaryLines(t *testing.T) {
	for name, tt := range map[string]struct{ old, new, text string }{
		"no cost":        {`"RealCost"`, `"x"`, "RealCost: missing"},
		"bad cost":       {`"900.50"`, `"900,50"`, `RealCost: amount "900,50": not a decimal number`},
		"bad list cost":  {`"1200.00"`, `"x"`, `Cost: amount "x": not a decimal number`},
		"no month":       {`BillMonth"`, `x"`, "BillMonth: missing"},
		"another month":  {`2026-10"`, `2026-09"`, `billMonth "2026-09": asked for 2026-10`},
		"dollars":        {`"CNY"`, `"USD"`, `Currency "USD": only amounts in CNY are taken`},
		"no pay mode":    {`"预付费"`, `null`, "PayMode: missing"},
		"a new pay mode": {`"预付费"`, `"x"`, `PayMode "x" is not known`},
	} {
		t.Run(name, func(t *testing.T) {
			row := strings.ReplaceAll(instanceMonth, tt.old, tt.new)
			body := `{"TotalCount":2,"SummaryOverview":[` + instanceMonth + `,` + row + `]}`
			c := newUnionClient(t, respondWith(200, "", body))
			_, err := collectUnionLines(c.DescribeInstanceSummaryBills(t.Context(), october, allSets))
			checkError(t, err, Decode, "page 1: SummaryOverview 2: "+tt.text)
		})
	}
}

// TestSummaryPayModes tests the words of both languages, and lines that cost less than nothing.
func TestSummaryPayModes(t *testing.T) {
	for word, want := range map[string]string{
		"预付费": Prepaid, "按量付费": Realtime, "后付费": Postpaid, "Prepaid": Prepaid, "Pay-As-You-Go": Realtime,
		"Postpaid": Postpaid,
	} {
		row := strings.NewReplacer("预付费", word, "900.50", "-900.50", "ProductSubTye", "ProductSubType").
			Replace(instanceMonth)
		c := newUnionClient(t, respondWith(200, "", `{"TotalCount":1,"SummaryOverview":[`+row+`]}`))
		got, err := collectUnionLines(c.DescribeInstanceSummaryBills(t.Context(), october, allSets))
		if err != nil {
			t.Fatal(err)
		}
		line := wantInstanceMonth()
		line.PayMode, line.Cost = want, mustAmount("-900.5")
		if want == Postpaid {
			line.Configs, line.Tags = nil, nil
		}
		if diff := cmp.Diff([]UnionLine{line}, got, equalAmounts); diff != "" {
			t.Errorf("%s (-want +got):\n%s", word, diff)
		}
	}
}

// TestUnionStream tests that lines come while their page arrives, and that a consumer can end the stream.
func TestUnionStream(t *testing.T) {
	var rows []string
	for i := range 3 {
		rows = append(rows, dayRow(fmt.Sprintf(`"id":%d,"payType":1,"billRealAmount":1`, i)))
	}
	o := Options{UnionEndpoint: "http://union.example"}
	runConversation(t, o, func(t *testing.T, c *conversation) {
		n := 0
		for _, err := range c.QueryInstanceConsume(t.Context(), octoberDay, octoberDay, allSets) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == 4 {
				break
			}
		}
		if len(c.attempts) != 2 || c.attempts[0].Cut || !c.attempts[1].Cut || c.attempts[1].Reason != "" {
			t.Errorf("attempts %+v", c.attempts)
		}
	}, respondWith(200, "", bills(6, rows...)), respondWith(200, "", bills(6, strings.ReplaceAll(
		strings.Join(rows, ","), `"id":`, `"id":1`))))
}

// TestUnionLinesInXML tests that the notation does not matter.
func TestUnionLinesInXML(t *testing.T) {
	const body = `<QueryInstanceConsumeResponse><RequestId>r</RequestId><Success>true</Success><Data><page>1</page>
		<total>1</total><bills><item><billDay>20261005</billDay><payType>0</payType><billRealAmount>1</billRealAmount>
		<originalAmount/><tagInfo><item>部门: 广告</item><item><Key>a</Key><Value>b</Value></item></tagInfo>
		</item></bills></Data></QueryInstanceConsumeResponse>`
	c := newUnionClient(t, respondWith(200, "text/xml", body))
	got, err := collectUnionLines(c.QueryInstanceConsume(t.Context(), octoberDay, octoberDay, allSets))
	want := []UnionLine{{
		Day: octoberDay, Month: october, PayMode: Prepaid, Cost: mustAmount("1"), ListCost: mustAmount("1"),
		Tags: []KeyValue{{"部门", "广告"}, {"a", "b"}},
	}}
	if diff := cmp.Diff(want, got, equalAmounts); diff != "" || err != nil {
		t.Errorf("error %v, lines (-want +got):\n%s", err, diff)
	}
}

func TestInstants(t *testing.T) {
	want := time.Date(2026, time.October, 5, 10, 0, 0, 0, Beijing)
	for _, text := range []string{
		"2026-10-05 10:00:00", "2026-10-05T10:00:00", "2026-10-05T02:00:00Z", "2026-10-05 10:00", "1791165600",
		" 1791165600000 ", "1.7911656E12", "2026-10-05 10:00:00.000",
	} {
		got, err := parseInstant(text)
		if err != nil || !got.Equal(want) || got.Location() != Beijing {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "never", "2026-13-05 10:00:00", "17911656", "179116560"} {
		want := `time "` + text + `": want YYYY-MM-DD hh:mm:ss`
		if _, err := parseInstant(text); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Lines of instances that need more calls than an account may spend on them are not read on: the first page is all that
// is asked for.
func TestMostPages(t *testing.T) {
	for total, want := range map[int]string{
		400: "page 2: the pages do not add up: the same lines as on page 1",
		401: "page 1: 401 lines need 3 calls, more than the 2 that they may have of api.daily_calls",
	} {
		calls := 0
		answer := respondWith(200, "", bills(total, dayRow(`"payType":1,"billRealAmount":1`)))
		c := newUnionClient(t, func(w http.ResponseWriter, r *http.Request) {
			calls++
			answer(w, r)
		})
		c.options.MostPages = 2
		_, err := collectUnionLines(c.QueryInstanceConsume(t.Context(), octoberDay, octoberDay, allSets))
		want = "QueryInstanceConsume (HTTP 200, request id r): " + want
		if err == nil || err.Error() != want || total == 401 && calls != 1 {
			t.Errorf("%d lines, %d calls: %v, want %s", total, calls, err, want)
		}
	}
}

// benchRow writes a row of about 1 KB of DescribeInstanceSummaryBills. What rows of a month have in common comes again
// in it, but not from row to row.
func benchRow(b *bytes.Buffer, i int, mode string) {
	fmt.Fprintf(b, `{"BillsNo":"%015d","CustomerBillMonth":"2026-10","BillMonth":"2026-10",`, i)
	fmt.Fprintf(b, `"ProductName":"产品%d","ProductSubTyeName":"类型%d",`, i%7, i%5)
	fmt.Fprintf(b, `"InstanceId":"c35d5c4a-06e6-446c-811f-%012x","InstanceName":"prod-web-%d","Currency":"CNY",`, i, i)
	fmt.Fprintf(b, `"DetailBillStartTime":"2026-10-01 00:00:00","DetailBillEndTime":"2026-10-%02d 23:59:59",`, 5+i%27)
	fmt.Fprintf(b, `"ServiceBillStartTime":"2024-03-08 17:22:54","PayMode":"%s","BillTypeName":"按量付费",`, mode)
	fmt.Fprintf(b, `"RegionName":"华北%d","ZoneName":"可用区%c","ProjectName":"项目%d",`, i%3, 'A'+i%4, i%9)
	fmt.Fprintf(b, `"Duration":"432000","Remark":"","Cost":"%d.%02d","RealCost":"%d.%02d",`, i%2000, i%100, i%1000, i%100)
	fmt.Fprintf(b, `"ConfigSet":[{"Key":"CPU核数","Code":"","Value":"%d.0000"},`, 1<<(i%5))
	fmt.Fprintf(b, `{"Key":"内存大小(GB)","Code":"","Value":"%d.0000"},`, 2<<(i%5))
	b.WriteString(`{"Key":"SSD盘大小(GB)","Code":"","Value":"100.0000"},{"Key":"SATA盘大小(GB)","Code":"","Value":""}],` +
		`"ProviderSet":[{"Key":"操作系统","Code":"","Value":"linux"}],`)
	fmt.Fprintf(b, `"ExtraSet":[{"Key":"内网IP","Code":"","Value":"10.%d.%d.71"},{"Key":"公网IP","Code":"","Value":""}]`,
		i%200, i%250)
	if tags := i % 3; tags > 0 {
		b.WriteString(`,"TagSet":[{"Key":"环境","Code":"","Value":"生产"}` +
			strings.Repeat(`,{"Key":"部门","Code":"","Value":"广告"}`, tags-1) + `]`)
	}
	b.WriteString(`}`)
}

// BenchmarkInstanceSummary reads rows of DescribeInstanceSummaryBills from memory, in pages as the API has them.
func BenchmarkInstanceSummary(b *testing.B) {
	for _, tt := range []struct {
		name, mode string
		sets       UnionSets
	}{
		{"postpaid", Postpaid, UnionSets{}}, {"realtime", Realtime, UnionSets{}},
		{"realtime, tags", Realtime, UnionSets{Tags: true}}, {"realtime, all sets", Realtime, allSets},
	} {
		var pages [][]byte
		size := 0
		for first := 0; first < benchLines; first += maxSummaryPageSize {
			var page bytes.Buffer
			fmt.Fprintf(&page, `{"TotalCount":%d,"CustomerId":73400575,"SummaryOverview":[`, benchLines)
			for i := range maxSummaryPageSize {
				if i > 0 {
					page.WriteByte(',')
				}
				benchRow(&page, first+i, tt.mode)
			}
			page.WriteString(`]}`)
			pages, size = append(pages, page.Bytes()), size+page.Len()
		}
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				q := instanceSummaryQuery(october, tt.sets)
				p := newPagesReader(1, q.size, nil, func(*UnionLine) error { n++; return nil })
				for _, body := range pages {
					p.read = func(r *response) (string, error) { return q.readPage(r, p) }
					if err := p.readPage(responseOf("application/json", body)); err != nil {
						b.Fatal(err)
					}
					p.page++
				}
				if n != benchLines || !p.done {
					b.Fatal(n, p.done)
				}
			}
			reportPerLine(b, size)
		})
	}
}
