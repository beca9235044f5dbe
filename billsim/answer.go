package billsim

import (
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// firstMonth is the oldest that the API has, by all its bill pages.
const firstMonth = "2018-06"

// exchange is one call: what is asked, by whom, and what is to go wrong.
type exchange struct {
	id      string
	method  string
	action  string
	query   url.Values
	syntax  ErrorForm // JSONError or XMLError: answers are spelled as errors are
	account *Account
	fault   Fault
	now     time.Time
	variant variant
	months  []string // asked for
	page    LinePage // asked for
}

// action is answered after what all calls have in common is checked.
type action struct {
	version     string
	contentType string                   // empty: as asked for
	read        func(*exchange) *refusal // takes the parameters; nil: there are none
	write       func(*exchange, *body) error
}

// actions has both forms of the consumption actions; a server knows one of them.
var actions = map[string]action{
	"GetMonthBill":            {version2018, "", (*exchange).readMonths, (*exchange).writeMonthBill},
	"GetPostpayDetailBill":    {version2018, "", (*exchange).readMonths, (*exchange).writeDetailBill},
	"GetPostpayDetailBillCSV": {version2018, typeCSV, (*exchange).readMonths, (*exchange).writeCSV},
	"GetProductCode":          {version2018, "", nil, (*exchange).writeProductCode},
	"getMonthConsume":         {version2018, "", (*exchange).readMonth, (*exchange).writeMonthConsume},
	"getPostpayDetailConsume": {version2018, "", (*exchange).readMonthAndPage, (*exchange).writeDetailConsume},
	"GetMonthConsume":         {version2022, "", (*exchange).readMonth, (*exchange).writeMonthConsume},
	"GetPostpayDetailConsume": {version2022, "", (*exchange).readMonthAndPage, (*exchange).writeDetailConsume},

	"DescribeBillSummaryByPayMode": {version2020, "", (*exchange).readUnionMonth, (*exchange).writePayModes},
	"DescribeBillSummaryByProduct": {version2020, "", (*exchange).readUnionMonth, (*exchange).writeProductSummary},
	"DescribeBillSummaryByProject": {version2020, "", (*exchange).readUnionMonth, (*exchange).writeProjectSummary},
	"DescribeProductCode":          {version2020, "", nil, (*exchange).writeProductGroups},
}

// answer is the refusal if there is one, else the fault's answer if it has one, else the API's own.
func (x *exchange) answer(no *refusal) answer {
	if no == nil && x.fault.Answer != nil {
		return x.fault.Answer.answer(x.id)
	}
	if no == nil {
		no = x.check()
	}
	if no != nil {
		return whole(no.status, x.syntax.contentType(), x.syntax.body(x.id, no))
	}
	action := actions[x.action]
	contentType := action.contentType
	if contentType == "" {
		contentType = x.syntax.contentType()
	}
	return answer{header: contentHeader(contentType), write: func(b *body) error { return action.write(x, b) }}
}

// check is what is wrong with the call of a known account.
func (x *exchange) check() *refusal {
	if x.method != http.MethodGet {
		return otherMethod(x.method)
	}
	for _, name := range []string{"Action", "Version"} {
		if x.query.Get(name) == "" {
			return missingParameter(name)
		}
	}
	action, ok := actions[x.action]
	if !ok || x.query.Get("Version") != action.version || slices.Contains(x.variant.unknown, x.action) {
		return unknownAction()
	}
	if slices.Contains(x.account.Denied, x.action) || x.account.UnionDenied && isUnion(x.action) {
		return x.denial()
	}
	if action.read == nil {
		return nil
	}
	return action.read(x)
}

func (x *exchange) denial() *refusal {
	if x.account.DeniedByIAM {
		return lackOfPolicy(x.action)
	}
	return forbidden(x.account.CustomerID)
}

// readMonths takes the range, both ends included. How long it may be is not documented.
func (x *exchange) readMonths() *refusal {
	var ends [2]time.Time
	for i, name := range []string{"BillStartMonth", "BillEndMonth"} {
		var no *refusal
		if ends[i], no = x.month(name); no != nil {
			return no
		}
	}
	if ends[1].Before(ends[0]) {
		return invalidParameter("BillEndMonth")
	}
	for m := ends[0]; !m.After(ends[1]); m = m.AddDate(0, 1, 0) {
		x.months = append(x.months, m.Format(monthForm))
	}
	return nil
}

// bills yields the months asked for that have one.
func (x *exchange) bills() iter.Seq2[string, Bill] {
	return func(yield func(string, Bill) bool) {
		if x.account.Bills == nil {
			return
		}
		for _, month := range x.months {
			if month == x.fault.NoBillOf && len(x.months) > 1 {
				continue
			}
			if bill, ok := x.account.Bills(month); ok && !yield(month, bill) {
				return
			}
		}
	}
}

// lines yields the lines asked for, as the fault leaves them.
func (x *exchange) lines() iter.Seq[Line] {
	return func(yield func(Line) bool) {
		n := 0
		for month, bill := range x.bills() {
			for l := range bill.All() {
				if !x.wants(&l) {
					continue
				}
				n++
				x.finish(&l, month, n)
				if !yield(l) {
					return
				}
			}
		}
	}
}

func (x *exchange) wants(l *Line) bool {
	return x.filter("ProductCode", l.ProductCode) && x.filter("ProjectId", l.ProjectID)
}

func (x *exchange) filter(parameter, value string) bool {
	wanted := x.query.Get(parameter)
	return wanted == "" || wanted == value
}

func (x *exchange) finish(l *Line, month string, n int) {
	if l.BillMonth == "" {
		l.BillMonth = month
	}
	if l.CustomerID == "" {
		l.CustomerID = x.account.CustomerID
	}
	if x.fault.Edit != nil {
		x.fault.Edit(n, l)
	}
}

// writer spells answers, in JSON or XML. Names of roots and items are XML's alone.
type writer interface {
	open(name string)
	close(name string)
	list(name string) bool // false: left out, as the fault wants it; then nothing of it is written
	endList(name string)
	text(name, value string)
	money(name string, value Amount) // a number, as the summaries have it
	count(name string, n int)        // a number too
	id(name, value string)           // a number too, if it is one
	take() []byte                    // what was written since last time; valid until the next call
}

func (x *exchange) writer() writer {
	if x.syntax == XMLError {
		return &xmlWriter{forms: x.fault.Forms}
	}
	return &jsonWriter{forms: x.fault.Forms}
}

func (x *exchange) writeMonthBill(b *body) error {
	w := x.begin()
	if w.list("MonthBillSet") {
		for month, bill := range x.bills() {
			x.writeMonth(w, month, bill)
		}
		w.endList("MonthBillSet")
	}
	return x.end(w, b)
}

func (x *exchange) writeMonth(w writer, month string, bill Bill) {
	s := summarize(bill)
	w.open("Item")
	writeProducts(w, "BillProductSet", "Item", s.products)
	writeProjects(w, s.projects)
	x.writeTotal(w, month, bill.ID, s.sum)
	w.close("Item")
}

func (x *exchange) writeTotal(w writer, month, id string, sum Amount) {
	if id == "" {
		id = billID(x.account.CustomerID, month)
	}
	w.text("BillMonth", month)
	w.money("Sum", sum)
	w.text("BillId", id)
	w.text("BillType", "postpay")
}

func writeProducts(w writer, set, item string, products []Product) {
	if !w.list(set) {
		return
	}
	for _, p := range products {
		w.open(item)
		w.text("Code", p.Code)
		w.money("Cost", p.Cost)
		w.text("Name", p.Name)
		w.close(item)
	}
	w.endList(set)
}

func writeProjects(w writer, projects []projectSum) {
	if !w.list("BillProjectSet") {
		return
	}
	for _, p := range projects {
		w.open("ProjectItem")
		w.id("Id", p.id)
		w.money("Cost", p.cost)
		writeProducts(w, "Details", "Details", p.products)
		w.text("Name", p.name)
		w.close("ProjectItem")
	}
	w.endList("BillProjectSet")
}

func (x *exchange) writeDetailBill(b *body) error {
	w := x.begin()
	if err := writeLines(w, b, x.lines()); err != nil {
		return err
	}
	return x.end(w, b)
}

func writeLines(w writer, b *body, lines iter.Seq[Line]) error {
	if !w.list("PostpayDetailBillSet") {
		return nil
	}
	for l := range lines {
		writeLine(w, &l)
		if _, err := b.Write(w.take()); err != nil {
			return err
		}
		if err := b.line(); err != nil {
			return err
		}
	}
	w.endList("PostpayDetailBillSet")
	return nil
}

func writeLine(w writer, l *Line) {
	w.open("Item")
	w.text("DetailBillNo", l.DetailBillNo)
	w.text("BillMonth", l.BillMonth)
	w.text("CustomerId", l.CustomerID)
	if l.daily {
		w.text("DetailBillStatDate", l.StatDate)
	}
	w.text("DetailBillStartTime", l.StartTime)
	w.text("DetailBillEndTime", l.EndTime)
	w.text("ProductCode", l.ProductCode)
	w.text("ProductName", l.ProductName)
	w.text("ProductSubTypeName", l.ProductSubTypeName)
	w.text("InstanceId", l.InstanceID)
	w.text("InstanceName", l.InstanceName)
	w.text("Cost", l.costText())
	w.text("ServiceStartTime", l.ServiceStartTime)
	w.text("BillType", l.BillType)
	w.text("BillDays", strconv.Itoa(l.BillDays))
	w.text("BillHours", strconv.Itoa(l.BillHours))
	w.text("RegionName", l.RegionName)
	w.text("ZoneName", l.ZoneName)
	if !l.daily {
		w.text("RuleRemark", l.RuleRemark)
	}
	w.text("MeasureAmount", l.measureText())
	w.text("Discount", l.Discount)
	w.text("ProjectId", l.ProjectID)
	w.text("ProjectName", l.ProjectName)
	writeSet(w, "ProviderSet", "ProviderItem", l.Providers)
	writeSet(w, "ConfigSet", "ConfigItem", l.Configs)
	writeSet(w, "ExtraSet", "ExtraItem", l.Extras)
	writeSet(w, "TagSet", "TagItem", l.Tags) // the item's name is a guess: the pages show it empty
	w.close("Item")
}

func writeSet(w writer, set, item string, pairs []KeyValue) {
	if !w.list(set) {
		return
	}
	for _, kv := range pairs {
		w.open(item)
		w.text("Key", kv.Key)
		w.text("Value", kv.Value)
		w.close(item)
	}
	w.endList(set)
}

// documentedProducts are the codes and names that appear in the vendor's pages; there is no full list.
var documentedProducts = []KeyValue{
	{"KEC", "云服务器(KEC)"},
	{"EBS", "云硬盘(EBS)"},
	{"EIP", "弹性IP(EIP)"},
	{"KRDS", "关系型数据库"},
	{"Redis", "云数据库Redis"},
	{"KS3", "对象存储"},
	{"KSS", "KSS存储"},
	{"CDN_LIVE", "KLS"},
}

func (x *exchange) products() []KeyValue {
	if x.account.Products == nil {
		return documentedProducts
	}
	return x.account.Products
}

func (x *exchange) writeProductCode(b *body) error {
	w := x.begin()
	writeSet(w, "ProductCodeSet", "ProductCodeSet", x.products())
	return x.end(w, b)
}

func (x *exchange) begin() writer {
	w := x.writer()
	w.open(x.root())
	w.text("RequestId", x.id)
	return w
}

// root begins with a capital, whatever the action does.
func (x *exchange) root() string {
	if root := unionRoots[x.action]; root != "" {
		return root
	}
	return strings.ToUpper(x.action[:1]) + x.action[1:] + "Response"
}

func (x *exchange) end(w writer, b *body) error {
	w.close(x.root())
	_, err := b.Write(w.take())
	return err
}
