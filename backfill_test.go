package main

import (
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"

	"github.com/google/go-cmp/cmp"
)

// yearsOf is an account whose months have a bill from the first one on, but for a gap: the n-th costs n yuan and a fen,
// in two products, and in two projects.
func yearsOf(key, secret, customer, first, gap string) billsim.Account {
	return billsim.Account{
		AccessKeyID: key, SecretAccessKey: secret, CustomerID: customer,
		Bills: func(month string) (billsim.Bill, bool) {
			if month < first || month == gap {
				return billsim.Bill{}, false
			}
			begin, _ := billclient.ParseMonth(first)
			m, _ := billclient.ParseMonth(month)
			return billsim.Bill{Lines: slices.Values([]billsim.Line{
				{ProductCode: "KEC", ProjectID: "0", Cost: billsim.Amount(m-begin+1) * billsim.Yuan},
				{ProductCode: "EBS", ProjectID: `1"03`, Cost: billsim.Fen},
			})}, true
		},
	}
}

// veterans are two accounts, one of them with a gap.
func veterans() *billsim.Server {
	return billsim.New([]billsim.Account{
		yearsOf("AKLTMAIN", "s3cret-main", "73400575", "2026-04", ""),
		yearsOf("AKLTSHOP", "s3cret-shop", "73406772", "2026-07", "2026-09"),
	})
}

// asked returns the months that were asked for with a key, as the calls came.
func asked(api *billsim.Server, key string) (months []string) {
	for _, c := range api.Calls() {
		if c.AccessKeyID == key {
			months = append(months, c.Query.Get("BillStartMonth")+" "+c.Query.Get("BillEndMonth"))
		}
	}
	return months
}

// All months, in few calls: those that are not in the answer for their year are asked for alone.
func TestBackfill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		api := veterans()
		got := runCommand(t.Context(), t, api, t.TempDir(), twoAccounts, "backfill", "--from=2026-05",
			"--output=DIR/history")
		compareFile(t, "backfill/log.txt", got.String())
		if len(got.files) != 1 {
			t.Errorf("files %q", got.files)
		}
		compareFile(t, "backfill/history.txt", got.files["history"])
		want := []string{"2026-05 2026-10", "2026-05 2026-05", "2026-06 2026-06", "2026-09 2026-09"}
		if diff := cmp.Diff(want, asked(api, "AKLTSHOP")); diff != "" {
			t.Errorf("asked for (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"2026-05 2026-10"}, asked(api, "AKLTMAIN")); diff != "" {
			t.Errorf("asked for (-want +got):\n%s", diff)
		}
	})
}

// refuseRanges is an API that takes a single month only, as the documentation lets it.
func refuseRanges(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Get("BillStartMonth") != q.Get("BillEndMonth") {
			http.Error(w, `{"Error":{"Code":"InvalidParameter","Message":"span"}}`, http.StatusBadRequest)
			return
		}
		api.ServeHTTP(w, r)
	})
}

// Whatever an API makes of ranges of months, the history is the same.
func TestBackfillMonthByMonth(t *testing.T) {
	for name, change := range map[string]func(*billsim.Server) http.Handler{
		"refused": func(api *billsim.Server) http.Handler { return refuseRanges(api) },
		"shortened": func(api *billsim.Server) http.Handler {
			api.Fault(billsim.Fault{AccessKeyID: "AKLTMAIN", Times: 1, Answer: &billsim.Answer{
				ContentType: "application/json", Body: func(string) string { return `{"MonthBillSet":[]}` },
			}})
			return api
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				api := veterans()
				got := runCommand(t.Context(), t, change(api), t.TempDir(), twoAccounts, "backfill", "--from=2026-05",
					"--output=DIR/history")
				compareFile(t, "backfill/history.txt", got.files["history"])
				if calls := asked(api, "AKLTMAIN"); !slices.Contains(calls, "2026-05 2026-05") {
					t.Errorf("asked for %v", calls)
				}
			})
		})
	}
}

// Without calls left for today it stops, and goes on tomorrow, without a call that was made already, though a crash cut
// the last line of what it knew.
func TestBackfillGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		api, dir := veterans(), t.TempDir()
		config := twoAccounts + "api: {daily_calls: 1}\nstate_dir: " + t.TempDir() + "\n"
		backfill := func() outcomeOf {
			return runCommand(t.Context(), t, api, dir, config, "backfill", "--from=2026-05", "--output=DIR/history")
		}
		got := backfill()
		compareFile(t, "backfill/stopped.txt", got.String())
		for day := 2; day <= 4; day++ {
			partial := got.files["history.partial"]
			if len(got.files) != 1 || partial == "" || got.code != 1 {
				t.Fatalf("day %d: exit code %d, files %q\n%s", day, got.code, got.files, got.log)
			}
			write(t, filepath.Join(dir, "history.partial"), partial+`{"Account":"`+strings.Repeat("商城", 100))
			time.Sleep(24 * time.Hour)
			got = backfill()
		}
		compareFile(t, "backfill/history.txt", got.files["history"])
		if len(got.files) != 1 || got.code != 0 {
			t.Errorf("exit code %d, files %q", got.code, got.files)
		}
		want := []string{"2026-05 2026-10", "2026-05 2026-05", "2026-06 2026-06", "2026-09 2026-09"}
		if diff := cmp.Diff(want, asked(api, "AKLTSHOP")); diff != "" {
			t.Errorf("asked for (-want +got):\n%s", diff)
		}
	})
}

// An account that fails does not hold up the others, and what is known is kept.
func TestBackfillFailures(t *testing.T) {
	const keeps = `level=error msg="cannot go on" err="backfill: DIR/history.partial keeps the months that are known, `
	for name, tt := range map[string]struct {
		fault billsim.Fault
		want  []string
	}{
		"one key": {
			billsim.Fault{AccessKeyID: "AKLTMAIN", Answer: &billsim.Answer{Status: http.StatusUnauthorized}},
			[]string{`level=error msg="cannot go on" err="backfill: main: GetMonthBill`, keeps + "6 of 12: "},
		},
		"interrupted": {
			billsim.Never(),
			[]string{
				`level=error msg="cannot go on" err="backfill: main: GetMonthBill: context canceled"`,
				`level=error msg="cannot go on" err="backfill: 商城: context canceled"`,
				keeps + "0 of 12: ",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				api := veterans()
				api.Fault(tt.fault)
				ctx, interrupt := context.WithCancel(t.Context())
				defer time.AfterFunc(10*time.Second, interrupt).Stop()
				got := runCommand(ctx, t, api, t.TempDir(), twoAccounts, "backfill", "--from=2026-05",
					"--output=DIR/history")
				for _, want := range tt.want {
					if !strings.Contains(got.log, want) {
						t.Errorf("no %s in\n%s", want, got.log)
					}
				}
				if _, partial := got.files["history.partial"]; !partial || len(got.files) != 1 || got.code != 1 {
					t.Errorf("exit code %d, files %q", got.code, got.files)
				}
			})
		})
	}
}

func TestBackfillMistakes(t *testing.T) {
	const output = " --output=DIR/history"
	const failed = `level=error msg="cannot go on" err="backfill: `
	for name, tt := range map[string]struct {
		args, partial, want string
		calls               int
	}{
		"no output": {want: "ksyun_bill_exporter: required flag(s) '--output' not provided; try --help\nexit code 2\n"},
		"running month": {
			args: "--to=2026-11" + output,
			want: "ksyun_bill_exporter: backfill: --to: 2026-10 is the last month that is over; try --help\n" +
				"exit code 2\n",
		},
		"too early": {
			args: "--from=2018-05" + output,
			want: "ksyun_bill_exporter: backfill: --from: there are bills from 2018-06 on; try --help\nexit code 2\n",
		},
		"backwards": {
			args: "--from=2026-10 --to=2026-09" + output,
			want: "ksyun_bill_exporter: backfill: --to: 2026-09 is before 2026-10; try --help\nexit code 2\n",
		},
		"no folder": {
			args: "--output=DIR/none/history",
			want: failed + "open DIR/none/history.partial: no such file or directory\"\nexit code 1\n",
		},
		"no bills": {
			args: "--from=2025-01 --to=2025-01" + output,
			want: "level=info msg=months account=main known=1 billed=0\n" + failed +
				"no account has a bill of 2025-01 to 2025-01\"\nexit code 1\n",
			calls: 1,
		},
		"foreign file": {
			args: "--from=2026-01" + output, partial: "account,month\n",
			want: failed + "DIR/history.partial: invalid character 'a' looking for beginning of value; remove it to" +
				" begin anew\"\nexit code 1\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				dir := t.TempDir()
				if tt.partial != "" {
					write(t, filepath.Join(dir, "history.partial"), tt.partial)
				}
				api, args := veterans(), append([]string{"backfill"}, strings.Fields(tt.args)...)
				got := runCommand(t.Context(), t, api, dir, oneAccount, args...)
				if diff := cmp.Diff(tt.want, got.String()); diff != "" || len(api.Calls()) != tt.calls {
					t.Errorf("after %d calls (-want +got):\n%s", len(api.Calls()), diff)
				}
			})
		})
	}
}
