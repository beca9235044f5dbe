package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/config"
	"ksyun_bill_exporter/output"

	"golang.org/x/sync/errgroup"
)

const checkCommand = "check"

// check asks every action once for every account, and prints what the accounts can see and what the API is like. It
// fails if one of them does not work as the configuration wants it.
func check(ctx context.Context, f flags, getenv func(string) string, stdout io.Writer) error {
	conf, err := config.Load(f.configFile, getenv)
	if err != nil {
		return err
	}
	all := visitAll(ctx, conf)
	verdicts := all.judge()
	if _, err := io.WriteString(stdout, all.report(verdicts)); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("check: stopped before everything was asked: %w", context.Cause(ctx))
	}
	bad := slices.DeleteFunc(verdicts, func(v verdict) bool { return len(v.problems) == 0 })
	if len(bad) > 0 {
		return fmt.Errorf("check: accounts that do not work: %d of %d", len(bad), len(all))
	}
	return nil
}

// question is one action of the API, and how it is asked.
type question struct {
	action string
	ask    func(*visit, context.Context) (found bool, err error)
}

// The questions to each service, in their order: the first one tells of which month there are lines to see, and what
// nothing needs comes last, for the others may be left out after a failure.
var (
	billQuestions = []question{
		{billclient.GetMonthBill, (*visit).askBills},
		{billclient.GetPostpayDetailBill, (*visit).askBillLine},
		{billclient.GetMonthConsume, (*visit).askEstimate},
		{billclient.GetPostpayDetailConsume, (*visit).askDayLine},
		{billclient.GetProductCode, (*visit).askProducts},
	}
	unionQuestions = []question{
		{billclient.DescribeBillSummaryByPayMode, (*visit).askPayModes},
		{billclient.DescribeBillSummaryByProduct, (*visit).askGroups},
		{billclient.DescribeBillSummaryByProject, (*visit).askProjects},
		{billclient.DescribeProductCode, (*visit).askGroupCodes},
	}
)

// answer is what became of a question; the zero answer is that of one that was not asked.
type answer struct {
	asked, found bool
	err          error
}

func (a answer) String() string {
	e, _ := errors.AsType[*billclient.Error](a.err)
	switch {
	case !a.asked:
		return "not asked"
	case a.good() && !a.found:
		return "empty"
	case a.good():
		return "ok"
	case billclient.IsDenied(a.err):
		return "denied"
	case billclient.IsUnknownAction(a.err):
		return "unknown action"
	case e != nil && e.HTTPStatus/100 > 2:
		return fmt.Sprintf("%s, HTTP %d", e.Reason, e.HTTPStatus)
	default:
		return string(billclient.ReasonOf(a.err))
	}
}

func (a answer) good() bool { return a.asked && a.err == nil }

// impossible tells whether the API will never answer, rather than not now.
func (a answer) impossible() bool {
	return billclient.IsDenied(a.err) || billclient.IsUnknownAction(a.err)
}

// visit is all that is learned of one account.
type visit struct {
	collector.Account
	client   *billclient.Client
	months   collector.Months
	running  billclient.Month
	answers  map[string]answer // by action
	stopped  bool              // before everything was asked
	attempts []billclient.Attempt

	customer  string
	newest    billclient.Month // with a bill; 0: none
	horizon   billclient.Day   // EndDate of the estimate; 0: none
	postpaid  string           // share of last month; empty: not known
	firstPage string           // 0 or 1; empty: not known
}

// visits are those of all accounts, in the order of the configuration.
type visits []*visit

// visitAll looks at as many accounts at once as a refresh does, until ctx ends.
func visitAll(ctx context.Context, c config.Config) visits {
	var all visits
	var group errgroup.Group
	group.SetLimit(c.Refresh.Concurrency)
	running := billclient.MonthOf(time.Now())
	for _, account := range c.Options(userAgent()).Accounts {
		v := newVisit(ctx, account, c.Months, running)
		all = append(all, v)
		group.Go(func() error {
			v.askAll(ctx)
			return nil
		})
	}
	_ = group.Wait() // what failed is in the answers
	return all
}

// newVisit prepares questions that are asked once each: a second try would hide how the API is. What a running exporter
// has left of its daily_calls is not known here.
func newVisit(
	ctx context.Context, account collector.Account, months collector.Months, running billclient.Month,
) *visit {
	v := &visit{Account: account, months: months, running: running, answers: map[string]answer{}}
	v.API.MaxRetries, v.API.DailyCalls = 0, 0
	v.API.Observe = func(a billclient.Attempt) {
		if ctx.Err() == nil { // else it says nothing about the API
			v.attempts = append(v.attempts, a)
		}
	}
	v.client = billclient.New(v.API)
	return v
}

// questions are all that are to be asked with these options.
func questions(api billclient.Options) []question {
	if api.UnionEndpoint == "" {
		return billQuestions
	}
	return slices.Concat(billQuestions, unionQuestions)
}

func (v *visit) askAll(ctx context.Context) {
	last := v.askService(ctx, billQuestions)
	if v.API.UnionEndpoint != "" && ctx.Err() == nil && !wrongKey(last) {
		v.askService(ctx, unionQuestions)
	}
	v.stopped = ctx.Err() != nil
}

// askService asks one question after the other, and returns the error of the last one.
func (v *visit) askService(ctx context.Context, questions []question) (err error) {
	for i, q := range questions {
		var found bool
		found, err = q.ask(v, ctx)
		if err != nil && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		v.answers[q.action] = answer{true, found, err}
		if futile(err, i == 0) {
			return err
		}
	}
	return err
}

// futile tells whether more questions to a service would end alike: nobody answers, somebody else than the API does, or
// the API says something about the key, or that it is asked too much.
func futile(err error, first bool) bool {
	e, failed := errors.AsType[*billclient.Error](err)
	switch {
	case !failed:
		return false
	case e.HTTPStatus == 0, e.Reason == billclient.Throttled, wrongKey(err):
		return true
	default:
		return first && e.Code == ""
	}
}

func wrongKey(err error) bool {
	return err != nil && billclient.ReasonOf(err) == billclient.Auth && !billclient.IsDenied(err)
}

func (v *visit) askBills(ctx context.Context) (bool, error) {
	bills, err := v.client.GetMonthBill(ctx, max(v.running.Add(-v.months.Past), billclient.FirstMonth), v.running)
	for _, b := range bills {
		v.newest = max(v.newest, b.Month)
	}
	return len(bills) > 0, err
}

// askBillLine looks for a line of the newest bill, or of last month's if none was seen.
func (v *visit) askBillLine(ctx context.Context) (bool, error) {
	month := v.newest
	if month == 0 {
		month = v.running - 1
	}
	return v.first(v.client.GetPostpayDetailBill(ctx, billclient.DetailQuery{From: month, To: month}))
}

// first reads one line and drops the others: a whole bill takes long.
func (v *visit) first(lines iter.Seq2[billclient.Line, error]) (bool, error) {
	for line, err := range lines {
		if err == nil && v.customer == "" {
			v.customer = line.CustomerID
		}
		return err == nil, err
	}
	return false, nil
}

func (v *visit) askProducts(ctx context.Context) (bool, error) {
	codes, err := v.client.GetProductCode(ctx)
	return len(codes) > 0, err
}

func (v *visit) askEstimate(ctx context.Context) (bool, error) {
	estimates, err := v.client.GetMonthConsume(ctx, v.running)
	for _, e := range estimates {
		v.horizon = max(v.horizon, e.End)
	}
	return len(estimates) > 0, err
}

// askDayLine looks for a line of consumption, and if there is one, how its pages are counted: two calls more.
func (v *visit) askDayLine(ctx context.Context) (bool, error) {
	found, err := v.first(v.client.GetPostpayDetailConsume(ctx, billclient.ConsumeQuery{Month: v.running}))
	if !found {
		return false, err
	}
	if page, ok, err := v.client.FirstPage(ctx, v.running); ok && err == nil {
		v.firstPage = fmt.Sprint(page)
	}
	return true, nil
}

func (v *visit) askPayModes(ctx context.Context) (bool, error) {
	summary, err := v.client.DescribeBillSummaryByPayMode(ctx, v.running-1)
	var postpaid billclient.Amount
	for _, part := range summary.Parts {
		if part.Key == billclient.Postpaid {
			postpaid = postpaid.Add(part.Cost)
		}
	}
	if summary.Total.Sign() > 0 {
		v.postpaid = fmt.Sprintf("%.1f%%", 100*postpaid.Float64()/summary.Total.Float64())
	}
	return summary.Billed(), err
}

func (v *visit) askGroups(ctx context.Context) (bool, error) {
	summary, err := v.client.DescribeBillSummaryByProduct(ctx, v.running-1)
	return summary.Billed(), err
}

func (v *visit) askProjects(ctx context.Context) (bool, error) {
	summary, err := v.client.DescribeBillSummaryByProject(ctx, v.running-1)
	return summary.Billed(), err
}

func (v *visit) askGroupCodes(ctx context.Context) (bool, error) {
	codes, err := v.client.DescribeProductCode(ctx)
	return len(codes) > 0, err
}

// verdict is what an account's answers mean to the configuration: problems are for somebody to solve, notes are not.
type verdict struct {
	problems, notes []string
	stopped         bool
}

func (v verdict) String() string {
	switch {
	case len(v.problems) > 0:
		return "does not work: " + strings.Join(v.problems, "; ")
	case v.stopped:
		return "not all of it was asked"
	case len(v.notes) > 0:
		return "works, but " + strings.Join(v.notes, "; ")
	default:
		return "works"
	}
}

// judge returns a verdict on each account. Two accounts of one customer would show its costs twice.
func (all visits) judge() []verdict {
	var verdicts []verdict
	owners := map[string]string{}
	for _, v := range all {
		said := verdict{stopped: v.stopped}
		v.judgeBills(&said)
		v.judgeRunningMonth(&said)
		v.judgeUnion(&said)
		customer, expected := config.CustomerNumber(v.customer), config.CustomerNumber(v.CustomerID)
		switch owner, taken := owners[customer]; {
		case customer == "":
		case expected != "" && customer != expected:
			said.problem("the key is of customer %s, customer_id expects %s", customer, expected)
		case taken:
			said.problem("account %s is of the same customer", output.Printable(owner))
		default:
			owners[customer] = v.Name
		}
		verdicts = append(verdicts, said)
	}
	return verdicts
}

func (v *verdict) problem(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

func (v *verdict) note(format string, args ...any) {
	v.notes = append(v.notes, fmt.Sprintf(format, args...))
}

// obstacle is what can be in the way of an action.
type obstacle struct {
	what  string // with the actions, as permissions have them
	holds func(error) bool
}

// obstacles are in the order in which they are looked for and named. Only the first one is for a policy to mend.
var obstacles = []obstacle{
	{"need %s", billclient.IsDenied},
	{"need an API that knows %s", billclient.IsUnknownAction},
	{"need the right key (%s)", wrongKey},
	{"cannot be reached (%s)", because(billclient.Network)},
	{"do not come in time (%s)", because(billclient.Timeout)},
	{"have to wait, the API is asked too often (%s)", because(billclient.Throttled)},
	{"fail for what was asked (%s)", because(billclient.Invalid)},
	{"meet a fault of the API (%s)", func(error) bool { return true }},
}

func because(reason billclient.Reason) func(error) bool {
	return func(err error) bool { return billclient.ReasonOf(err) == reason }
}

// lacking says what those of the actions lack that failed, as the predicate of a sentence.
func (v *visit) lacking(actions ...string) string {
	failed := make([][]string, len(obstacles))
	for _, action := range actions {
		if err := v.answers[action].err; err != nil {
			first := slices.IndexFunc(obstacles, func(o obstacle) bool { return o.holds(err) })
			failed[first] = append(failed[first], billclient.Permission(action))
		}
	}
	var said []string
	for i, permissions := range failed {
		if permissions != nil {
			said = append(said, fmt.Sprintf(obstacles[i].what, strings.Join(permissions, ", ")))
		}
	}
	return strings.Join(said, " and ")
}

func (v *visit) judgeBills(said *verdict) {
	if lacking := v.lacking(billclient.GetMonthBill, billclient.GetPostpayDetailBill); lacking != "" {
		said.problem("bills %s", lacking)
	}
	if last := billQuestions[len(billQuestions)-1]; !v.stopped && !v.answers[last.action].asked {
		said.problem("not all of it could be asked")
	}
}

// judgeRunningMonth knows on what the collector bases the running month.
func (v *visit) judgeRunningMonth(said *verdict) {
	lacking := v.lacking(billclient.GetMonthConsume, billclient.GetPostpayDetailConsume)
	switch estimate := v.answers[billclient.GetMonthConsume]; {
	case lacking == "":
	case v.months.Running == collector.Bill:
		said.note("days %s", lacking)
	case v.months.Running == collector.Estimate, !estimate.impossible(), !v.answers[billclient.GetMonthBill].good():
		said.problem("the running month and days %s", lacking)
	case v.newest != v.running:
		said.problem("the running month, which has no bill yet, and days %s", lacking)
	default:
		said.note("the running month is taken from its bill, and days %s", lacking)
	}
}

// judgeUnion takes the default endpoint for an offer: without an answer from there, the exporter shows what is
// postpaid, and does not claim more.
func (v *visit) judgeUnion(said *verdict) {
	lacking := v.lacking(billclient.DescribeBillSummaryByPayMode, billclient.DescribeBillSummaryByProduct,
		billclient.DescribeBillSummaryByProject)
	switch {
	case v.API.UnionEndpoint == "":
		said.note("knows postpaid costs only: api.union_endpoint is empty")
	case lacking == "":
	case v.API.UnionEndpoint == billclient.DefaultOptions().UnionEndpoint:
		said.note("knows postpaid costs only: all others %s", lacking)
	default:
		said.problem("costs that are not postpaid, which api.union_endpoint is set to see, %s", lacking)
	}
}
