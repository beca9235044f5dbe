// Package check asks the API every action once for every account, and reports what works, what is to be granted, and
// what the API is like.
package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/config"
	"ksyun_bill_exporter/ledger"

	"github.com/go-kit/log"
	"golang.org/x/sync/errgroup"
)

// Options say what to check.
type Options struct {
	Config    config.Config
	Accounts  []string          // names; none: all accounts
	UserAgent string            // of the requests, such as program/1.2.3; the report names it, too
	Transport http.RoundTripper // carries the requests; nil: each account gets one of its own
	Now       time.Time         // decides which month is the running one
	Stdout    io.Writer         // gets a row for each account as soon as all was asked of it, then the report
	Stderr    io.Writer         // shows how many questions were asked, if it is a terminal
	Logger    log.Logger        // gets each call at the level debug; nil: no log
}

// Run asks the API, and prints what the accounts can see and what the API is like. It returns an error if an account
// does not work as the configuration wants it, or if ctx ended before everything was asked. The error is a
// config.ArgumentError if there is no such account.
func Run(ctx context.Context, o Options) error {
	accounts, err := o.Config.FindAccounts(o.Accounts, o.UserAgent)
	if err != nil {
		return config.ArgumentError{Err: fmt.Errorf("check: %w", err)}
	}
	if o.Logger == nil {
		o.Logger = log.NewNopLogger()
	}
	all := inspectAll(ctx, o, accounts)
	verdicts := judge(all)
	r := report{inspections: all, verdicts: verdicts, userAgent: o.UserAgent, today: billclient.DayOf(o.Now)}
	if _, err := io.WriteString(o.Stdout, r.text()); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("check: stopped before everything was asked: %w", context.Cause(ctx))
	}
	bad := 0
	for _, v := range verdicts {
		bad += min(1, len(v.problems))
	}
	if bad > 0 {
		return fmt.Errorf("check: accounts that do not work: %d of %d", bad, len(all))
	}
	return nil
}

// question is one action of the API, and how to ask it. found is true if the answer had something in it.
type question struct {
	action string
	ask    func(*inspection, context.Context) (found bool, err error)
}

// service is a service of the vendor, with the questions to it, in order. Those that the exporter does not need come
// last, because after a failure the rest may not be asked.
type service struct {
	endpoint  func(billclient.Options) string // empty: it is not asked
	questions []question
}

// isDefault reports whether an endpoint is the one that the vendor's pages name.
func (s service) isDefault(endpoint string) bool {
	return endpoint == s.endpoint(billclient.DefaultOptions())
}

// services has the service bill first: without the key that it wants, no other service is asked.
var services = []service{
	{func(o billclient.Options) string { return o.Endpoint }, billQuestions},
	{func(o billclient.Options) string { return o.UnionEndpoint }, unionQuestions},
	{func(o billclient.Options) string { return o.PayEndpoint }, payQuestions},
	{func(o billclient.Options) string { return o.TradeEndpoint }, tradeQuestions},
}

// The questions to each service. The first one to bill finds the month whose lines can be seen.
var (
	billQuestions = []question{
		{billclient.GetMonthBill, (*inspection).askMonthBill},
		{billclient.GetPostpayDetailBill, (*inspection).askBillLine},
		{billclient.GetMonthConsume, (*inspection).askEstimate},
		{billclient.GetPostpayDetailConsume, (*inspection).askConsumptionLine},
		{billclient.GetProductCode, (*inspection).askProductCodes},
	}
	unionQuestions = []question{
		{billclient.DescribeBillSummaryByPayMode, (*inspection).askPayModes},
		{billclient.DescribeBillSummaryByProduct, (*inspection).askProducts},
		{billclient.DescribeBillSummaryByProject, (*inspection).askProjects},
		{billclient.ListProductGroups, askGroups},
		{billclient.QueryProductConsume, askGroupDays},
		{billclient.QueryProjectConsume, askProjectDays},
		{billclient.QueryInstanceConsume, askDayLines},
		{billclient.DescribeInstanceSummaryBills, askMonthLines},
		{billclient.DescribeCostBill, askCosts},
		{billclient.QueryItemBills, askItems},
		{billclient.DescribeProductCode, (*inspection).askGroupCodes},
	}
	payQuestions   = []question{{billclient.QueryCashWalletAction, askWallet}}
	tradeQuestions = []question{{billclient.QueryInstances, askEnds}}
)

// mayLack has the actions that the API need not have: nothing that the exporter shows depends on them.
var mayLack = map[string]bool{billclient.DescribeCostBill: true, billclient.QueryItemBills: true}

// listQuestions returns all questions that are asked with these options.
func listQuestions(api billclient.Options) []question {
	var all []question
	for _, s := range services {
		if s.endpoint(api) != "" {
			all = append(all, s.questions...)
		}
	}
	return all
}

// answer is the result of a question. The zero answer is that of a question that was not asked.
type answer struct {
	asked, found bool
	isNotOffered bool // the API lacks an action that it need not have
	err          error
}

// failure returns what is wrong, nil for an action that the API need not have.
func (a answer) failure() error {
	if a.isNotOffered {
		return nil
	}
	return a.err
}

// String returns the answer as a cell of the table.
func (a answer) String() string {
	apiError, _ := errors.AsType[*billclient.Error](a.err)
	switch {
	case !a.asked:
		return "not asked"
	case a.isOK() && !a.found:
		return "empty"
	case a.isOK():
		return "ok"
	case a.isNotOffered:
		return "not offered"
	case billclient.IsDenied(a.err):
		return "denied"
	case billclient.IsUnknownAction(a.err):
		return "unknown action"
	case apiError != nil && apiError.HTTPStatus/100 > 2:
		return fmt.Sprintf("%s, HTTP %d", apiError.Reason, apiError.HTTPStatus)
	default:
		return string(billclient.ReasonOf(a.err))
	}
}

func (a answer) isOK() bool { return a.asked && a.err == nil }

// isImpossible reports whether the API will never answer the question, rather than not now.
func (a answer) isImpossible() bool {
	return billclient.IsDenied(a.err) || billclient.IsUnknownAction(a.err)
}

// inspection is all that is learned of one account.
type inspection struct {
	collector.Account
	client   *billclient.Client
	months   collector.Months
	within   time.Duration // in which instances end that are asked for
	now      time.Time
	running  billclient.Month
	answers  map[string]answer // by action
	stopped  bool              // ctx ended before everything was asked
	attempts []billclient.Attempt
	leftOut  []billclient.LeftOutBill

	customer       string
	newestBill     billclient.Month // 0: there is no bill
	estimatedUntil billclient.Day   // EndDate of the estimate; 0: there is none
	postpaidShare  string           // of last month; empty: not known
	firstPage      string           // 0 or 1; empty: not known

	content
}

// inspectAll inspects accounts, as many at once as a refresh does, and returns them in their order.
func inspectAll(ctx context.Context, o Options, accounts []collector.Account) []*inspection {
	var all []*inspection
	for _, account := range accounts {
		account.API.Transport = o.Transport
		all = append(all, newInspection(ctx, account, o))
	}
	rows := newRows(o.Stdout, o.Stderr, all)
	var group errgroup.Group
	group.SetLimit(o.Config.LinesAtOnce())
	for _, i := range all {
		group.Go(func() error {
			i.askAll(ctx, rows.count)
			rows.finish(i)
			return nil
		})
	}
	_ = group.Wait() // errors are in the answers
	return all
}

// newInspection prepares questions that are asked once each, because a second try would hide what the API is like.
// How many of its daily_calls a running exporter has left is not known here, so they are not limited.
func newInspection(ctx context.Context, account collector.Account, o Options) *inspection {
	i := &inspection{
		Account: account, months: o.Config.Months, within: o.Config.Prepaid.ExpiryWithin, now: o.Now,
		running: billclient.MonthOf(o.Now), answers: map[string]answer{},
	}
	i.API.MaxRetries, i.API.DailyCalls = 0, 0
	logCall := collector.LogCalls(log.With(o.Logger, "account", account.Name))
	i.API.Observe = func(a billclient.Attempt) {
		logCall(a)
		if ctx.Err() == nil { // an attempt that was interrupted says nothing about the API
			i.attempts = append(i.attempts, a)
		}
	}
	i.API.OnLeftOut = func(b billclient.LeftOutBill) { i.leftOut = append(i.leftOut, b) }
	i.client = billclient.New(i.API)
	return i
}

// askAll asks all questions, and calls asked after each.
func (i *inspection) askAll(ctx context.Context, asked func()) {
	for n, s := range services {
		if s.endpoint(i.API) == "" {
			continue
		}
		err := i.askService(ctx, s.questions, asked) // it is in the answers, too
		if ctx.Err() != nil || n == 0 && isWrongKey(err) {
			break
		}
	}
	i.stopped = ctx.Err() != nil
}

// askService asks one question after the other, calls asked after each, and returns the error of the last one.
func (i *inspection) askService(ctx context.Context, questions []question, asked func()) (err error) {
	for n, q := range questions {
		var found bool
		found, err = q.ask(i, ctx)
		asked()
		if err != nil && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		i.answers[q.action] = answer{
			asked: true, found: found, isNotOffered: mayLack[q.action] && billclient.IsUnknownAction(err), err: err,
		}
		if isFutile(err, n == 0) {
			return err
		}
	}
	return err
}

// isFutile reports whether more questions to a service would fail like the last one: nobody answers, somebody else than
// the API answers, or the API refuses the key or says that it is asked too often.
func isFutile(err error, isFirst bool) bool {
	apiError, ok := errors.AsType[*billclient.Error](err)
	switch {
	case !ok:
		return false
	case isRefusedForContent(err):
		return false
	case apiError.HTTPStatus == 0, apiError.Reason == billclient.Throttled, isWrongKey(err):
		return true
	default:
		return isFirst && apiError.Code == ""
	}
}

// isRefusedForContent reports whether an answer is the API's, but is not taken for what it says.
func isRefusedForContent(err error) bool {
	_, forCurrency := billclient.RefusedCurrency(err)
	return forCurrency || billclient.RefusedPayModes(err) != nil || billclient.IsTwoCustomers(err)
}

// isWrongKey reports whether the API does not accept the key at all, rather than for one action.
func isWrongKey(err error) bool {
	return err != nil && billclient.ReasonOf(err) == billclient.Auth && !billclient.IsDenied(err) &&
		!billclient.IsTwoCustomers(err)
}

func (i *inspection) askMonthBill(ctx context.Context) (bool, error) {
	bills, err := i.client.GetMonthBill(ctx, max(i.running.Add(-i.months.Past), billclient.FirstMonth), i.running)
	for _, b := range bills {
		i.newestBill = max(i.newestBill, b.Month)
	}
	i.learnBills(bills, err)
	return len(bills) > 0, err
}

// askBillLine looks for a line of the newest bill, or of last month's bill if none was seen.
func (i *inspection) askBillLine(ctx context.Context) (bool, error) {
	month := i.newestBill
	if month == 0 {
		month = i.running - 1
	}
	return i.readFirstLine(i.client.GetPostpayDetailBill(ctx, billclient.DetailQuery{From: month, To: month}))
}

// readFirstLine reads one line and leaves the others, because a whole bill takes long.
func (i *inspection) readFirstLine(lines iter.Seq2[billclient.Line, error]) (bool, error) {
	for line, err := range lines {
		if err == nil && i.customer == "" {
			i.customer = line.CustomerID
		}
		return err == nil, err
	}
	return false, nil
}

func (i *inspection) askProductCodes(ctx context.Context) (bool, error) {
	codes, err := i.client.GetProductCode(ctx)
	return len(codes) > 0, err
}

func (i *inspection) askEstimate(ctx context.Context) (bool, error) {
	estimates, err := i.client.GetMonthConsume(ctx, i.running)
	for _, e := range estimates {
		i.estimatedUntil = max(i.estimatedUntil, e.End)
	}
	i.learnEstimates(estimates, err)
	return len(estimates) > 0, err
}

// askConsumptionLine looks for a line of consumption. If there is one, two more calls find out the number of the first
// page.
func (i *inspection) askConsumptionLine(ctx context.Context) (bool, error) {
	found, err := i.readFirstLine(i.client.GetPostpayDetailConsume(ctx, billclient.ConsumeQuery{Month: i.running}))
	if !found {
		return false, err
	}
	if page, ok, err := i.client.FirstPage(ctx, i.running); ok && err == nil {
		i.firstPage = fmt.Sprint(page)
	}
	return true, nil
}

func (i *inspection) askPayModes(ctx context.Context) (bool, error) {
	summary, err := i.client.DescribeBillSummaryByPayMode(ctx, i.running-1)
	i.learnUnion(billclient.DescribeBillSummaryByPayMode, "pay modes", summary, err)
	i.payModes = slices.Concat(summary.Parts, billclient.RefusedPayModes(err))
	if summary.Billed() {
		i.summaryModes = ledger.SummarizeUnion(summary, time.Time{})
	}
	var postpaid billclient.Amount
	for _, part := range summary.Parts {
		if part.Key == billclient.Postpaid {
			postpaid = postpaid.Add(part.Cost)
		}
	}
	if summary.Total.Sign() > 0 {
		i.postpaidShare = fmt.Sprintf("%.1f%%", 100*postpaid.Float64()/summary.Total.Float64())
	}
	return summary.Billed(), err
}

func (i *inspection) askProducts(ctx context.Context) (bool, error) {
	summary, err := i.client.DescribeBillSummaryByProduct(ctx, i.running-1)
	i.learnUnion(billclient.DescribeBillSummaryByProduct, "product groups", summary, err)
	if summary.Billed() {
		i.summaryProducts = keysOf(summary.Parts, keyOfPart)
	}
	return summary.Billed(), err
}

func (i *inspection) askProjects(ctx context.Context) (bool, error) {
	summary, err := i.client.DescribeBillSummaryByProject(ctx, i.running-1)
	i.learnUnion(billclient.DescribeBillSummaryByProject, "projects", summary, err)
	if summary.Billed() {
		i.summaryProjects = keysOf(summary.Parts, keyOfPart)
		i.projectNames = keysOf(summary.Parts, func(p billclient.UnionPart) string { return p.Name })
	}
	return summary.Billed(), err
}

func (i *inspection) askGroupCodes(ctx context.Context) (bool, error) {
	codes, err := i.client.DescribeProductCode(ctx)
	return len(codes) > 0, err
}
