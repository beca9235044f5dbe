// Package backfill writes what closed months have cost as history: OpenMetrics with timestamps, for
// promtool tsdb create-blocks-from openmetrics. A run that is stopped keeps what it knows, and the next one goes on
// from there.
package backfill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/config"
	"ksyun_bill_exporter/metrics"
	"ksyun_bill_exporter/output"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// Options say which months to write, and to where.
type Options struct {
	Config    config.Config
	From, To  billclient.Month  // 0: the first month of which the API has bills, and the last month that is over
	Accounts  []string          // names; none: all accounts
	PayModes  string            // names of pay modes, with commas between; empty: all, or postpaid without bill-union
	Output    string            // name of the file; Output.partial keeps what is known until the file is complete
	UserAgent string            // of the requests
	Transport http.RoundTripper // carries the requests; nil: each account gets one of its own
	Now       time.Time         // decides which months are over
	Logger    log.Logger
}

// Run asks for the months and writes the file. The error is a config.ArgumentError if the months, the accounts or the
// name of the file are not possible. It joins the errors of all accounts that failed.
func Run(ctx context.Context, o Options) error {
	j, err := o.newJob(ctx)
	if err != nil {
		return config.ArgumentError{Err: fmt.Errorf("backfill: %w", err)}
	}
	target, err := output.Open(o.Output, io.Discard)
	if err != nil {
		return fmt.Errorf("backfill: --output: %w", err)
	}
	defer target.Discard()
	if j.journal, err = openJournal(o.Output+".partial", o.Now); err != nil {
		return fmt.Errorf("backfill: %w", err)
	}
	defer j.journal.close()
	if err := j.askAll(ctx); err != nil {
		return err
	}
	if err := j.publish(target); err != nil {
		return fmt.Errorf("backfill: %w", err)
	}
	return nil
}

// newJob returns the job that the options say.
func (o Options) newJob(ctx context.Context) (*job, error) {
	j := &job{
		logger: o.Logger, products: o.Config.Products, prepaidMonths: o.Config.Prepaid.Months,
		customers: map[billclient.CustomerID]string{},
	}
	var err error
	if j.from, j.to, err = o.months(); err != nil {
		return nil, err
	}
	if j.modes, err = parsePayModes(o.PayModes); err != nil {
		return nil, err
	}
	if j.accounts, err = o.chooseAccounts(ctx); err != nil {
		return nil, err
	}
	if !j.modes.needUnion() {
		for i := range j.accounts {
			j.accounts[i].hasModes = false
		}
	}
	return j, j.modes.checkUnion(j.accounts)
}

// months returns the first and the last month to write. The last one has to be over, because a sample that was imported
// cannot be changed.
func (o Options) months() (from, to billclient.Month, err error) {
	over := billclient.MonthOf(o.Now).Add(-1)
	from, to = cmp.Or(o.From, billclient.FirstMonth), cmp.Or(o.To, over)
	switch {
	case o.Output == "":
		return 0, 0, errors.New("--output: want the name of a file")
	case from < billclient.FirstMonth:
		return 0, 0, fmt.Errorf("--from: there are bills from %v on", billclient.FirstMonth)
	case to > over:
		return 0, 0, fmt.Errorf("--to: %v is the last month that is over", over)
	case to < from:
		return 0, 0, fmt.Errorf("--to: %v is before %v", to, from)
	}
	return from, to, nil
}

// chooseAccounts returns the accounts whose months are to be written, in the order of the configuration.
func (o Options) chooseAccounts(ctx context.Context) ([]account, error) {
	wanted, err := o.Config.FindAccounts(o.Accounts, o.UserAgent)
	if err != nil {
		return nil, err
	}
	var accounts []account
	for _, a := range wanted {
		api := o.Config.ClientOptions(a, o.Logger)
		api.Transport = o.Transport
		accounts = append(accounts, account{a, billclient.New(api), ownerOf(ctx, a), a.API.UnionEndpoint != ""})
	}
	return accounts, nil
}

// account is an account whose months are asked for.
type account struct {
	collector.Account
	client   *billclient.Client
	owner    owner
	hasModes bool // other pay modes than postpaid are asked for
}

// job is one run of the command.
type job struct {
	from, to      billclient.Month
	modes         payModes
	accounts      []account
	products      []metrics.ProductMapping
	prepaidMonths int                              // how far back terms may begin
	customers     map[billclient.CustomerID]string // customer -> the account that has its bills
	journal       *journal
	logger        log.Logger
}

// askAll asks for all months that are not known yet. It goes on with the other accounts if one of them fails.
func (j *job) askAll(ctx context.Context) error {
	var errs []error
	var complete []string
	for _, a := range j.accounts {
		err := j.askAccount(ctx, a)
		if err == nil && a.hasModes {
			err = j.askModes(ctx, a)
		}
		if ctx.Err() != nil {
			errs = []error{fmt.Errorf("backfill: %w", context.Cause(ctx))}
			break
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("backfill: %s: %w", output.Printable(a.Name), err))
			continue
		}
		complete = append(complete, "--account="+output.Printable(a.Name))
		j.warnMissing(a)
		if a.hasModes {
			warnOmitted(j, a)
		}
	}
	if errs == nil {
		return nil
	}
	return errors.Join(append(errs, j.adviceError(complete))...)
}

// adviceError returns what to do when not all months are known, as an error. It returns nil if nothing is known at
// all.
func (j *job) adviceError(complete []string) error {
	months := int(j.to-j.from) + 1
	known := 0
	for _, a := range j.accounts {
		for m := j.from; m <= j.to; m++ {
			if j.isKnown(a, m) {
				known++
			}
		}
	}
	if known == 0 && len(j.journal.answers) == 0 {
		return nil
	}
	advice := fmt.Sprintf("backfill: %s keeps the months that are known, %d of %d: run the command again, and it goes"+
		" on from there", j.journal.name, known, len(j.accounts)*months)
	if len(complete) > 0 {
		advice += "; with " + strings.Join(complete, " ") + " it writes the accounts that are complete"
	}
	return errors.New(advice)
}

// warnMissing logs the months that have no bill, but may still get one.
func (j *job) warnMissing(a account) {
	for month := j.from; month <= j.to; month++ {
		if j.journal.mayBeEarly(month) && len(j.journal.bills[monthKey{a.owner, month}]) == 0 {
			level.Warn(j.logger).Log("msg", "no bill, or none yet: the file is without this month", "account", a.Name,
				"month", month)
		}
	}
}

// monthsPerCall is how many months are asked for in one call. The largest possible number is not documented.
const monthsPerCall = 12

// askAccount asks for the months of an account that are not known yet, a year at a time.
func (j *job) askAccount(ctx context.Context, a account) error {
	billed := 0
	for from := j.from; from <= j.to; from += monthsPerCall {
		to := min(from.Add(monthsPerCall-1), j.to)
		err := j.askYear(ctx, a, from, to)
		if err == nil {
			err = j.claimCustomers(a, from, to)
		}
		if err != nil {
			return err
		}
		billedInYear := j.countBilled(a, from, to)
		billed += billedInYear
		level.Info(j.logger).Log("msg", "months", "account", a.Name, "from", from, "to", to, "billed", billedInYear)
	}
	if a.CustomerID != "" && billed > 0 && !j.hasCustomer(a) {
		return fmt.Errorf("no bill tells whose it is, customer_id expects %s", a.CustomerID)
	}
	return nil
}

// countBilled returns how many of the months have a bill.
func (j *job) countBilled(a account, from, to billclient.Month) (billed int) {
	for month := from; month <= to; month++ {
		billed += min(1, len(j.journal.bills[monthKey{a.owner, month}]))
	}
	return billed
}

// askYear asks for several months in one call, and then for each month that was not in the answer in a call of its own.
// It is not documented whether an answer leaves out months if there are too many, and a month that is missing would
// make history look cheap. If some of the months are known already, an earlier run has made the call for all of them.
func (j *job) askYear(ctx context.Context, a account, from, to billclient.Month) error {
	if len(j.journal.missingMonths(a.owner, from, to)) == int(to-from)+1 && from < to {
		bills, err := a.client.GetMonthBill(ctx, from, to)
		if err != nil && !mayBeTooMany(err) {
			return err
		}
		if err := j.journal.recordBills(a.owner, bills); err != nil {
			return err
		}
	}
	for _, month := range j.journal.missingMonths(a.owner, from, to) {
		bills, err := a.client.GetMonthBill(ctx, month, month)
		if err == nil {
			err = j.journal.recordMonth(a.owner, month, bills)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mayBeTooMany reports whether a call may have failed because it asked for too many months.
func mayBeTooMany(err error) bool {
	switch billclient.ReasonOf(err) {
	case billclient.Invalid, billclient.Server, billclient.Timeout, billclient.Decode, billclient.Incomplete:
		return true
	default:
		return false
	}
}

// claimCustomers records that the customers of some bills belong to the account. It fails if they are other customers
// than the configuration expects, because the history would have a wrong name, or if they belong to another account,
// because it would be in the file twice.
func (j *job) claimCustomers(a account, from, to billclient.Month) error {
	expected := billclient.ParseCustomerID(a.CustomerID)
	for month := from; month <= to; month++ {
		for _, bill := range j.journal.bills[monthKey{a.owner, month}] {
			customer := billclient.CustomerOfBill(bill.BillID)
			switch other, ok := j.customers[customer]; {
			case customer == "":
			case customer.DiffersFrom(expected):
				return fmt.Errorf("the key belongs to customer %s, customer_id expects %s", customer, expected)
			case ok && other != a.Name:
				return fmt.Errorf("account %s has the bills of customer %s already", output.Printable(other), customer)
			default:
				j.customers[customer] = a.Name
			}
		}
	}
	return nil
}

// hasCustomer reports whether any bill names a customer of the account.
func (j *job) hasCustomer(a account) bool {
	for _, name := range j.customers {
		if name == a.Name {
			return true
		}
	}
	return false
}

// publish writes all months and removes the journal.
func (j *job) publish(target *output.Target) error {
	samples, err := writeOpenMetrics(target, histories(j), j.modes)
	if err != nil {
		return err
	}
	if samples == 0 {
		return cmp.Or(j.journal.remove(), fmt.Errorf("no account has a bill of %v to %v", j.from, j.to))
	}
	if err := target.Commit(""); err != nil {
		return err
	}
	level.Info(j.logger).Log("msg", "written", "file", target.Name(), "samples", samples)
	return j.journal.remove()
}
