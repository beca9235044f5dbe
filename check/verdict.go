package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/output"
)

// verdict is what the answers to an account mean for the configuration. Somebody has to solve the problems; notes only
// explain what is missing.
type verdict struct {
	problems, notes []string
	stopped         bool // before everything was asked
}

// String returns the verdict as the second half of a line that begins with the account.
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

func (v *verdict) addProblem(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

func (v *verdict) addNote(format string, args ...any) {
	v.notes = append(v.notes, fmt.Sprintf(format, args...))
}

// judge returns a verdict on each account. Two accounts of one customer are a problem, because they would show its
// costs twice.
func judge(all []*inspection) []verdict {
	var verdicts []verdict
	accounts := map[billclient.CustomerID]string{} // by customer
	for _, i := range all {
		v := verdict{stopped: i.stopped}
		v.judgeBills(i)
		v.judgeRunningMonth(i)
		v.judgeUnion(i)
		v.judgePurse(i)
		v.judgeContent(i)
		v.judgeCustomer(i, accounts)
		verdicts = append(verdicts, v)
	}
	return verdicts
}

func (v *verdict) judgeBills(i *inspection) {
	failures := describeFailures(i, billclient.GetMonthBill, billclient.GetPostpayDetailBill)
	if failures != "" {
		v.addProblem("bills %s", failures)
	}
	if last := billQuestions[len(billQuestions)-1]; !i.stopped && !i.answers[last.action].asked {
		v.addProblem("not all of it could be asked")
	}
}

// judgeRunningMonth follows the rule by which the exporter takes the running month from the estimate or from the bill.
func (v *verdict) judgeRunningMonth(i *inspection) {
	failures := describeFailures(i, billclient.GetMonthConsume, billclient.GetPostpayDetailConsume)
	estimate, bill := i.answers[billclient.GetMonthConsume], i.answers[billclient.GetMonthBill]
	switch {
	case failures == "":
	case i.months.Running == collector.Bill:
		v.addNote("days %s", failures)
	case i.months.Running == collector.Estimate, !estimate.isImpossible(), !bill.isOK():
		v.addProblem("the running month and days %s", failures)
	case i.newestBill != i.running:
		v.addProblem("the running month, which has no bill yet, and days %s", failures)
	default:
		v.addNote("the running month is taken from its bill, and days %s", failures)
	}
}

// judgeUnion makes failures a problem only where the configuration names an endpoint of its own. The default one is an
// offer: without answers from there, the exporter shows postpaid costs and does not claim more.
func (v *verdict) judgeUnion(i *inspection) {
	actions := []string{
		billclient.DescribeBillSummaryByPayMode, billclient.DescribeBillSummaryByProduct,
		billclient.DescribeBillSummaryByProject,
	}
	if i.answers[billclient.DescribeBillSummaryByPayMode].err == nil {
		v.judgeDays(i)
		v.judgeLines(i)
	} else { // they are to be granted together
		actions = slices.Concat(actions, []string{billclient.ListProductGroups}, dayActions, lineActions)
	}
	failures := describeFailures(i, actions...)
	switch {
	case i.API.UnionEndpoint == "":
		v.addNote("knows postpaid costs only: api.union_endpoint is empty")
	case failures == "":
	case i.API.UnionEndpoint == billclient.DefaultOptions().UnionEndpoint:
		v.addNote("knows postpaid costs only: all others %s", failures)
	default:
		v.addProblem("costs that are not postpaid, which api.union_endpoint is set to see, %s", failures)
	}
}

// dayActions split the costs of all pay modes by day.
var dayActions = []string{billclient.QueryProductConsume, billclient.QueryProjectConsume}

// judgeDays makes no failure a problem: the exporter knows from the summaries what accounts cost in all pay modes.
func (v *verdict) judgeDays(i *inspection) {
	if failures := describeFailures(i, dayActions...); failures != "" {
		v.addNote("costs by day, product and project are postpaid only: all others %s", failures)
	}
	if failures := describeFailures(i, billclient.ListProductGroups); failures != "" {
		v.addNote("product groups can have ids in place of codes: their codes %s", failures)
	}
}

// lineActions tell the lines of all pay modes, what the vendor makes of their terms, and what they consist of.
var lineActions = []string{
	billclient.QueryInstanceConsume, billclient.DescribeInstanceSummaryBills, billclient.DescribeCostBill,
	billclient.QueryItemBills,
}

// judgeLines makes no failure a problem, for the reason that judgeDays has.
func (v *verdict) judgeLines(i *inspection) {
	for n, format := range []string{
		"this month's instances, tags, regions and billing modes are postpaid only: all others %s",
		"last month's instances are postpaid only, and prepaid cost is not spread over its terms: all others %s",
		"amortised costs are shown without the vendor's, to compare with: those %s",
		"exports in the formats of FOCUS go without unit prices and usage: those %s",
	} {
		if failures := describeFailures(i, lineActions[n]); failures != "" {
			v.addNote(format, failures)
		}
	}
}

// judgePurse makes a failure a problem where judgeUnion does.
func (v *verdict) judgePurse(i *inspection) {
	defaults := billclient.DefaultOptions()
	for _, part := range []struct {
		name, key, action string
		isDefault         bool
	}{
		{
			"balances", "api.pay_endpoint", billclient.QueryCashWalletAction,
			i.API.PayEndpoint == defaults.PayEndpoint,
		},
		{
			"ends of prepaid instances", "api.trade_endpoint", billclient.QueryInstances,
			i.API.TradeEndpoint == defaults.TradeEndpoint,
		},
	} {
		switch failures := describeFailures(i, part.action); {
		case failures == "":
		case part.isDefault:
			v.addNote("costs are shown without %s: they %s", part.name, failures)
		default:
			v.addProblem("%s, which %s is set to see, %s", part.name, part.key, failures)
		}
	}
}

// besideCosts has the actions whose currency says nothing of costs.
var besideCosts = []string{
	billclient.QueryCashWalletAction, billclient.DescribeCostBill, billclient.QueryItemBills,
}

// judgeContent follows the rules by which the exporter shows no number of an account that is not in CNY, and makes a
// row of what parts and their total differ by.
func (v *verdict) judgeContent(i *inspection) {
	isForeign := func(action string) bool {
		return billclient.IsForeignCurrency(i.answers[action].err) && !slices.Contains(besideCosts, action)
	}
	if slices.ContainsFunc(slices.Collect(maps.Keys(i.answers)), isForeign) {
		v.addProblem("none of its numbers is shown, because the API names another currency than CNY")
	}
	if missed := distinctLines(i.comparisons, missedTotal); missed != nil {
		v.addNote("%s makes up for %s, which miss their total", ledger.None, strings.Join(missed, ", "))
	}
}

// judgeCustomer adds the customer to accounts, which has the customers of the accounts before this one.
func (v *verdict) judgeCustomer(i *inspection, accounts map[billclient.CustomerID]string) {
	customer, expected := billclient.ParseCustomerID(i.customer), billclient.ParseCustomerID(i.CustomerID)
	switch other, taken := accounts[customer]; {
	case customer == "":
	case customer.DiffersFrom(expected):
		v.addProblem("the key is of customer %s, customer_id expects %s", customer, expected)
	case taken:
		v.addProblem("account %s is of the same customer", output.Printable(other))
	default:
		accounts[customer] = i.Name
	}
}

// obstacle is one of the reasons why actions fail.
type obstacle struct {
	predicate string // of a sentence about the exporter; %s stands for the actions, named as permissions
	matches   func(error) bool
}

// obstacles are in the order in which they are tried and reported. Only the first one can be removed by a policy.
var obstacles = []obstacle{
	{"need %s", billclient.IsDenied},
	{"need an API that knows %s", billclient.IsUnknownAction},
	{"need the right key (%s)", isWrongKey},
	{"need a key that reads the bills of one customer only (%s)", billclient.IsTwoCustomers},
	{"cannot be reached (%s)", hasReason(billclient.Network)},
	{"do not come in time (%s)", hasReason(billclient.Timeout)},
	{"have to wait, the API is asked too often (%s)", hasReason(billclient.Throttled)},
	{"fail for what was asked (%s)", hasReason(billclient.Invalid)},
	{"meet a fault of the API (%s)", func(error) bool { return true }},
}

func hasReason(reason billclient.Reason) func(error) bool {
	return func(err error) bool { return billclient.ReasonOf(err) == reason }
}

// describeFailures returns what stops those of the actions that failed, as the predicate of a sentence. It returns
// nothing if none failed.
func describeFailures(i *inspection, actions ...string) string {
	permissions := make([][]string, len(obstacles))
	for _, action := range actions {
		if err := i.answers[action].failure(); err != nil {
			n := slices.IndexFunc(obstacles, func(o obstacle) bool { return o.matches(err) })
			permissions[n] = append(permissions[n], billclient.Permission(action))
		}
	}
	var predicates []string
	for n, names := range permissions {
		if names != nil {
			predicates = append(predicates, fmt.Sprintf(obstacles[n].predicate, strings.Join(names, ", ")))
		}
	}
	return strings.Join(predicates, " and ")
}
