package billsim

import (
	"cmp"
	"iter"
	"math"
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
	"GetMonthBill":            {version2018, "", (*exchange).readMonths, writeMonthBill},
	"GetPostpayDetailBill":    {version2018, "", (*exchange).readMonths, writeDetailBill},
	"GetPostpayDetailBillCSV": {version2018, typeCSV, (*exchange).readMonths, writeCSV},
	"GetProductCode":          {version2018, "", nil, writeProductCode},
	"getMonthConsume":         {version2018, "", (*exchange).readMonth, writeMonthConsume},
	"getPostpayDetailConsume": {version2018, "", (*exchange).readMonthAndPage, writeDetailConsume},
	"GetMonthConsume":         {version2022, "", (*exchange).readMonth, writeMonthConsume},
	"GetPostpayDetailConsume": {version2022, "", (*exchange).readMonthAndPage, writeDetailConsume},

	"DescribeBillSummaryByPayMode": {version2020, "", (*exchange).readUnionMonth, writePayModes},
	"DescribeBillSummaryByProduct": {version2020, "", (*exchange).readUnionMonth, writeProductSummary},
	"DescribeBillSummaryByProject": {version2020, "", (*exchange).readUnionMonth, writeProjectSummary},
	"DescribeProductCode":          {version2020, "", nil, writeProductGroups},
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

func (x *exchange) writer() writer {
	if x.syntax == XMLError {
		return &xmlWriter{forms: x.fault.Forms}
	}
	return &jsonWriter{forms: x.fault.Forms}
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

// readMonth takes the one month, which has to be the running or the previous one, in Beijing as is assumed.
func (x *exchange) readMonth() *refusal {
	month := x.query.Get("BillMonth")
	if month == "" {
		return missingParameter("BillMonth")
	}
	today := dayOf(x.now)
	if month != today.month() && month != today.monthStart(-1).month() {
		return invalidParameter("BillMonth")
	}
	x.months = []string{month}
	return nil
}

// readMonthAndPage takes the defaults from the page: a caller who asks for nothing gets one line.
func (x *exchange) readMonthAndPage() *refusal {
	size, badSize := x.number("PageSize", 1, maxPageSize, 1)
	page, badPage := x.number("PageNo", 0, math.MaxInt32, 0)
	page = max(page, x.variant.firstPage)
	x.page = LinePage{PageNo: page, PageSize: size, Skipped: (page - x.variant.firstPage) * size, Lines: size}
	return cmp.Or(x.readMonth(), badPage, badSize)
}

// readUnionMonth takes the range, which has to be of one month.
func (x *exchange) readUnionMonth() *refusal {
	begin, no := x.month("BillBeginMonth")
	if no != nil {
		return no
	}
	end, no := x.month("BillEndMonth")
	if no != nil {
		return no
	}
	if end != begin {
		return invalidParameter("BillEndMonth")
	}
	x.months = []string{begin.Format(monthForm)}
	return nil
}

// month is a parameter that has to be there. The oldest month is the one of bill: of bill-union it is not documented.
func (x *exchange) month(name string) (time.Time, *refusal) {
	text := x.query.Get(name)
	if text == "" {
		return time.Time{}, missingParameter(name)
	}
	month, err := time.Parse(monthForm, text)
	if err != nil || text < firstMonth {
		return time.Time{}, invalidParameter(name)
	}
	return month, nil
}

// number is a parameter that may be absent.
func (x *exchange) number(name string, low, high, fallback int) (int, *refusal) {
	text := x.query.Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, invalidParameter(name)
	}
	return n, nil
}

// consumption is the account's in the month asked for.
func (x *exchange) consumption() (Consumption, bool) {
	if x.account.Consume == nil {
		return Consumption{}, false
	}
	return x.account.Consume(x.months[0])
}
