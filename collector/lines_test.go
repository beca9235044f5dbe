package collector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/ledger"
)

// Lines are read when their bill has changed, not more often than details_interval, and after details_max_age in any
// case.
func TestLinesAreReadWhenTheBillChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100))
		c.bill("2026-09", server("kec-1", 300))
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		reads := func() (october, september int) {
			for _, call := range w.asked() {
				switch call {
				case "GetPostpayDetailBill 2026-10 2026-10":
					october++
				case "GetPostpayDetailBill 2026-09 2026-09":
					september++
				}
			}
			return october, september
		}
		for _, step := range []struct {
			name               string
			change             func()
			hours              int
			october, september int
		}{
			{"at the start", func() {}, 0, 1, 1},
			{"no change", func() {}, 20, 0, 0},
			{"the running bill has grown", func() { c.bill("2026-10", server("kec-1", 101)) }, 1, 1, 0},
			{"it grows every hour", func() { c.bill("2026-10", server("kec-1", 102)) }, 1, 0, 0},
			{"details_interval has passed; the closed month is a day old", func() {}, 5, 1, 1},
			{"a late correction that keeps the sum", func() {
				moved := server("kec-1", 300)
				moved.ProductCode = "EBS"
				c.bill("2026-09", moved)
			}, 7, 0, 1},
			{"two quiet days", func() {}, 48, 2, 2},
		} {
			step.change()
			w.sleep(time.Duration(step.hours) * time.Hour)
			if october, september := reads(); october != step.october || september != step.september {
				t.Errorf("%s: lines of October read %d times, of September %d, want %d and %d",
					step.name, october, september, step.october, step.september)
			}
		}
	})
}

// When lines are read: a month's first ones at once, then as seldom as the configuration wants.
func TestLinesDue(t *testing.T) {
	f := &fetch{options: options()}
	before, changed := &ledger.Summary{End: 1}, &ledger.Summary{End: 2}
	lines := &ledger.LineSums{ReadFor: before, ReadAt: october(15), Summed: true}
	counted := &ledger.LineSums{ReadFor: before, ReadAt: october(15)}
	for _, c := range []struct {
		name string
		book ledger.Book
		age  time.Duration

		isShown, want bool
	}{
		{"no summary", ledger.Book{}, 48 * time.Hour, true, false},
		{"no summary any more", ledger.Book{Lines: lines}, 48 * time.Hour, true, false},
		{"never read", ledger.Book{Summary: before}, 0, true, true},
		{"no change", ledger.Book{Summary: before, Lines: lines}, 23 * time.Hour, true, false},
		{"no change for a day", ledger.Book{Summary: before, Lines: lines}, 24 * time.Hour, true, true},
		{"a change", ledger.Book{Summary: changed, Lines: lines}, 6 * time.Hour, true, true},
		{"a change too soon", ledger.Book{Summary: changed, Lines: lines}, 5 * time.Hour, true, false},
		{"read by a clock that was ahead", ledger.Book{Summary: before, Lines: lines}, -time.Hour, true, true},
		{"counted only, and shown", ledger.Book{Summary: before, Lines: counted}, 0, true, true},
		{"counted only, and not shown", ledger.Book{Summary: before, Lines: counted}, 0, false, false},
	} {
		m := billclient.MonthOf(october(15))
		f.snapshot = (&ledger.Snapshot{}).WithMonth(m, ledger.Month{Bill: c.book})
		if got := areLinesDue(f, ledger.Billed, m, c.isShown, october(15).Add(c.age)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// Instances are told apart where days and instances are shown.
func TestWatchedDays(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Options)
		want   int
	}{
		{"days and instances", func(*Options) {}, 6},
		{"no days", func(o *Options) { o.Days = 0 }, 0},
		{"no instances", func(o *Options) { o.Instances.Enabled = false }, 0},
	} {
		f := &fetch{options: options(), snapshot: &ledger.Snapshot{}}
		c.change(&f.options)
		if got := len(watchedDays(f, october(15))); got != c.want {
			t.Errorf("%s: %d days, want %d", c.name, got, c.want)
		}
	}
}

// Who is behind a spike: the 50 largest changes of a week, either way, those of instances that came or went too.
func TestWeekChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		lines := []billsim.Line{
			on("2026-10-13", server("dearer", 1000)), on("2026-10-06", server("dearer", 100)),
			on("2026-10-06", server("gone", 300)),
			on("2026-10-13", server("same", 7)), on("2026-10-06", server("same", 7)),
			on("2026-10-14", server("another day", 9999)),
		}
		for i := range 60 {
			lines = append(lines, on("2026-10-13", server(fmt.Sprintf("new-%02d", i), 10)))
		}
		c.consume("2026-10", 14, lines...)
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		got := w.scrape("ksyun_bill_instance_week_change_cny")
		const sample = `ksyun_bill_instance_week_change_cny{account="main",pay_mode="postpaid",product_code="KEC",` +
			`project_id="0",instance_id="%s"} %s`
		want := []string{fmt.Sprintf(sample, "dearer", "9"), fmt.Sprintf(sample, "gone", "-3")}
		for i := range 48 {
			want = append(want, fmt.Sprintf(sample, fmt.Sprintf("new-%02d", i), "0.1"))
		}
		compare(t, got, strings.Join(want, "\n"))
	})
}

// On a day without change no line is downloaded: not one in a month. When the estimate moves on its lines are read
// once, and a moved end alone is a change.
func TestLinesOfAQuietMonth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 1, on("2026-10-01", server("kec-1", 100)))
		c.bill("2026-09", server("kec-1", 100))
		o := options(simulated("main", c.Account))
		o.Months.Past = 1
		o.Refresh.DetailsMaxAge, o.Refresh.MaxStaleness = 40*24*time.Hour, 41*24*time.Hour
		w := start(t, october(2), o, c.Account)
		calls := func() map[string]int {
			n := map[string]int{}
			for _, call := range w.asked() {
				n[strings.Fields(call)[0]]++
			}
			return n
		}
		if got := calls(); got["getPostpayDetailConsume"] != 1 || got["GetPostpayDetailBill"] != 1 {
			t.Fatalf("at the start: %v", got)
		}
		for day := 2; day < 31; day++ {
			w.sleep(24 * time.Hour)
			want := map[string]int{"GetMonthBill": 24, "getMonthConsume": 48}
			if day == 10 || day == 20 { // at 12:00, the phase comes later: the call is of the next 24 hours
				c.consume("2026-10", day, on("2026-10-01", server("kec-1", 100)))
			}
			if day == 11 || day == 21 {
				want["getPostpayDetailConsume"] = 1
			}
			if got := calls(); !maps.Equal(got, want) {
				t.Errorf("on the %d.: %v, want %v", day, got, want)
			}
		}
	})
}

// Without closed months to show, last month's days are shown all the same, and its lines are read no more often for it.
func TestNoPastMonths(t *testing.T) {
	skipIfShort(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-09", 30, on("2026-09-30", server("kec-1", 200)))
		c.bill("2026-10", server("kec-1", 300))
		o := options(simulated("main", c.Account))
		o.Months.Past = 0
		w := start(t, october(15), o, c.Account)
		w.sleep(5 * time.Hour)
		asked := strings.Join(w.asked(), "\n")
		for action, want := range map[string]int{"getPostpayDetailConsume": 1, getDetailBill: 1} {
			if got := strings.Count(asked, action); got != want {
				t.Errorf("%s: %d calls, want %d", action, got, want)
			}
		}
		compare(t, w.scrape("ksyun_bill_day_start_timestamp_seconds")[:1], `
ksyun_bill_day_start_timestamp_seconds{account="main",days_ago="0"} 1790697600`)
		w.checkInfos()
		w.sleepUntil(beijing(11, 1, 2))
		w.asked()
		w.sleep(48 * time.Hour)
		if asked := strings.Join(w.asked(), "\n"); strings.Contains(asked, getDetailBill) {
			t.Errorf("asked for lines of a month that is not shown: %s", asked)
		}
	})
}

// Lines of consumption are read where they are shown: of the running month's estimate, and for days and for last month
// to the same day.
func TestLinesThatNobodyWants(t *testing.T) {
	const running, last = "getPostpayDetailConsume 2026-10 0", "getPostpayDetailConsume 2026-09 0"
	for _, c := range []struct {
		name       string
		past, days int
		running    Running
		want       string
	}{
		{"no past months and no days", 0, 0, Auto, running},
		{"nor the estimate", 0, 0, Bill, ""},
		{"no past months", 0, 1, Bill, running + "\n" + last},
		{"no days", 1, 0, Bill, running + "\n" + last},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				customer := newCustomer("1")
				customer.consume("2026-09", 30, on("2026-09-30", server("kec-1", 200)))
				customer.consume("2026-10", 14, on("2026-10-14", server("kec-1", 200)))
				customer.bill("2026-10", server("kec-1", 300))
				o := options(simulated("main", customer.Account))
				o.Months.Past, o.Days, o.Months.Running = c.past, c.days, c.running
				w := start(t, october(15), o, customer.Account)
				var asked []string
				for _, call := range w.asked() {
					if strings.HasPrefix(call, "getPostpayDetailConsume") {
						asked = append(asked, call)
					}
				}
				compare(t, asked, c.want)
			})
		})
	}
}

// A month that has cost nothing so far has days that have.
func TestDaysWithoutALine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 2)
		w := start(t, october(3), options(simulated("main", c.Account)), c.Account)
		compare(t, w.scrape("ksyun_bill_day_account_cost_cny"), `
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="0"} 0
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="1"} 0`)
	})
}

// Lines that have vanished, while their summary still comes to something, are a short answer: their month's numbers and
// days stay, and the source says so, unless it is what a billed month was estimated by.
func TestVanishedLines(t *testing.T) {
	const consumed = `ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="华北1(北京)"} 2`
	for _, c := range []struct {
		name   string
		change func(*customer)
		says   string
	}{
		{"of a bill", func(c *customer) {
			c.put("2026-09", billsim.Bill{SummaryOnly: []billsim.Product{{Code: "KEC", Cost: 4 * billsim.Yuan}}})
		}, `2026-09: GetPostpayDetailBill: the answer has no lines, though the summary comes to 4 CNY"`},
		{
			"of the running estimate", func(c *customer) { c.vanish("2026-10", "2026-10-14") },
			`2026-10: getPostpayDetailConsume: the answer has no lines, though the summary comes to 5 CNY"`,
		},
		{"of a billed month's estimate", func(c *customer) { c.vanish("2026-09", "2026-09-30") }, ""},
		{"of a billed month's estimate, some", func(c *customer) {
			c.consume("2026-09", 30, on("2026-09-29", server("kec-1", 50)))
			c.unexplain("2026-09")
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				customer := newCustomer("1")
				customer.bill("2026-09", server("kec-1", 300))
				customer.consume("2026-09", 30,
					on("2026-09-29", server("kec-1", 50)), on("2026-09-30", server("kec-1", 100)))
				customer.consume("2026-10", 14, on("2026-10-14", server("kec-1", 200)))
				o := options(simulated("main", customer.Account))
				o.Refresh.DetailsInterval = time.Minute
				w := start(t, october(15), o, customer.Account)
				days := strings.Join(w.scrape("ksyun_bill_day_account_cost_cny"), "\n")
				past := strings.Join(w.scrape("ksyun_bill_past_month_instance_cost_cny"), "\n")
				c.change(customer)
				w.log.take()
				w.sleepUntil(nextTick("main", time.Hour, time.Now()))
				compare(t, w.scrape("ksyun_bill_region_cost_cny"), consumed)
				compare(t, w.scrape("ksyun_bill_day_account_cost_cny"), days)
				compare(t, w.scrape("ksyun_bill_past_month_instance_cost_cny"), past)
				said := w.log.take()
				if !strings.Contains(said, c.says) || strings.Contains(said, "level=warn") != (c.says != "") {
					t.Errorf("want %s in the log:\n%s", c.says, said)
				}
				w.asked()
				w.sleep(48 * time.Hour)
				asked := strings.Count(strings.Join(w.asked(), "\n"), "getPostpayDetailConsume 2026-09")
				if asked != 2 {
					t.Errorf("lines of last month were asked for %d times in two days", asked)
				}
			})
		})
	}
}

// unexplain adds to an estimate what no line is behind.
func (c *customer) unexplain(month string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	consumed := c.consumed[month]
	consumed.SummaryOnly = []billsim.Product{{Code: "EIP", Cost: 2 * billsim.Yuan}}
	c.consumed[month] = consumed
}

// vanish leaves an estimate without lines, and with another sum.
func (c *customer) vanish(month, until string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.consumed[month] = billsim.Consumption{EndDate: until, Bill: billsim.Bill{
		SummaryOnly: []billsim.Product{{Code: "KEC", Cost: 5 * billsim.Yuan}},
	}}
}

// Lines that are not there are no day that costs 0, also when none were ever seen.
func TestNoLinesAtFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.vanish("2026-10", "2026-10-14")
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		compare(t, w.scrape("ksyun_bill_account_cost_cny", "ksyun_bill_day_account_cost_cny", "ksyun_bill_source_up"), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 5
ksyun_bill_source_up{account="main",source="detail_consume"} 0
ksyun_bill_source_up{account="main",source="month_bill"} 1
ksyun_bill_source_up{account="main",source="month_consume"} 1`)
		const why = `err="2026-10: getPostpayDetailConsume: the answer has no lines, though the summary comes to 5 CNY"`
		if said := w.log.take(); !strings.Contains(said, why) {
			t.Errorf("want %s in the log:\n%s", why, said)
		}
	})
}

// Lines that vanish while they are to be added up anew leave the days as they were.
func TestLinesVanishBeforeAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-09", server("kec-1", 300))
		c.consume("2026-09", 30, on("2026-09-29", server("kec-1", 50)), on("2026-09-30", server("kec-1", 100)))
		c.consume("2026-10", 14, on("2026-10-13", server("kec-1", 10)), on("2026-10-14", server("kec-1", 200)))
		o := options(simulated("main", c.Account))
		w := start(t, october(15), o, c.Account)
		days := strings.Join(w.scrape("ksyun_bill_day_account_cost_cny"), "\n")
		c.vanish("2026-09", "2026-09-30")
		w.api.Fault(billsim.Fault{Action: billclient.GetPostpayDetailConsume, EditPage: firstLineOnly})
		o.Instances.MaxSeries = 1000
		if err := w.bills.Reload(t.Context(), w.reach(o)); err != nil {
			t.Error(err)
		}
		w.sleep(5 * time.Second)
		compare(t, w.scrape("ksyun_bill_day_account_cost_cny"), days)
		compare(t, w.scrape("ksyun_bill_region_cost_cny"), "") // of another configuration
	})
}

func firstLineOnly(p *billsim.LinePage) { p.Total, p.Lines = 1, 1 }

// Fewer lines than before are a short answer, unless their summary has fallen with them, or they add up to it.
func TestFewerLines(t *testing.T) {
	whole := []billsim.Line{on("2026-10-13", server("kec-1", 100)), on("2026-10-14", server("kec-2", 90000))}
	for _, c := range []struct {
		name   string
		change func(*customer, *world)
		newest string
		up     string
	}{
		{"of the same sum", func(_ *customer, w *world) {
			w.api.Fault(billsim.Fault{Action: billclient.GetPostpayDetailConsume, EditPage: firstLineOnly})
		}, "900", "0"},
		{"of a lower sum", func(c *customer, w *world) {
			c.consume("2026-10", 14, whole[0], on("2026-10-14", server("kec-2", 200)))
			w.api.Fault(billsim.Fault{Action: billclient.GetPostpayDetailConsume, EditPage: firstLineOnly})
		}, "0", "1"},
		{"that add up", func(c *customer, _ *world) {
			c.consume("2026-10", 14, on("2026-10-14", server("kec-2", 95000)))
		}, "950", "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				customer := newCustomer("1")
				customer.consume("2026-10", 14, whole...)
				w := start(t, october(15), options(simulated("main", customer.Account)), customer.Account)
				c.change(customer, w)
				w.log.take()
				w.sleep(25 * time.Hour)
				compare(t, w.scrape("ksyun_bill_day_account_cost_cny")[:1],
					`ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="0"} `+c.newest)
				compare(t, w.scrape("ksyun_bill_source_up")[:1],
					`ksyun_bill_source_up{account="main",source="detail_consume"} `+c.up)
				const why = "the answer has 1 lines, fewer than the 2 before, and they do not come to 901 CNY"
				if said := w.log.take(); strings.Contains(said, why) != (c.up == "0") {
					t.Errorf("log:\n%s", said)
				}
			})
		})
	}
}

// A read of lines that lasts over the end of the month does not ask for a month that is not wanted any more.
func TestLinesAreReadOverTheEndOfAMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 30, on("2026-10-14", server("kec-1", 200)))
		c.consume("2026-09", 30, on("2026-09-29", server("kec-1", 50)))
		var stop func()
		slow := billsim.Fault{Action: billclient.GetPostpayDetailConsume, Drip: 300 * time.Millisecond}
		w := startWith(t, beijing(10, 31, 23).Add(58*time.Minute), options(simulated("main", c.Account)),
			faulty(&slow, &stop), c.Account)
		w.sleep(8 * time.Minute)
		compare(t, w.asked(), `
GetMonthBill 2026-07 2026-10
getMonthConsume 2026-10
getMonthConsume 2026-09
getPostpayDetailConsume 2026-10 0`)
		compare(t, w.scrape("ksyun_bill_source_up")[:1],
			`ksyun_bill_source_up{account="main",source="detail_consume"} 1`)
	})
}

// What ends with the month while it is read is no failure; what ends otherwise is.
func TestReadEndsWithTheMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(beijing(11, 1, 0).Add(-time.Minute)))
		read := func(context.Context, *fetch, billclient.Month) error {
			time.Sleep(2 * time.Minute)
			return errors.New("invalid")
		}
		october := billclient.MonthOf(october(1))
		if err := readMonths(t.Context(), nil, []billclient.Month{october.Add(-1)}, read); err != nil {
			t.Error(err)
		}
		if err := readMonths(t.Context(), nil, []billclient.Month{october}, read); err == nil {
			t.Error("a failure is none")
		}
	})
}

// A stream that breaks and is read again counts every line once.
func TestRetryStartsFromNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.bill("2026-10", server("kec-1", 100), server("kec-2", 200))
		account := simulated("main", c.Account)
		account.API.MaxRetries = 1
		w := startWith(t, october(15), options(account), func(api http.Handler) http.Handler {
			broken := billsim.Break(billsim.Drop, 1)
			broken.Action, broken.Times = getDetailBill, 1
			api.(*billsim.Server).Fault(broken)
			return api
		}, c.Account)
		w.sleep(10 * time.Second)
		compare(t, w.scrape("ksyun_bill_region_cost_cny", "ksyun_bill_api_retries_total",
			"ksyun_bill_source_refreshes_total"), `
ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="华北1(北京)"} 3
ksyun_bill_api_retries_total{account="main",action="GetPostpayDetailBill"} 1
ksyun_bill_source_refreshes_total{account="main",source="detail_bill"} 1
ksyun_bill_source_refreshes_total{account="main",source="month_bill"} 1
ksyun_bill_source_refreshes_total{account="main",source="month_consume"} 1`)
	})
}

// A monthly fee, which ends with its month, does not make a bill look new.
func TestDataTimestamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		fee, odd, old := server("kec-1", 100), server("kec-2", 100), server("kec-3", 100)
		fee.EndTime, odd.EndTime = "2026-10-31 23:59:59", "until further notice"
		old.EndTime = "2026-10-09 23:59:59"
		c.bill("2026-10", fee, odd, old)
		w := start(t, october(15), options(simulated("main", c.Account)), c.Account)
		compare(t, w.scrape("ksyun_bill_period_data_timestamp_seconds"),
			`ksyun_bill_period_data_timestamp_seconds{account="main"} 1791561599`)
	})
}

// Lines beyond EndDate count in neither days nor instances, until EndDate covers them.
func TestLinesBeyondEndDate(t *testing.T) {
	const answer = `{"RequestId":"1","BeginDate":"2026-10-01","EndDate":"2026-10-13","MonthBillSet":[` +
		`{"BillMonth":"2026-10","BillType":"postpay","BillId":"B","Sum":1,"BillProductSet":[{"Code":"KEC","Cost":1}]}]}`
	synctest.Test(t, func(t *testing.T) {
		c := newCustomer("1")
		c.consume("2026-10", 14, on("2026-10-13", server("kec-1", 100)), on("2026-10-14", server("kec-2", 700)))
		var text atomic.Pointer[string]
		early := answer
		text.Store(&early)
		o := options(simulated("main", c.Account))
		o.Months.Past, o.Days = 0, 2
		w := startWith(t, october(15), o, answering(billclient.GetMonthConsume, &text), c.Account)
		families := []string{
			"ksyun_bill_account_cost_cny", "ksyun_bill_region_cost_cny", "ksyun_bill_day_account_cost_cny",
			"ksyun_bill_instances",
		}
		compare(t, w.scrape(families...), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 1
ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="华北1(北京)"} 1
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="0"} 1
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="1"} 0
ksyun_bill_instances{account="main",product_code="KEC"} 1`)
		text.Store(nil)
		w.sleep(8 * time.Hour)
		compare(t, w.scrape(families...), `
ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 8
ksyun_bill_region_cost_cny{account="main",pay_mode="postpaid",region_name="华北1(北京)"} 8
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="0"} 7
ksyun_bill_day_account_cost_cny{account="main",pay_mode="postpaid",days_ago="1"} 1
ksyun_bill_instances{account="main",product_code="KEC"} 2`)
	})
}
