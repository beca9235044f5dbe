package backfill

import (
	"maps"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/config"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
)

const demoAccounts = "accounts:\n" +
	"  - {name: shop, access_key_id: DEMOSHOPACCESSKEY, secret_access_key: demo-shop-secret-key}\n" +
	"  - {name: game, access_key_id: DEMOGAMEACCESSKEY, secret_access_key: demo-game-secret-key}\n" +
	"api: {requests_per_second: 1000}\n"

// demoStart is a month thirteen months before that of noon: more of them would only take longer.
const demoStart = "2025-10"

// newKnownJob returns a job over pipes that has asked for all months from the given one on. It has to be called in a
// bubble.
func newKnownJob(t *testing.T, api *billsim.Server, text, from string) *job {
	t.Helper()
	pipes, stop := billsim.PipeTransport(api)
	t.Cleanup(stop)
	conf, err := config.Parse("config.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	o := optionsFrom(t, from)
	o.Config, o.Transport, o.Now, o.Logger = conf, pipes, time.Now(), log.NewNopLogger()
	j, err := o.newJob(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if j.journal, err = openJournal(t.TempDir()+"/partial", o.Now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.journal.close)
	if err := j.askAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	return j
}

// byMode returns what a family has of a month by pay mode.
func byMode(f family, h history, m billclient.Month) map[string]billclient.Amount {
	modes := map[string]billclient.Amount{}
	for k, amount := range f.sums(h, m) {
		modes[k[0]] = modes[k[0]].Add(amount)
	}
	return modes
}

// sameAmounts compares amounts to the last digit, whatever zeros follow it.
var sameAmounts = cmp.Comparer(func(a, b billclient.Amount) bool { return a.Cmp(b) == 0 })

// paid returns what the purchases and hours of a month of an account come to, and its bill.
func paid(t *testing.T, a *billsim.Account, month string) map[string]billclient.Amount {
	sum := func(purchases []billsim.Purchase) (total billsim.Amount) {
		for _, p := range purchases {
			total += p.Cost
		}
		return total
	}
	bill, _ := a.Bills(month)
	modes := map[string]billclient.Amount{}
	for mode, cost := range map[string]billsim.Amount{
		billclient.Postpaid: bill.Sums().Total, billclient.Prepaid: sum(a.Prepaid(month)),
		billclient.Realtime: sum(a.Realtime(month)),
	} {
		modes[mode] = parseAmount(t, cost)
	}
	return modes
}

// In every month, each family comes to what the account has paid, in each pay mode, to the last digit. The products of
// the projects are those of the purchases, under the codes that they have in the bill.
func TestFamiliesComeToWhatWasPaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		accounts := billsim.Demo(time.Now)
		for i, a := range accounts { // what was bought before is not in the months of the history
			accounts[i].Prepaid = func(month string) []billsim.Purchase {
				if month < demoStart {
					return nil
				}
				return a.Prepaid(month)
			}
		}
		j := newKnownJob(t, billsim.New(accounts), demoAccounts, demoStart)
		for i, h := range histories(j) {
			if len(h.months) != 13 {
				t.Errorf("%s: months %v", h.account, h.months)
			}
			for _, m := range h.months {
				want := paid(t, &accounts[i], m.String())
				for _, f := range families {
					if diff := cmp.Diff(want, byMode(f, h, m), sameAmounts); diff != "" {
						t.Errorf("%s, %v, %s (-want +got):\n%s", h.account, m, f.view, diff)
					}
				}
				if diff := cmp.Diff(bought(t, &accounts[i], m.String()), otherModesOf(families[3], h, m), sameAmounts); diff != "" {
					t.Errorf("%s, %v, by project and product (-want +got):\n%s", h.account, m, diff)
				}
			}
			checkAmortized(t, &accounts[i], h, j.to)
		}
	})
}

// bought returns what the purchases and hours of a month come to by pay mode, project and product.
func bought(t *testing.T, a *billsim.Account, month string) ledger.Sums {
	t.Helper()
	sums := ledger.Sums{}
	for mode, purchases := range map[string][]billsim.Purchase{
		billclient.Prepaid: a.Prepaid(month), billclient.Realtime: a.Realtime(month),
	} {
		for _, p := range purchases {
			sums.Add(ledger.Key{mode, p.ProjectID, p.ProductCode}, parseAmount(t, p.Cost))
		}
	}
	return sums
}

// otherModesOf returns what a family has of a month in other pay modes than postpaid.
func otherModesOf(f family, h history, m billclient.Month) ledger.Sums {
	sums := f.sums(h, m)
	maps.DeleteFunc(sums, func(k ledger.Key, _ billclient.Amount) bool { return k[0] == billclient.Postpaid })
	return sums
}

func parseAmount(t *testing.T, cost billsim.Amount) billclient.Amount {
	t.Helper()
	amount, err := billclient.ParseAmount(cost.String())
	if err != nil {
		t.Fatal(err)
	}
	return amount
}

// checkAmortized checks that amortised cost of products and of projects comes to that of the account in every month,
// and over all terms to what was paid, to the last digit.
func checkAmortized(t *testing.T, a *billsim.Account, h history, last billclient.Month) {
	t.Helper()
	bought, used, unused := billclient.Amount{}, billclient.Amount{}, billclient.Amount{}
	amortized := allFamilies()[len(families):]
	for _, m := range h.months {
		bought = bought.Add(paid(t, a, m.String())[billclient.Prepaid])
		account := byMode(amortized[0], h, m)
		used = used.Add(account[billclient.Prepaid])
		for _, f := range amortized {
			if diff := cmp.Diff(account, byMode(f, h, m), sameAmounts); diff != "" {
				t.Errorf("%s, %v, %s (-account +got):\n%s", h.account, m, f.name(), diff)
			}
		}
	}
	for _, costs := range metrics.AmortizedMonths(*h.others, last.Add(1), last.Add(48)) {
		for _, cost := range costs {
			unused = unused.Add(cost)
		}
	}
	if used.Add(unused).Cmp(bought) != 0 || unused.Sign() <= 0 || used.Sign() <= 0 {
		t.Errorf("%s: %v and %v later, paid were %v", h.account, used, unused, bought)
	}
}

// What was bought before the first month counts in the months of its term, until it is given back.
func TestAmortized(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		main := newAccount("AKLTMAIN", "s3cret-main", "73400575", "2026-08", "")
		main.Prepaid = func(month string) []billsim.Purchase {
			year := billsim.Purchase{
				ProductCode: "KEC", ProductName: "云服务器", ProjectID: "7", ProjectName: "广告", InstanceID: "p",
				Day: "2025-12-31", StartTime: "2026-01-01 00:00:00", EndTime: "2026-12-31 23:59:59",
				Cost: 365 * billsim.Yuan,
			}
			back := year
			back.Kind, back.Day, back.StartTime = billsim.Refunded, "2026-09-16", "2026-09-16 00:00:00"
			back.Cost = -107 * billsim.Yuan
			return map[string][]billsim.Purchase{"2025-12": {year}, "2026-09": {back}}[month]
		}
		config := strings.TrimSuffix(oneAccount, postpaidOnly) + "products: [{group: VM_GROUP, code: KEC}]\n"
		api := billsim.New([]billsim.Account{main})
		got := runBackfill(t.Context(), t, api, t.TempDir(), config, optionsFrom(t, "2026-08"))
		compareFile(t, "amortized.txt", got.String()+got.files["history"])
	})
}

// With --pay-modes=postpaid the file is as it is without bill-union, and bill-union is not asked.
func TestPostpaidOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		api := newAPI()
		options := optionsFrom(t, "2026-05")
		options.PayModes = "postpaid"
		got := runBackfill(t.Context(), t, api, t.TempDir(), bothAccounts, options)
		compareFile(t, "log.txt", got.String())
		compareFile(t, "history.txt", got.files["history"])
		for _, c := range api.Calls() {
			if c.Action != billclient.GetMonthBill {
				t.Errorf("asked for %s", c.Action)
			}
		}
	})
}

// The flag --pay-modes chooses what is in the file.
func TestPayModes(t *testing.T) {
	for name, tt := range map[string]struct{ config, modes, want, has, lacks string }{
		"prepaid": {config: demoAccounts, modes: "prepaid", has: billclient.Prepaid, lacks: billclient.Realtime},
		"two":     {config: demoAccounts, modes: "realtime, postpaid", has: billclient.Realtime, lacks: billclient.Prepaid},
		"unknown": {
			config: demoAccounts, modes: "prepaid,cash",
			want: "wrong argument: backfill: --pay-modes: \"cash\" is none of postpaid, prepaid, realtime\n",
		},
		"no bill-union": {
			config: oneAccount, modes: "prepaid",
			want: "wrong argument: backfill: main: --pay-modes: other pay modes than postpaid need api.union_endpoint\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				options := optionsFrom(t, "2026-10")
				options.PayModes = tt.modes
				got := runBackfill(t.Context(), t, billsim.New(billsim.Demo(time.Now)), t.TempDir(), tt.config, options)
				if got.failure() != tt.want {
					t.Errorf("%s, want %s", got, tt.want)
				}
				file := got.files["history"]
				has := func(mode string) bool { return strings.Contains(file, `pay_mode="`+mode+`"`) }
				if tt.want == "" && (!has(tt.has) || has(tt.lacks)) {
					t.Errorf("want %s and no %s in\n%s", tt.has, tt.lacks, file)
				}
			})
		})
	}
}

// A run that is stopped goes on from there without repeating a call, and writes what it would have written at once.
func TestModesGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		api, dir := billsim.New(billsim.Demo(time.Now)), t.TempDir()
		const accounts = demoAccounts + "prepaid: {months: 2}\n"
		want := runBackfill(t.Context(), t, api, t.TempDir(), accounts, optionsFrom(t, "2026-10"))
		calls := callsOf(api)
		config := strings.Replace(accounts, "api: {", "api: {daily_calls: 5, ", 1) + "state_dir: " + t.TempDir() + "\n"
		api.ResetCalls()
		var got outcome
		for day := 0; got.files["history"] == ""; day++ {
			if got = runBackfill(t.Context(), t, api, dir, config, optionsFrom(t, "2026-10")); day > 5 {
				t.Fatalf("%s", got)
			}
			known := strings.Contains(got.failure(), "keeps the months that are known, ")
			if got.err != nil && (!known || got.files["history.partial"] == "") {
				t.Errorf("day %d: %s", day, got)
			}
			time.Sleep(24 * time.Hour)
		}
		if diff := cmp.Diff(want.files, got.files); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(calls, callsOf(api)); diff != "" {
			t.Errorf("asked for (-want +got):\n%s", diff)
		}
	})
}

// callsOf returns the calls to an API, without their times and signatures, sorted.
func callsOf(api *billsim.Server) (calls []string) {
	for _, c := range api.Calls() {
		calls = append(calls, c.AccessKeyID+" "+c.Action+" "+c.Query.Encode())
	}
	slices.Sort(calls)
	return calls
}

// What bill-union does not have is told, and no family lacks its money. What it denies is an error.
func TestOmissions(t *testing.T) {
	const at = " account=shop months=1 first=2026-10 last=2026-10 err="
	unknown := billsim.Refuse(billsim.JSONError, http.StatusBadRequest, "InvalidAction", "no such action")
	old := billsim.Refuse(billsim.JSONError, http.StatusBadRequest, "InvalidParameter", "too old")
	denied := billsim.Refuse(billsim.JSONError, http.StatusForbidden, "AccessDenied", "no")
	empty := billsim.Raw(http.StatusOK, "application/json", `{"data":{"bills":[],"total":0}}`)
	none := billsim.Raw(http.StatusOK, "application/json", `{"SummaryOverview":[]}`)
	for name, tt := range map[string]struct {
		fault           billsim.Fault
		action          string
		want            string
		calls, families int // of the action; with other pay modes than postpaid
	}{
		"no sums": {
			none, billclient.DescribeBillSummaryByPayMode, `msg="bill-union has nothing of months: the file has their` +
				` postpaid bill only"` + at + `"no sum of any pay mode, though there is a bill"`, 1, 0,
		},
		"sums too old": {
			old, billclient.DescribeBillSummaryByPayMode, `msg="bill-union has nothing of months: the file has their` +
				` postpaid bill only"` + at + `"DescribeBillSummaryByPayMode: InvalidParameter`, 1, 0,
		},
		"no products": {
			unknown, billclient.QueryProductConsume, `msg="bill-union does not have months by product: their prepaid and` +
				` realtime cost is of __none__"` + at + `"QueryProductConsume: InvalidAction`, 1, 7,
		},
		"no projects": {
			empty, billclient.QueryProjectConsume, `msg="parts do not come to the sum of the month: the difference is of` +
				` __none__" account=shop month=2026-10 parts=project_days pay_modes=prepaid,realtime`, 2, 7,
		},
		"no groups": {
			unknown, billclient.ListProductGroups, `msg="bill-union does not list product groups: they stand under their` +
				` ids" account=shop err="ListProductGroups: InvalidAction`, 1, 7,
		},
		"no instances": {
			unknown, billclient.DescribeInstanceSummaryBills, `msg="bill-union does not have instances of months:` +
				` project_product has their cost as __none__"` + at + `"DescribeInstanceSummaryBills: InvalidAction`, 1, 4,
		},
		"no lines of the bill": {
			unknown, billclient.GetPostpayDetailBill, `msg="the bill has no lines: product groups stand under their own` +
				` codes, unless products says otherwise"` + at + `"GetPostpayDetailBill: InvalidAction`, 1, 7,
		},
		"denied": {
			denied, billclient.QueryProductConsume, "to this key; --pay-modes=postpaid does without\n", 1, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				accounts := billsim.Demo(time.Now)
				api := billsim.New(accounts)
				tt.fault.Action = tt.action
				api.Fault(tt.fault)
				options := optionsFrom(t, "2026-10")
				options.Accounts = []string{"shop"}
				got := runBackfill(t.Context(), t, api, t.TempDir(), demoAccounts, options)
				if !strings.Contains(got.String(), tt.want) {
					t.Errorf("no %s in\n%s", tt.want, got)
				}
				var calls []string
				for _, c := range api.Calls() {
					calls = append(calls, c.Action)
				}
				if n := len(calls) - len(slices.DeleteFunc(calls, func(a string) bool { return a == tt.action })); n != tt.calls {
					t.Errorf("%s was asked for %d times, want %d", tt.action, n, tt.calls)
				}
				want := paid(t, &accounts[0], "2026-10")
				sums := sumsOfFile(t, got.files["history"])
				families := 0
				for family, modes := range sums {
					for mode, sum := range modes {
						if mode == billclient.Prepaid && strings.Contains(family, "_amortized_") {
							continue
						}
						if diff := sum - want[mode].Float64(); diff > 1e-6 || diff < -1e-6 {
							t.Errorf("%s, %s: %v, want %v", family, mode, sum, want[mode])
						}
					}
					if len(modes) == 3 {
						families++
					}
				}
				if strings.Contains(got.files["history"], "_amortized_") != (tt.families == 7) {
					t.Errorf("not the amortised families: %v", sums)
				}
				if families != tt.families {
					t.Errorf("%d families have all pay modes, want %d: %v", families, tt.families, sums)
				}
			})
		})
	}
}

// sumsOfFile returns what the families of a file come to by pay mode.
func sumsOfFile(t *testing.T, text string) map[string]map[string]float64 {
	t.Helper()
	sums := map[string]map[string]float64{}
	for _, match := range sample.FindAllStringSubmatch(text, -1) {
		value, err := strconv.ParseFloat(match[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		if sums[match[1]] == nil {
			sums[match[1]] = map[string]float64{}
		}
		sums[match[1]][match[2]] += value
	}
	return sums
}

var sample = regexp.MustCompile(`(?m)^(\w+)\{account="shop",pay_mode="(\w+)".*\} (\S+) \S+$`)

// promtool takes the file of all pay modes.
func TestPromtool(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		api := billsim.New(billsim.Demo(time.Now))
		if got := runBackfill(t.Context(), t, api, dir, demoAccounts, optionsFrom(t, "2026-09")); got.err != nil {
			t.Fatal(got)
		}
	})
	out, err := exec.CommandContext(t.Context(), "promtool", "tsdb", "create-blocks-from", "openmetrics",
		filepath.Join(dir, "history"), filepath.Join(dir, "data")).CombinedOutput()
	if err != nil {
		t.Fatalf("promtool: %v\n%s", err, out)
	}
}
