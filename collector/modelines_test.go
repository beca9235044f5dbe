package collector

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/ledger"
)

// machines are purchases of two instances, one of which is paid by the hour too, and of the same every month.
func machines(c *customer) Account {
	const term = " 00:00:00"
	c.Prepaid = func(month string) []billsim.Purchase {
		return []billsim.Purchase{
			{
				ProductCode: "KEC", ProductName: "云服务器", ProjectID: "0", ProjectName: "默认项目", InstanceID: "p-1",
				InstanceName: "web", RegionName: "华北1(北京)", Day: month + "-03", Cost: 31 * billsim.Yuan,
				StartTime: month + "-03" + term, EndTime: nextMonth(month) + "-02 23:59:59",
				Configs: []billsim.KeyValue{{Key: "CPU", Value: "4"}},
				Tags:    []billsim.KeyValue{{Key: "部门", Value: "growth"}},
			},
			{
				ProductCode: "DNAS", ProductName: "域名", ProjectID: "7", ProjectName: "广告", InstanceID: "p-2",
				Day: month + "-10", Cost: 3 * billsim.Yuan,
			},
		}
	}
	c.Realtime = func(month string) (hours []billsim.Purchase) {
		for _, day := range []string{"-06", "-13", "-13", "-14"} {
			hours = append(hours, billsim.Purchase{
				ProductCode: "KEC", ProductName: "云服务器", ProjectID: "0", ProjectName: "默认项目", InstanceID: "p-1",
				InstanceName: "web", RegionName: "华北1(北京)", Day: month + day, Cost: billsim.Yuan,
			})
		}
		return hours
	}
	a := simulated("main", c.Account)
	a.API.UnionEndpoint = a.API.Endpoint
	return a
}

// nextMonth returns the month after one, 2026-10 for 2026-09.
func nextMonth(month string) string {
	m, err := billclient.ParseMonth(month)
	if err != nil {
		panic(err)
	}
	return m.Add(1).String()
}

// Instances of all pay modes stand in the families of instances and of what they are added up by, under the product
// code that postpaid instances of their group have in the bill.
func TestInstancesOfAllPayModes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 14, on("2026-10-07", server("kec-1", 100)), on("2026-10-13", server("kec-1", 150)))
		c.bill("2026-09", server("kec-1", 200))
		o := options(machines(c))
		o.Months.Past, o.Days = 1, 3
		w := start(t, october(15), o, c.Account)
		w.checkInfos()
		compare(t, w.scrape("ksyun_bill_instance_cost_cny", "ksyun_bill_past_month_instance_cost_cny",
			"ksyun_bill_region_cost_cny", "ksyun_bill_billing_mode_cost_cny", "ksyun_bill_project_product_cost_cny",
			"ksyun_bill_past_month_project_product_cost_cny", "ksyun_bill_instance_info", "ksyun_bill_instances",
			"ksyun_bill_instance_week_change_cny", "ksyun_bill_product_group_info"), `
ksyun_bill_project_product_cost_cny{account="main",pay_mode="postpaid",project_id="0",product_code="KEC"} 2.5
ksyun_bill_project_product_cost_cny{account="main",pay_mode="prepaid",project_id="0",product_code="KEC"} 31
ksyun_bill_project_product_cost_cny{account="main",pay_mode="prepaid",project_id="7",product_code="DNAS_GROUP"} 3
ksyun_bill_project_product_cost_cny{account="main",pay_mode="realtime",project_id="0",product_code="KEC"} 4
ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="华北1(北京)"} 2.5
ksyun_bill_region_cost_cny{account="main",pay_mode="prepaid",region_name="__none__"} 3
ksyun_bill_region_cost_cny{account="main",pay_mode="prepaid",region_name="华北1(北京)"} 31
ksyun_bill_region_cost_cny{account="main",pay_mode="realtime",region_name="华北1(北京)"} 4
ksyun_bill_billing_mode_cost_cny{account="main",pay_mode="postpaid",billing_mode="按日配置付费"} 2.5
ksyun_bill_billing_mode_cost_cny{account="main",pay_mode="prepaid",billing_mode="包年包月"} 34
ksyun_bill_billing_mode_cost_cny{account="main",pay_mode="realtime",billing_mode="按量付费(月结)"} 4
ksyun_bill_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",project_id="0",instance_id="kec-1",instance_name="web-kec-1"} 2.5
ksyun_bill_instance_cost_cny{account="main",pay_mode="prepaid",product_code="DNAS_GROUP",project_id="7",instance_id="p-2",instance_name=""} 3
ksyun_bill_instance_cost_cny{account="main",pay_mode="prepaid",product_code="KEC",project_id="0",instance_id="p-1",instance_name="web"} 31
ksyun_bill_instance_cost_cny{account="main",pay_mode="realtime",product_code="KEC",project_id="0",instance_id="p-1",instance_name="web"} 4
ksyun_bill_past_month_project_product_cost_cny{account="main",pay_mode="postpaid",project_id="0",product_code="KEC",months_ago="1"} 2
ksyun_bill_past_month_project_product_cost_cny{account="main",pay_mode="prepaid",project_id="0",product_code="KEC",months_ago="1"} 31
ksyun_bill_past_month_project_product_cost_cny{account="main",pay_mode="prepaid",project_id="7",product_code="DNAS_GROUP",months_ago="1"} 3
ksyun_bill_past_month_project_product_cost_cny{account="main",pay_mode="realtime",project_id="0",product_code="KEC",months_ago="1"} 4
ksyun_bill_past_month_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",project_id="0",instance_id="kec-1",instance_name="web-kec-1",months_ago="1"} 2
ksyun_bill_past_month_instance_cost_cny{account="main",pay_mode="prepaid",product_code="DNAS_GROUP",project_id="7",instance_id="p-2",instance_name="",months_ago="1"} 3
ksyun_bill_past_month_instance_cost_cny{account="main",pay_mode="prepaid",product_code="KEC",project_id="0",instance_id="p-1",instance_name="web",months_ago="1"} 31
ksyun_bill_past_month_instance_cost_cny{account="main",pay_mode="realtime",product_code="KEC",project_id="0",instance_id="p-1",instance_name="web",months_ago="1"} 4
ksyun_bill_instance_week_change_cny{account="main",pay_mode="postpaid",product_code="KEC",project_id="0",instance_id="kec-1"} 1.5
ksyun_bill_instance_week_change_cny{account="main",pay_mode="realtime",product_code="KEC",project_id="0",instance_id="p-1"} 1
ksyun_bill_product_group_info{account="main",product_group="DNAS_GROUP",product_group_name="域名",product_code="DNAS_GROUP"} 1
ksyun_bill_product_group_info{account="main",product_group="VM_GROUP",product_group_name="云服务器",product_code="KEC"} 1
ksyun_bill_instance_info{account="main",product_code="KEC",project_id="0",instance_id="kec-1",instance_name="web-kec-1",product_subtype="通用型",billing_mode="按日配置付费",region_name="华北1(北京)",zone_name="可用区A"} 1
ksyun_bill_instance_info{account="main",product_code="DNAS_GROUP",project_id="7",instance_id="p-2",instance_name="",product_subtype="域名",billing_mode="包年包月",region_name="",zone_name=""} 1
ksyun_bill_instance_info{account="main",product_code="KEC",project_id="0",instance_id="p-1",instance_name="web",product_subtype="云服务器",billing_mode="包年包月",region_name="华北1(北京)",zone_name=""} 1
ksyun_bill_instances{account="main",product_code="DNAS_GROUP"} 1
ksyun_bill_instances{account="main",product_code="KEC"} 2`)
	})
}

// The limit of series counts all pay modes together: the smallest instance is folded, whichever mode it is of. A
// product group whose postpaid instances have two product codes stands for itself, unless the configuration says what
// it is.
func TestInstancesOfAllPayModesFold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		gpu := server("gpu-1", 900)
		gpu.ProductCode, gpu.ProductName = "GPU", "云服务器"
		c.Groups = []billsim.ProductGroup{{ID: 12, Code: "VM_GROUP", Name: "云服务器", ProductCodes: []string{"KEC", "GPU"}}}
		c.consume("2026-10", 14, on("2026-10-13", server("kec-1", 800)), on("2026-10-13", gpu))
		o := options(machines(c))
		o.Months.Past, o.Days, o.Instances.MaxSeries = 0, 0, 2
		w := start(t, october(15), o, c.Account)
		const instances, folded = "ksyun_bill_instance_cost_cny", "ksyun_bill_folded_instances"
		compare(t, w.scrape(instances, folded), `
ksyun_bill_instance_cost_cny{account="main",pay_mode="postpaid",product_code="GPU",project_id="0",instance_id="gpu-1",instance_name="web-gpu-1"} 9
ksyun_bill_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",project_id="0",instance_id="__other__",instance_name=""} 8
ksyun_bill_instance_cost_cny{account="main",pay_mode="prepaid",product_code="DNAS_GROUP",project_id="7",instance_id="__other__",instance_name=""} 3
ksyun_bill_instance_cost_cny{account="main",pay_mode="prepaid",product_code="VM_GROUP",project_id="0",instance_id="p-1",instance_name="web"} 31
ksyun_bill_instance_cost_cny{account="main",pay_mode="realtime",product_code="VM_GROUP",project_id="0",instance_id="__other__",instance_name=""} 4
ksyun_bill_folded_instances{account="main",product_code="DNAS_GROUP"} 1
ksyun_bill_folded_instances{account="main",product_code="GPU"} 0
ksyun_bill_folded_instances{account="main",product_code="KEC"} 1
ksyun_bill_folded_instances{account="main",product_code="VM_GROUP"} 0`)
	})
}

// Only the newest days are asked for again, once a day after their last costs have come; those before come from what is
// known, over a restart as well. What was learned of product groups is said in the log once.
func TestOnlyNewestDaysOfInstancesAreAskedFor(t *testing.T) {
	skipIfShort(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 14, on("2026-10-13", server("kec-1", 150)))
		o := options(machines(c))
		o.Months.Past, o.Days = 0, 0
		var hasCorrection atomic.Bool // of the 14th; a correction of the 6th is not asked for
		before := c.Realtime
		c.Realtime = func(month string) []billsim.Purchase {
			hours := before(month)
			if hasCorrection.Load() {
				hours[0].Cost, hours[3].Cost = 2*billsim.Yuan, 6*billsim.Yuan
			}
			return hours
		}
		o.Accounts[0] = simulated("main", c.Account)
		o.Accounts[0].API.UnionEndpoint = o.Accounts[0].API.Endpoint
		dir := t.TempDir()
		w := start(t, october(15), keptIn(t, dir, o), c.Account)
		check := func(at time.Time, realtime string, want ...string) {
			t.Helper()
			w.sleepUntil(at)
			if got := slices.Compact(w.askedDays()); !slices.Equal(got, want) {
				t.Errorf("until %v days %q were asked for, want %q", at, got, want)
			}
			const sample = `ksyun_bill_instance_cost_cny{account="main",pay_mode="realtime",product_code="KEC",project_id="0",` +
				`instance_id="p-1",instance_name="web"} `
			if got := w.scrape("ksyun_bill_instance_cost_cny"); !slices.Contains(got, sample+realtime) {
				t.Errorf("at %v there is %q", at, got)
			}
		}
		check(october(15), "4", "2026-10-01 2026-10-15", "2026-10-13 2026-10-15") // the product codes came in between
		const learned = `msg="a product group has another product code on pages" group=VM_GROUP product_code=KEC before=VM_GROUP`
		if log := w.log.take(); strings.Count(log, learned) != 1 {
			t.Errorf("log:\n%s", log)
		}
		check(beijing(10, 16, 2), "4")
		hasCorrection.Store(true)
		check(beijing(10, 16, 5), "9", "2026-10-14 2026-10-16")
		w = w.restart(beijing(10, 18, 12), dir, o) // the API is away, and asked again and again
		check(beijing(10, 18, 13), "9", "2026-10-15 2026-10-18")
	})
}

// askedDays returns the spans of days of which instances were asked for since the last time.
func (w *world) askedDays() (spans []string) {
	for _, call := range w.api.Calls() {
		if call.Action == billclient.QueryInstanceConsume {
			spans = append(spans, call.Query.Get("StartDay")+" "+call.Query.Get("EndDay"))
		}
	}
	w.api.ResetCalls()
	return spans
}

// replacing is an API that answers some queries with the text that answer returns for them, in place of its own.
func replacing(answer func(query url.Values) string) func(http.Handler) http.Handler {
	return func(api http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			text := answer(r.URL.Query())
			if text == "" {
				api.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, text)
		})
	}
}

// Where nothing but the lines of instances may be asked for, they cost what they cost: no summary has less. A group of
// which no list has the code stands by its id.
func TestInstancesOfAllPayModesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 14, on("2026-10-13", server("kec-1", 150)))
		o := options(machines(c))
		o.Months.Past, o.Days = 0, 0
		w := startWith(t, october(15), o, replacing(func(query url.Values) string {
			action := query.Get("Action")
			if strings.Contains(action, "Summary") || strings.HasSuffix(action, "tConsume") && action[0] == 'Q' {
				return `{"Error":{"Code":"AccessDenied","Message":"no"}}`
			}
			return ""
		}), c.Account)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_instance_cost_cny", "ksyun_bill_region_cost_cny"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1.5
ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="华北1(北京)"} 1.5
ksyun_bill_region_cost_cny{account="main",pay_mode="prepaid",region_name="__none__"} 3
ksyun_bill_region_cost_cny{account="main",pay_mode="prepaid",region_name="华北1(北京)"} 31
ksyun_bill_region_cost_cny{account="main",pay_mode="realtime",region_name="华北1(北京)"} 4
ksyun_bill_instance_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",project_id="0",instance_id="kec-1",instance_name="web-kec-1"} 1.5
ksyun_bill_instance_cost_cny{account="main",pay_mode="prepaid",product_code="2924",project_id="7",instance_id="p-2",instance_name=""} 3
ksyun_bill_instance_cost_cny{account="main",pay_mode="prepaid",product_code="KEC",project_id="0",instance_id="p-1",instance_name="web"} 31
ksyun_bill_instance_cost_cny{account="main",pay_mode="realtime",product_code="KEC",project_id="0",instance_id="p-1",instance_name="web"} 4`)
	})
}

// An answer that lacks lines which earlier ones had is not taken for a day, also while the days of product groups are
// too old to tell that it does.
func TestLinesOfInstancesAreKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 14, on("2026-10-13", server("kec-1", 150)))
		o := options(machines(c))
		o.Months.Past, o.Days = 0, 0
		var text atomic.Pointer[string]
		w := startWith(t, october(15), o, answering(billclient.QueryInstanceConsume, &text), c.Account)
		check := func(at time.Time, want string) {
			t.Helper()
			w.sleepUntil(at)
			got := slices.DeleteFunc(w.scrape("ksyun_bill_region_cost_cny", "ksyun_bill_source_up"), func(line string) bool {
				return !strings.Contains(line, "realtime") && !strings.Contains(line, `"instance_consume"`)
			})
			compare(t, got, want)
		}
		const whole = `
ksyun_bill_region_cost_cny{account="main",pay_mode="realtime",region_name="华北1(北京)"} 4
ksyun_bill_source_up{account="main",source="instance_consume"} `
		check(beijing(10, 16, 2), whole+"1")
		none := `{"Success":true,"RequestId":"x","Data":{"page":1,"size":200,"total":0,"bills":[]}}`
		text.Store(&none)
		check(beijing(10, 16, 5), whole+"0")
		check(beijing(10, 17, 2), whole+"0")
		check(beijing(10, 17, 7), `
ksyun_bill_region_cost_cny{account="main",pay_mode="realtime",region_name="__none__"} 1
ksyun_bill_region_cost_cny{account="main",pay_mode="realtime",region_name="华北1(北京)"} 3
ksyun_bill_source_up{account="main",source="instance_consume"} 1`)
		text.Store(nil)
		check(beijing(10, 18, 2), whole+"1")
	})
}

// Tags of all pay modes are read where tags are configured.
func TestTagsOfAllPayModes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 14, on("2026-10-13", server("kec-1", 150)))
		o := options(machines(c))
		o.Instances.Tags = []ledger.Tag{{Key: "部门", Label: "department"}}
		w := start(t, october(15), o, c.Account)
		compare(t, w.scrape("ksyun_bill_tag_cost_cny"), `
ksyun_bill_tag_cost_cny{account="main",pay_mode="postpaid",product_code="KEC",tag_key="部门",tag_value="__none__"} 1.5
ksyun_bill_tag_cost_cny{account="main",pay_mode="prepaid",product_code="DNAS_GROUP",tag_key="部门",tag_value="__none__"} 3
ksyun_bill_tag_cost_cny{account="main",pay_mode="prepaid",product_code="KEC",tag_key="部门",tag_value="growth"} 31
ksyun_bill_tag_cost_cny{account="main",pay_mode="realtime",product_code="KEC",tag_key="部门",tag_value="__none__"} 4`)
	})
}

// Lines that do not come to the days of product groups make the source incomplete until they are read again, from the
// first day that is wrong on.
func TestLinesThatDoNotComeToTheDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 24, on("2026-10-13", server("kec-1", 150)))
		o := options(machines(c))
		o.Months.Past, o.Days = 0, 0
		broken, text := `{"Error":{"Code":"InternalError","Message":"later"}}`, atomic.Pointer[string]{}
		text.Store(&broken)
		w := startWith(t, october(25), o, answering(billclient.QueryInstanceConsume, &text), c.Account)
		short := `{"Success":true,"Data":{"total":1,"bills":[{"billDay":20261013,"billMonth":202610,"instanceId":"p-1",` +
			`"regionName":"x","payType":1,"billRealAmount":1}]}}`
		text.Store(&short)
		check := func(want string) {
			t.Helper()
			got := slices.DeleteFunc(w.scrape("ksyun_bill_region_cost_cny", "ksyun_bill_source_up"), func(line string) bool {
				return !strings.Contains(line, "realtime") && !strings.Contains(line, `"instance_consume"`)
			})
			compare(t, got, want)
		}
		w.sleep(time.Minute)
		check(`
ksyun_bill_region_cost_cny{account="main",pay_mode="realtime",region_name="__none__"} 3
ksyun_bill_region_cost_cny{account="main",pay_mode="realtime",region_name="x"} 1
ksyun_bill_source_up{account="main",source="instance_consume"} 0`)
		text.Store(nil)
		w.sleep(2 * time.Minute)
		check(`
ksyun_bill_region_cost_cny{account="main",pay_mode="realtime",region_name="华北1(北京)"} 4
ksyun_bill_source_up{account="main",source="instance_consume"} 1`)
	})
}

// Fewer lines of a month than there were are not taken for a day, also where no summary tells whether they are all.
func TestFewerLinesOfAMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-09", server("kec-1", 200))
		o := options(machines(c))
		o.Months.Past, o.Days = 1, 0
		var isShort atomic.Bool
		w := startWith(t, october(15), o, replacing(func(query url.Values) string {
			switch action := query.Get("Action"); {
			case action == billclient.DescribeInstanceSummaryBills && isShort.Load():
				return `{"TotalCount":1,"SummaryOverview":[{"BillMonth":"2026-09","PayMode":"预付费","RealCost":"1","InstanceId":"p-9"}]}`
			case strings.HasPrefix(action, "DescribeBillSummary"), strings.HasSuffix(action, "tConsume") && action[0] == 'Q':
				return `{"Error":{"Code":"AccessDenied","Message":"no"}}`
			}
			return ""
		}), c.Account)
		check := func(after time.Duration, up string, want ...string) {
			t.Helper()
			w.sleepUntil(october(15).Add(after))
			ids := []string{}
			for _, line := range w.scrape("ksyun_bill_past_month_instance_cost_cny") {
				_, id, _ := strings.Cut(line, `instance_id="`)
				id, _, _ = strings.Cut(id, `"`)
				ids = append(ids, id)
			}
			isUp := slices.Contains(w.scrape("ksyun_bill_source_up"), `ksyun_bill_source_up{account="main",source="instance_summary"} `+up)
			if !isUp || !slices.Equal(ids, want) {
				t.Errorf("%v later: up as expected %t, instances %q, want %q", after, isUp, ids, want)
			}
		}
		check(time.Hour, "1", "kec-1", "p-1", "p-2", "p-1")
		isShort.Store(true)
		check(26*time.Hour, "0", "kec-1", "p-1", "p-2", "p-1")
		check(46*time.Hour, "0", "kec-1", "p-1", "p-2", "p-1")
		check(52*time.Hour, "1", "kec-1", "p-9")
	})
}

// An account that has nothing postpaid has instances, too.
func TestInstancesWithoutPostpaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		o := options(machines(c))
		o.Months.Past, o.Days = 1, 0
		w := start(t, october(15), o, c.Account)
		compare(t, w.scrape("ksyun_bill_instance_cost_cny", "ksyun_bill_instances"), `
ksyun_bill_instance_cost_cny{account="main",pay_mode="prepaid",product_code="DNAS_GROUP",project_id="7",instance_id="p-2",instance_name=""} 3
ksyun_bill_instance_cost_cny{account="main",pay_mode="prepaid",product_code="VM_GROUP",project_id="0",instance_id="p-1",instance_name="web"} 31
ksyun_bill_instance_cost_cny{account="main",pay_mode="realtime",product_code="VM_GROUP",project_id="0",instance_id="p-1",instance_name="web"} 4
ksyun_bill_instances{account="main",product_code="DNAS_GROUP"} 1
ksyun_bill_instances{account="main",product_code="VM_GROUP"} 1`)
	})
}

// Lines that never come to what they are held against, and are others each time, are asked for a few times a day only.
func TestLinesThatNeverAgree(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 14, on("2026-10-13", server("kec-1", 100)))
		o := options(machines(c))
		o.Months.Past, o.Days = 1, 1
		var asked atomic.Int64
		w := startWith(t, october(14), o, replacing(func(query url.Values) string {
			switch action, start := query.Get("Action"), query.Get("StartDay"); {
			case action == billclient.QueryInstanceConsume && start > "2026-10":
				return fmt.Sprintf(`{"Success":true,"Data":{"total":1,"bills":[{"billDay":"%s","payType":1,"billRealAmount":%d}]}}`,
					start, asked.Add(1))
			case action == billclient.DescribeInstanceSummaryBills:
				return fmt.Sprintf(`{"TotalCount":1,"SummaryOverview":[{"BillMonth":"2026-09","PayMode":"预付费","RealCost":"%d"}]}`,
					asked.Add(1))
			}
			return ""
		}), c.Account)
		w.sleepUntil(october(15))
		asked.Store(0)
		w.sleepUntil(october(18))
		if n := asked.Load(); n > 3*(4+4) {
			t.Errorf("the lines of instances were asked for %d times in three days", n)
		}
	})
}
