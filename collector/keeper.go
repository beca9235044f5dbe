package collector

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// LineKeeper keeps the lines of bills that are read for the numbers, so that nobody has to read them again. It is safe
// for concurrent use, and nothing waits for it: what fails in it is its own.
type LineKeeper interface {
	// Begin returns what takes the lines of a read.
	Begin(LineRead) LineBatch
	// DaysThrough returns the last day of a month whose lines in other pay modes than postpaid are kept; 0: none are,
	// or it is not known.
	DaysThrough(context.Context, billclient.CustomerID, billclient.Month) billclient.Day
}

// LineRead says which lines of a month are read.
type LineRead struct {
	Account  string
	Customer billclient.CustomerID // as far as it is known; else the lines say it
	Month    billclient.Month
	ReadAt   time.Time

	// Basis is that of postpaid lines, empty for the lines of the other pay modes.
	Basis  ledger.Basis
	BillID string // of the postpaid bill, if there is one

	// The rest is of the lines of the other pay modes.
	From, To billclient.Day // the days that are read; 0: the month as a whole
	Groups   ledger.ProductGroups
	Projects map[string]string // ids by name
}

// LineBatch takes the lines of a read. It is not safe for concurrent use. Keep, Refuse or Discard ends it.
type LineBatch interface {
	// Restart takes all lines back: the read begins again.
	Restart()
	// Add and AddUnion do not hold on to the line: the next one takes its place.
	Add(*billclient.Line)
	AddUnion(*billclient.UnionLine)
	// Keep has the lines kept, which are whole. Where the month has other lines as well, such as those of other pay
	// modes, that are not there yet, it waits for those.
	Keep(Expected)
	// Refuse takes all lines back, because they do not come to what they should, which the error says.
	Refuse(error)
	// Discard takes all lines back, unless they were kept.
	Discard()
}

// Expected says which lines a month has.
type Expected struct{ Postpaid, Others bool }

// keeping hands lines to the keeper. The methods of a nil keeping do nothing.
type keeping struct{ LineBatch }

// keep returns what takes the lines of a read; nil if they are not kept.
func (f *fetch) keep(r LineRead) *keeping {
	if f.options.Keeper == nil {
		return nil
	}
	r.Account, r.Customer, r.ReadAt = f.Name, f.customer(), now()
	return &keeping{f.options.Keeper.Begin(r)}
}

// unionRead returns what is said of a read of a month's lines in other pay modes. Their product groups have to be known
// before the lines are written, which may be asked for at the same time: then they are asked for once more.
func (f *fetch) unionRead(ctx context.Context, m billclient.Month) LineRead {
	if len(f.snapshot.Groups) == 0 {
		_ = readGroups(ctx, f) // the source of groups says what fails; without them, lines have no product codes
	}
	return LineRead{Month: m, Groups: f.snapshot.ProductGroups(), Projects: ledger.ProjectIDs(f.snapshot.Months[m])}
}

// keepMonth returns what takes the lines of a closed month in other pay modes; nil if they are not kept. Of months
// before the last one they are not, because nobody reads the postpaid ones.
func (f *fetch) keepMonth(ctx context.Context, m billclient.Month, isLast bool) *keeping {
	if !isLast || f.options.Keeper == nil {
		return nil
	}
	return f.keep(f.unionRead(ctx, m))
}

// keepDays returns what takes the lines of days in other pay modes; nil if they are not kept. It sets from to an
// earlier day if those before it are not kept yet, or were kept before all their costs had come.
func (f *fetch) keepDays(ctx context.Context, m billclient.Month, from *billclient.Day, to billclient.Day) *keeping {
	if f.options.Keeper == nil {
		return nil
	}
	first := billclient.DayOf(m.Start())
	if *from > first {
		*from = max(first, min(*from, f.options.Keeper.DaysThrough(ctx, f.customer(), m).Add(-1)))
	}
	r := f.unionRead(ctx, m)
	r.From, r.To = *from, to
	return f.keep(r)
}

// customer returns whose numbers these are, as far as that is known.
func (f *fetch) customer() billclient.CustomerID {
	return cmp.Or(billclient.ParseCustomerID(f.CustomerID), f.snapshot.CustomerID())
}

func (k *keeping) restart() {
	if k != nil {
		k.Restart()
	}
}

func (k *keeping) addLine(line *billclient.Line) {
	if k != nil {
		k.Add(line)
	}
}

func (k *keeping) addUnionLine(line *billclient.UnionLine) {
	if k != nil {
		k.AddUnion(line)
	}
}

// discard takes the lines back, unless they were kept.
func (k *keeping) discard() {
	if k != nil {
		k.Discard()
	}
}

// keepBill has the lines of a month's bill kept. Those of a month that is over have to come to it: it is made once, and
// its lines are all there is.
func (f *fetch) keepBill(k *keeping, m billclient.Month, bill *ledger.Summary, lines *ledger.LineSums) {
	if k != nil && lines.Beyond.Sign() != 0 && !now().Before(m.End()) {
		k.Refuse(fmt.Errorf("the lines come to %v CNY, the bill to %v", bill.Sum.Sub(lines.Beyond), bill.Sum))
		return
	}
	f.keepLines(k, m)
}

// keepUnionLines has the lines of a month in other pay modes kept, if these are the ones that are shown.
func (f *fetch) keepUnionLines(k *keeping, m billclient.Month, read *ledger.ModeLines) {
	if k != nil && f.snapshot.Months[m].ModeLines() == read {
		f.keepLines(k, m)
	}
}

// keepMonthLines is keepUnionLines for a month that is over: its lines have to come to the summary of its pay modes.
func (f *fetch) keepMonthLines(k *keeping, m billclient.Month, read *ledger.ModeLines, missed []string) {
	if k != nil && missed != nil {
		k.Refuse(fmt.Errorf("the lines do not come to what %s has of %s", billclient.DescribeBillSummaryByPayMode,
			strings.Join(missed, ", ")))
		return
	}
	f.keepUnionLines(k, m, read)
}

// keepLines has the lines of a month kept, which are whole.
func (f *fetch) keepLines(k *keeping, m billclient.Month) {
	if k != nil {
		k.Keep(f.expectedLines(m))
	}
}

// expectedLines returns which lines a month has, by what is known: postpaid ones if there is a bill or an estimate, or
// nobody has told yet, and others unless bill-union is not asked or denies its lines.
func (f *fetch) expectedLines(m billclient.Month) Expected {
	known, told := f.snapshot.Months[m], true
	for _, name := range []string{"month_bill", "month_consume"} {
		told = told && (f.isDenied(name) || !f.sources[name].LastSuccess.Before(m.Start()))
	}
	return Expected{
		Postpaid: !known.Bill.IsEmpty() || !known.Estimate.IsEmpty() || !told,
		Others:   unionService.isAsked(f.Account) && !f.isDenied(dayLines) && !f.isDenied(monthLines),
	}
}

// isDenied reports whether a source was asked and there is nothing to be had from it.
func (f *fetch) isDenied(name string) bool {
	s := f.sources[name]
	return s.IsFailing() && (s.Reason == billclient.Auth || s.Reason == billclient.Invalid)
}
