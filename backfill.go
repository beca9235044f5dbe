package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ksyun_bill_exporter/billclient"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log/level"
)

const backfillCommand = "backfill"

// backfillFlags are the flags of the command backfill.
type backfillFlags struct {
	from, to billclient.Month // zero: as far as there is something
	output   string
}

func (f *backfillFlags) add(backfill *kingpin.CmdClause) {
	backfill.Flag("from", "First month; by default the first one of which the API has bills.").
		PlaceHolder(billclient.FirstMonth.String()).SetValue((*monthValue)(&f.from))
	backfill.Flag("to", "Last month; by default the last one that is over.").
		PlaceHolder("YYYY-MM").SetValue((*monthValue)(&f.to))
	backfill.Flag("output", "File to write: whole, or not at all. FILE.partial keeps what is known until then.").
		PlaceHolder("FILE").Required().StringVar(&f.output)
}

// span returns the months that are meant, of which the last has to be over: a sample, once imported, does not change.
func (f *backfillFlags) span(now time.Time) (from, to billclient.Month, err error) {
	over := billclient.MonthOf(now).Add(-1)
	from, to = f.from, f.to
	if from == 0 {
		from = billclient.FirstMonth
	}
	if to == 0 {
		to = over
	}
	switch {
	case from < billclient.FirstMonth:
		return 0, 0, fmt.Errorf("--from: there are bills from %v on", billclient.FirstMonth)
	case to > over:
		return 0, 0, fmt.Errorf("--to: %v is the last month that is over", over)
	case to < from:
		return 0, 0, fmt.Errorf("--to: %v is before %v", to, from)
	}
	return from, to, nil
}

// backfill writes what the closed months of all accounts cost. Where it is stopped, it keeps what it has learned, and
// the next time goes on from there.
func backfill(ctx context.Context, f flags, getenv func(string) string, logs logs) error {
	config, err := LoadConfig(f.configFile, getenv)
	if err != nil {
		return err
	}
	from, to, err := f.backfill.span(time.Now())
	if err != nil {
		return misuse{fmt.Errorf("backfill: %w", err)}
	}
	known, err := openPartial(f.backfill.output + ".partial")
	if err != nil {
		return fmt.Errorf("backfill: %w", err)
	}
	defer known.Close()
	h := history{from: from, to: to, partial: known}
	if err := h.gather(ctx, config, logs); err != nil {
		return err
	}
	samples, err := h.publish(f.backfill.output)
	if err != nil {
		return fmt.Errorf("backfill: %w", err)
	}
	level.Info(logs.kit).Log("msg", "written", "file", f.backfill.output, "samples", samples)
	return nil
}

// history is the closed months of accounts.
type history struct {
	from, to billclient.Month
	accounts []string
	partial  *partial
}

// gather asks for all that is not known yet. An account that fails does not hold up the others.
func (h *history) gather(ctx context.Context, config Config, logs logs) error {
	var failures []error
	known := 0
	for _, account := range config.Options(userAgent()).Accounts {
		h.accounts = append(h.accounts, account.Name)
		err := ctx.Err()
		if err == nil {
			err = h.ask(ctx, config.client(account, logs), account.Name)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("backfill: %s: %w", account.Name, err))
		}
		known += h.report(account.Name, logs)
	}
	if failures == nil {
		return nil
	}
	all := len(h.accounts) * (int(h.to-h.from) + 1)
	return errors.Join(append(failures, fmt.Errorf("backfill: %s keeps the months that are known, %d of %d: run the"+
		" command again, and it goes on from there", h.partial.Name(), known, all))...)
}

// report logs of how many months of an account something is known, and returns that.
func (h *history) report(account string, logs logs) (known int) {
	billed := 0
	for m := h.from; m <= h.to; m++ {
		bills, ok := h.partial.bills[monthOf{account, m}]
		if ok {
			known++
		}
		if len(bills) > 0 {
			billed++
		}
	}
	level.Info(logs.kit).Log("msg", "months", "account", account, "known", known, "billed", billed)
	return known
}

// monthsPerCall is what a call asks for. How many months one may span is not documented.
const monthsPerCall = 12

// ask asks for the months of an account that are not known yet, a year at a time.
func (h *history) ask(ctx context.Context, client *billclient.Client, account string) error {
	for from := h.from; from <= h.to; from += monthsPerCall {
		to := min(from.Add(monthsPerCall-1), h.to)
		if err := h.askYear(ctx, client, account, from, to); err != nil {
			return err
		}
	}
	return nil
}

// askYear asks for several months in one call, then for each that was not in the answer alone: whether an answer leaves
// months out where there are too many is not documented either, and history without a month would look cheap. Where
// some are known, the one call was made before the command was stopped.
func (h *history) askYear(ctx context.Context, client *billclient.Client, of string, from, to billclient.Month) error {
	if len(h.partial.missing(of, from, to)) == int(to-from)+1 && from < to {
		bills, err := client.GetMonthBill(ctx, from, to)
		if err != nil && !fewerMayDo(err) {
			return err
		}
		if err := h.partial.keep(of, bills); err != nil {
			return err
		}
	}
	for _, month := range h.partial.missing(of, from, to) {
		bills, err := client.GetMonthBill(ctx, month, month)
		if err == nil {
			err = h.partial.keepMonth(of, month, bills)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fewerMayDo tells whether a call that failed may do so because it asks for too much.
func fewerMayDo(err error) bool {
	switch billclient.ReasonOf(err) {
	case billclient.Invalid, billclient.Server, billclient.Timeout, billclient.Decode, billclient.Incomplete:
		return true
	default:
		return false
	}
}
