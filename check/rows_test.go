package check

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/config"

	"github.com/google/go-cmp/cmp"
)

// timed keeps the lines that were written that are about an account, each with the time that had passed since noon.
type timed struct{ lines []string }

func (w *timed) Write(text []byte) (int, error) {
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, " of 2: ") {
			w.lines = append(w.lines, fmt.Sprintf("%v %s", time.Since(noon), line))
		}
	}
	return len(text), nil
}

// There is a row about an account as soon as all was asked of it.
func TestRowAsItGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		pipes, stop := billsim.PipeTransport(billsim.New(customers()))
		defer stop()
		var out timed
		if err := Run(t.Context(), Options{
			Config: parse(t, twoAccounts+"refresh: {concurrency: 1}\n"), Transport: pipes, Now: time.Now(), Stdout: &out,
		}); err != nil {
			t.Error(err)
		}
		want := []string{
			"9s 1 of 2: main: 17 ok, 1 empty; customer 73400575, newest bill 2026-11, estimate until 2026-11-21\n",
			"18s 2 of 2: 商城: 16 ok, 2 empty; customer 73406772, newest bill 2026-10, estimate until 2026-11-21\n",
		}
		if diff := cmp.Diff(want, out.lines); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
	})
}

// Of accounts that are chosen, each is asked, and no other.
func TestAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		api := billsim.New(customers())
		pipes, stop := billsim.PipeTransport(api)
		defer stop()
		var out strings.Builder
		options := Options{
			Config: parse(t, twoAccounts), Accounts: []string{"商城"}, Transport: pipes, Now: time.Now(), Stdout: &out,
		}
		if err := Run(t.Context(), options); err != nil || !strings.Contains(out.String(), "\n商城: works\n") ||
			strings.Contains(out.String(), "main") || len(api.Calls()) != 20 {
			t.Errorf("%v after %d calls:\n%s", err, len(api.Calls()), &out)
		}
		options.Accounts = append(options.Accounts, "商场")
		err := Run(t.Context(), options)
		want := config.ArgumentError{Err: fmt.Errorf(`check: --account: "商场" is none of main, 商城`)}
		if err == nil || err.Error() != want.Error() || len(api.Calls()) != 20 {
			t.Errorf("%v after %d calls, want %v", err, len(api.Calls()), want)
		}
	})
}

// The table of many accounts has only those that do not work. One that is left out has its row and its verdict.
func TestTableOfManyAccounts(t *testing.T) {
	accounts := "accounts:\n"
	for i := range mostColumns {
		accounts += fmt.Sprintf("  - {name: bad-%d, access_key_id: AKLT%d, secret_access_key: s3cret}\n", i, i)
	}
	accounts += strings.TrimPrefix(oneAccount, "accounts: [")
	accounts = strings.Replace(accounts, "{name: main", "  - {name: main", 1)
	accounts = strings.Replace(accounts, "}]", "}", 1)
	synctest.Test(t, func(t *testing.T) {
		got := runCheck(t.Context(), t, accounts, billsim.New(customers()))
		_, table, _ := strings.Cut(got.out, "estimate until 2026-11-21\n\n")
		head, _, _ := strings.Cut(table, "\n")
		if diff := cmp.Diff("bad-0 bad-1 bad-2 bad-3", strings.Join(strings.Fields(head), " ")); diff != "" {
			t.Errorf("table (-want +got):\n%s\n%s", diff, got.out)
		}
		if !strings.Contains(got.out, "\nmain: works\n") {
			t.Errorf("no verdict in\n%s", got.out)
		}
	})
}

// A terminal shows how many questions were asked, and nothing of that where a row is written.
func TestProgressOnATerminal(t *testing.T) {
	accounts := parse(t, twoAccounts).Options("").Accounts
	all := []*inspection{{Account: accounts[0]}, {Account: accounts[1]}}
	var terminal strings.Builder
	r := newRows(&terminal, nil, all)
	r.terminal = &terminal
	r.count()
	r.finish(all[1])
	r.count()
	r.finish(all[0])
	want := "\r\x1b[Kasked 1 of 36, accounts done: 0 of 2" +
		"\r\x1b[K\r\x1b[Kasked 2 of 36, accounts done: 1 of 2" +
		"\r\x1b[K1 of 2: main: 18 not asked; customer -, newest bill -, estimate until -\n" +
		"2 of 2: 商城: 18 not asked; customer -, newest bill -, estimate until -\n"
	if diff := cmp.Diff(want, terminal.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
