package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/config"
	"ksyun_bill_exporter/output"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

const backfillCommand = "backfill"

// backfillFlags are the flags of the command backfill.
type backfillFlags struct {
	from, to billclient.Month // zero: as far as there is something
	accounts []string         // none: all
	output   string
}

func (f *backfillFlags) add(backfill *kingpin.CmdClause) {
	backfill.Flag("from", "First month; by default the first one of which the API has bills.").
		PlaceHolder(billclient.FirstMonth.String()).SetText(&f.from)
	backfill.Flag("to", "Last month; by default the last one that is over.").
		PlaceHolder("YYYY-MM").SetText(&f.to)
	backfill.Flag("account", "Account whose months to write, for one or more of them; by default all.").
		PlaceHolder("NAME").StringsVar(&f.accounts)
	backfill.Flag("output", "File to write: whole, or not at all. FILE.partial keeps for a week what is known until"+
		" then.").PlaceHolder("FILE").Required().StringVar(&f.output)
}

// span returns the months that are meant, of which the last has to be over: a sample, once imported, does not change.
func (f *backfillFlags) span(now time.Time) (from, to billclient.Month, err error) {
	over := billclient.MonthOf(now).Add(-1)
	from, to = f.from, f.to
	if f.output == "" {
		return 0, 0, errors.New("--output: want the name of a file")
	}
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
	conf, err := config.Load(f.configFile, getenv)
	if err != nil {
		return err
	}
	now := time.Now()
	h := history{logger: logs.kit, customers: map[string]string{}}
	if h.from, h.to, err = f.backfill.span(now); err == nil {
		err = h.choose(conf, f.backfill.accounts, logs)
	}
	if err != nil {
		return config.ArgumentError{Err: fmt.Errorf("backfill: %w", err)}
	}
	out, err := output.Open(f.backfill.output, io.Discard)
	if err != nil {
		return fmt.Errorf("backfill: --output: %w", err)
	}
	defer out.Discard()
	if h.partial, err = openPartial(f.backfill.output+".partial", now); err != nil {
		return fmt.Errorf("backfill: %w", err)
	}
	defer h.partial.close()
	if err := h.gather(ctx); err != nil {
		return err
	}
	if err := h.publish(out); err != nil {
		return fmt.Errorf("backfill: %w", err)
	}
	return nil
}

// history is the closed months of accounts.
type history struct {
	from, to  billclient.Month
	members   []member
	customers map[string]string // whose bills are known -> the account that has them
	partial   *partial
	logger    log.Logger
}

// member is an account whose months are asked for.
type member struct {
	collector.Account
	client *billclient.Client
	owner  owner
}

// choose takes the accounts of these names, all if there are none.
func (h *history) choose(conf config.Config, names []string, logs logs) error {
	wanted := map[string]bool{}
	for _, name := range names {
		account, err := conf.FindAccount(name, userAgent())
		if err != nil {
			return err
		}
		wanted[account.Name] = true
	}
	for _, account := range conf.Options(userAgent()).Accounts {
		if len(names) == 0 || wanted[account.Name] {
			h.members = append(h.members, member{account, billclient.New(conf.ClientOptions(account, logs.kit)), ownerOf(account)})
		}
	}
	return nil
}

// gather asks for all that is not known yet. An account that fails does not hold up the others.
func (h *history) gather(ctx context.Context) error {
	var failures []error
	var complete []string
	for _, m := range h.members {
		err := h.ask(ctx, m)
		if ctx.Err() != nil {
			failures = []error{fmt.Errorf("backfill: %w", context.Cause(ctx))}
			break
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("backfill: %s: %w", output.Printable(m.Name), err))
			continue
		}
		complete = append(complete, "--account="+output.Printable(m.Name))
		h.warn(m)
	}
	if failures == nil {
		return nil
	}
	return errors.Join(append(failures, h.wayOut(complete))...)
}

// wayOut says what to do when not all is known.
func (h *history) wayOut(complete []string) error {
	known := 0
	for _, m := range h.members {
		known += int(h.to-h.from) + 1 - len(h.partial.missing(m.owner, h.from, h.to))
	}
	if known == 0 {
		return nil
	}
	said := fmt.Sprintf("backfill: %s keeps the months that are known, %d of %d: run the command again, and it goes on"+
		" from there", h.partial.name, known, len(h.members)*(int(h.to-h.from)+1))
	if len(complete) > 0 {
		said += "; with " + strings.Join(complete, " ") + " it writes the accounts that are complete"
	}
	return errors.New(said)
}

// warn names the months that lack their bill because it may not be there yet.
func (h *history) warn(m member) {
	for month := h.from; month <= h.to; month++ {
		if h.partial.early(month) && len(h.partial.bills[monthOf{m.owner, month}]) == 0 {
			level.Warn(h.logger).Log("msg", "no bill, or none yet: the file is without this month", "account", m.Name,
				"month", month)
		}
	}
}

// monthsPerCall is what a call asks for. How many months one may span is not documented.
const monthsPerCall = 12

// ask asks for the months of an account that are not known yet, a year at a time.
func (h *history) ask(ctx context.Context, m member) error {
	billed := 0
	for from := h.from; from <= h.to; from += monthsPerCall {
		to := min(from.Add(monthsPerCall-1), h.to)
		err := h.askYear(ctx, m, from, to)
		if err == nil {
			err = h.claim(m, from, to)
		}
		if err != nil {
			return err
		}
		year := h.billed(m, from, to)
		billed += year
		level.Info(h.logger).Log("msg", "months", "account", m.Name, "from", from, "to", to, "billed", year)
	}
	if m.CustomerID != "" && billed > 0 && !h.claimed(m) {
		return fmt.Errorf("no bill tells whose it is, customer_id expects %s", m.CustomerID)
	}
	return nil
}

// billed returns how many of the months have a bill.
func (h *history) billed(m member, from, to billclient.Month) (billed int) {
	for month := from; month <= to; month++ {
		billed += min(1, len(h.partial.bills[monthOf{m.owner, month}]))
	}
	return billed
}

// askYear asks for several months in one call, then for each that was not in the answer alone: whether an answer leaves
// months out where there are too many is not documented either, and history without a month would look cheap. Where
// some are known, the one call was made before the command was stopped.
func (h *history) askYear(ctx context.Context, m member, from, to billclient.Month) error {
	if len(h.partial.missing(m.owner, from, to)) == int(to-from)+1 && from < to {
		bills, err := m.client.GetMonthBill(ctx, from, to)
		if err != nil && !fewerMayDo(err) {
			return err
		}
		if err := h.partial.keep(m.owner, bills); err != nil {
			return err
		}
	}
	for _, month := range h.partial.missing(m.owner, from, to) {
		bills, err := m.client.GetMonthBill(ctx, month, month)
		if err == nil {
			err = h.partial.keepMonth(m.owner, month, bills)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// claim takes the bills of some months for those of the account's customer. It fails if they are of another customer
// than the configuration expects, or than an account before it: history would have them under a wrong name, or twice.
func (h *history) claim(m member, from, to billclient.Month) error {
	expected := config.CustomerNumber(m.CustomerID)
	for month := from; month <= to; month++ {
		for _, bill := range h.partial.bills[monthOf{m.owner, month}] {
			customer := collector.CustomerOf(bill.BillID)
			switch other, taken := h.customers[customer]; {
			case customer == "":
			case expected != "" && customer != expected:
				return fmt.Errorf("the key belongs to customer %s, customer_id expects %s", customer, expected)
			case taken && other != m.Name:
				return fmt.Errorf("account %s has the bills of customer %s already", output.Printable(other), customer)
			default:
				h.customers[customer] = m.Name
			}
		}
	}
	return nil
}

// claimed tells whether a bill says that it is the account's.
func (h *history) claimed(m member) bool {
	for _, account := range h.customers {
		if account == m.Name {
			return true
		}
	}
	return false
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
