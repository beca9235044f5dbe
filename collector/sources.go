package collector

import (
	"context"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// source is a row of the table of sources: one question to the API, which is asked for every account.
type source struct {
	name    string // the source label
	title   string // for people; the page translates it
	unit    string // what an item of the source is, for the log
	loop    loopName
	service *service // which is asked; nil: bill, which every configuration asks
	read    func(context.Context, *fetch) error
	measure func(*ledger.Snapshot, time.Time) (items int, data time.Time)
	isDue   func(*fetch, time.Time) bool // whether there is anything to ask for; nil: there is at every tick
}

// loopName names one of the loops of an account. None of them waits for another.
type loopName string

const (
	summaryLoop  loopName = "summaries"  // of the service bill
	unionLoop    loopName = "bill-union" // and of the services that say little
	lineLoop     loopName = "lines"
	instanceLoop loopName = "instances" // lines of bill-union
)

var loopNames = []loopName{summaryLoop, unionLoop, lineLoop, instanceLoop}

// sources has all sources, in the order in which each loop asks its own.
var sources = []source{
	{
		name: "month_bill", title: "Monthly bills", unit: "months", loop: summaryLoop,
		read: readMonthBills, measure: measureBills,
	},
	{
		name: "month_consume", title: "Estimates of months", unit: "months", loop: summaryLoop,
		read: readMonthConsumes, measure: measureEstimates,
	},
	unionSource("pay_mode_summary", "All pay modes", ledger.ByPayMode,
		(*billclient.Client).DescribeBillSummaryByPayMode),
	unionSource("product_summary", "Product groups", ledger.ByGroup,
		(*billclient.Client).DescribeBillSummaryByProduct),
	unionSource("project_summary", "Projects", ledger.ByProject,
		(*billclient.Client).DescribeBillSummaryByProject),
	groupSource,
	modeDaySource("product_consume", "Days of product groups", billclient.QueryProductConsume, ledger.ByGroup,
		(*billclient.Client).QueryProductConsume),
	modeDaySource("project_consume", "Days of projects", billclient.QueryProjectConsume, ledger.ByProject,
		(*billclient.Client).QueryProjectConsume),
	{
		name: "cash_wallet", title: "Balance", unit: "amounts", loop: unionLoop, service: payService,
		read: readPurse, measure: measurePurse,
	},
	{
		name: "prepaid_instances", title: "Ends of prepaid instances", unit: "instances", loop: unionLoop,
		service: tradeService, isDue: areTermsDue, read: readTerms, measure: measureTerms,
	},
	lineSource("detail_consume", "Lines of estimates", ledger.Estimated, readDetailConsume),
	lineSource("detail_bill", "Lines of bills", ledger.Billed, readDetailBill),
	dayLineSource, monthLineSource, costBillSource,
}

// readsLines reports whether what the source reads depends on how lines are added up.
func (s source) readsLines() bool { return s.loop == lineLoop || s.loop == instanceLoop }

// isEnabled reports whether the configuration of an account uses the source.
func (s source) isEnabled(a Account) bool { return s.service == nil || s.service.isAsked(a) }
