package billsim

// action is an action of the API. Its functions are called after the checks that all actions have in common.
type action struct {
	service     string
	version     string
	contentType string                   // empty: the one that the call accepts
	read        func(*exchange) *refusal // reads the parameters; nil: there are none
	write       func(*exchange, *body) error
}

// actions has the consumption actions in both forms. A server knows only one of the two.
var actions = map[string]action{
	"GetMonthBill":            {billService, version2018, "", (*exchange).readMonthRange, writeMonthBill},
	"GetPostpayDetailBill":    {billService, version2018, "", (*exchange).readMonthRange, writeDetailBill},
	"GetPostpayDetailBillCSV": {billService, version2018, typeCSV, (*exchange).readMonthRange, writeCSV},
	"GetProductCode":          {billService, version2018, "", nil, writeProductCode},
	"getMonthConsume":         {billService, version2018, "", (*exchange).readRecentMonth, writeMonthConsume},
	"getPostpayDetailConsume": {billService, version2018, "", (*exchange).readRecentMonthAndPage, writeDetailConsume},
	"GetMonthConsume":         {billService, version2022, "", (*exchange).readRecentMonth, writeMonthConsume},
	"GetPostpayDetailConsume": {billService, version2022, "", (*exchange).readRecentMonthAndPage, writeDetailConsume},

	"DescribeBillSummaryByPayMode": {unionService, version2020, "", (*exchange).readUnionMonth, writePayModes},
	"DescribeBillSummaryByProduct": {unionService, version2020, "", (*exchange).readUnionMonth, writeProductSummary},
	"DescribeBillSummaryByProject": {unionService, version2020, "", (*exchange).readUnionMonth, writeProjectSummary},
	"DescribeInstanceSummaryBills": {unionService, version2020, "", (*exchange).readMonthAndPage, writeInstanceBills},
	"DescribeProductCode":          {unionService, version2020, "", nil, writeProductGroups},
	"DescribeCostBill":             {unionService, versionCost, "", (*exchange).readCostQuery, writeCostBill},
	"ListProductGroups":            {unionService, version2020, "", nil, writeGroupList},
	"QueryInstanceConsume":         {unionService, versionDaily, "", (*exchange).readDaysAndPage, writeInstanceDays},
	"QueryProductConsume":          {unionService, versionDaily, "", (*exchange).readDaysAndPage, writeProductDays},
	"QueryProjectConsume":          {unionService, versionDaily, "", (*exchange).readDaysAndPage, writeProjectDays},
	"QueryProductTypes":            {unionService, versionTypes, "", nil, writeProductTypes},
	"QueryItemBills":               {unionService, versionTypes, "", (*exchange).readItemQuery, writeItemBills},

	"QueryCashWalletAction": {payService, versionPay, "", (*exchange).readSubject, writeWallet},
	"QueryInstances":        {tradeService, versionTrade, "", (*exchange).readInstanceFilter, writeSubscriptions},
}
