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

// firstMonth is the oldest month that the API has, as all bill pages of the vendor say.
const firstMonth = "2018-06"

// exchange is one call and what is needed to answer it.
type exchange struct {
	id      string
	method  string
	action  string
	query   url.Values
	syntax  ErrorForm // JSONError or XMLError, for answers too
	account *Account
	fault   Fault
	now     time.Time
	variant variant
	kept    *keptRows
	months  []string // of the query, once the action has read them
	days    [2]day   // likewise, the first and the last one
	page    LinePage // likewise
}

// answer returns the answer to the call: err if it is not nil, else the fault's answer if it has one, else the API's
// own.
func (x *exchange) answer(err *refusal) answer {
	if err == nil && x.fault.Answer != nil {
		return x.fault.Answer.render(x.id)
	}
	if err == nil {
		err = x.check()
	}
	if err != nil {
		return newTextAnswer(err.status, x.syntax.contentType(), x.syntax.format(x.id, err))
	}
	action := actions[x.action]
	contentType := action.contentType
	if contentType == "" {
		contentType = x.syntax.contentType()
	}
	return answer{header: contentHeader(contentType), write: func(b *body) error { return action.write(x, b) }}
}

// check returns what is wrong with the call, once the account is known; nil if it is right. It reads the parameters.
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
	if !ok || x.query.Get("Version") != action.version || x.variant.lacks(x.action) {
		return unknownAction()
	}
	if slices.Contains(x.account.Denied, x.action) || x.account.UnionDenied && isUnionAction(x.action) {
		return x.denial()
	}
	if action.read == nil {
		return nil
	}
	return action.read(x)
}

// denial returns the error for an action that the account may not call.
func (x *exchange) denial() *refusal {
	if x.account.DeniedByIAM {
		return lackOfPolicy(x.action)
	}
	return forbiddenRequest(x.account.CustomerID)
}

// readMonthRange reads the range, which includes both ends. How long it may be is not documented.
func (x *exchange) readMonthRange() *refusal {
	var ends [2]time.Time
	for i, name := range []string{"BillStartMonth", "BillEndMonth"} {
		var err *refusal
		if ends[i], err = x.monthParameter(name); err != nil {
			return err
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

// bills yields the months of the query that have a bill.
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

// lines yields the lines that the query asks for, as the fault leaves them.
func (x *exchange) lines() iter.Seq[Line] {
	return func(yield func(Line) bool) {
		n := 0
		for month, bill := range x.bills() {
			for l := range x.matchingLines(bill) {
				n++
				x.completeLine(&l, month, n)
				if !yield(l) {
					return
				}
			}
		}
	}
}

// matchingLines yields the lines of a bill that the query asks for.
func (x *exchange) matchingLines(b Bill) iter.Seq[Line] {
	product, project := x.query.Get("ProductCode"), x.query.Get("ProjectId")
	return func(yield func(Line) bool) {
		for l := range b.All() {
			matches := (product == "" || product == l.ProductCode) && (project == "" || project == l.ProjectID)
			if matches && !yield(l) {
				return
			}
		}
	}
}

// completeLine sets month and customer of line n of the answer where they are empty, then applies the fault's Edit.
func (x *exchange) completeLine(l *Line, month string, n int) {
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

func (x *exchange) newWriter() writer {
	if x.syntax == XMLError {
		return &xmlWriter{forms: x.fault.Forms}
	}
	return &jsonWriter{forms: x.fault.Forms}
}

// openRoot returns a writer that has begun the answer with the request's id.
func (x *exchange) openRoot() writer {
	w := x.newWriter()
	w.openObject(x.rootName())
	w.writeText("RequestId", x.id)
	return w
}

// rootName returns the name of the answer's root in XML. It begins with a capital letter, even if the action does not.
func (x *exchange) rootName() string {
	if root := unionRoots[x.action]; root != "" {
		return root
	}
	return strings.ToUpper(x.action[:1]) + x.action[1:] + "Response"
}

// closeRoot ends the answer and sends what w still has.
func (x *exchange) closeRoot(w writer, b *body) error {
	w.closeObject(x.rootName())
	_, err := b.Write(w.take())
	return err
}

// readRecentMonth reads the month, which has to be the running or the previous one. It is assumed that they are those
// of Beijing.
func (x *exchange) readRecentMonth() *refusal {
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

// readRecentMonthAndPage reads the month and the page. The defaults are those of the vendor's page: a call without
// PageSize gets one line.
func (x *exchange) readRecentMonthAndPage() *refusal {
	size, sizeErr := x.numberParameter("PageSize", 1, maxPageSize, 1)
	page, pageErr := x.numberParameter("PageNo", 0, math.MaxInt32, 0)
	page = max(page, x.variant.firstPage)
	x.page = LinePage{PageNo: page, PageSize: size, Skipped: (page - x.variant.firstPage) * size, Lines: size}
	return cmp.Or(x.readRecentMonth(), pageErr, sizeErr)
}

// readUnionMonth reads the range, which has to be of one month.
func (x *exchange) readUnionMonth() *refusal {
	begin, err := x.monthParameter("BillBeginMonth")
	if err != nil {
		return err
	}
	end, err := x.monthParameter("BillEndMonth")
	if err != nil {
		return err
	}
	if end != begin {
		return invalidParameter("BillEndMonth")
	}
	x.months = []string{begin.Format(monthForm)}
	return nil
}

// monthParameter returns a parameter that is required. The oldest month is that of the service bill: that of bill-union
// is not documented.
func (x *exchange) monthParameter(name string) (time.Time, *refusal) {
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

// numberParameter returns a parameter between low and high, or fallback if the query does not have it.
func (x *exchange) numberParameter(name string, low, high, fallback int) (int, *refusal) {
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

// consumption returns the account's consumption in the month of the query; false if it has none.
func (x *exchange) consumption() (Consumption, bool) {
	if x.account.Consume == nil {
		return Consumption{}, false
	}
	return x.account.Consume(x.months[0])
}
