package collector

import (
	"context"
	"errors"
	"iter"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"

	"github.com/go-kit/log/level"
)

// bookRead is a read of the lines of a month's book.
type bookRead struct {
	action  string
	month   billclient.Month
	of      ledger.Basis
	options ledger.Options // which lines count, and which days are watched
	kept    *keeping
	stream  func(product string) iter.Seq2[billclient.Line, error] // the lines of a product; of all if it is empty
}

// readBook reads the lines of a month's book: of a month that is over those of the products whose cost has changed, if
// that is enough, else all.
func readBook(ctx context.Context, f *fetch, r bookRead) (*ledger.Ledger, error) {
	products, ok := productsToRead(f, r.of, r.month, f.basis(r.month, now()) == r.of, now())
	if !ok || len(products) == 0 {
		return readLines(ctx, f, r, "")
	}
	l, err := readProducts(ctx, f, r, products)
	if !isOfProducts(err) {
		return l, err
	}
	level.Info(f.logger).Log("msg", "lines of single products are not what their summary says, all are read",
		"action", r.action, "month", r.month, "err", err)
	f.marks.put(otherLinesMark(r.of, r.month), now())
	return readLines(ctx, f, r, "")
}

// errOtherLines is the error of the lines of a product that are of another one, or do not come to its cost.
var errOtherLines = errors.New("lines of other products, or not all of them")

// isOfProducts reports whether an error can come from asking for single products, so that asking for all may help.
func isOfProducts(err error) bool {
	switch billclient.ReasonOf(err) {
	case billclient.Invalid, billclient.Server, billclient.Decode, billclient.Incomplete:
		return true
	default:
		return errors.Is(err, errOtherLines)
	}
}

// otherLinesMark is set when the lines of single products were of no use. Then all are read for a day.
func otherLinesMark(of ledger.Basis, m billclient.Month) string {
	return markOf("other lines, "+string(of), m)
}

// wholeReads is how often, in units of refresh.details_max_age, all lines of a month are read in which single products
// have changed all the time. The cost of a product does not tell whether what its instances are called has changed.
const wholeReads = 7

// productsToRead returns the products of a month's book whose lines are to be read, and false if they cannot be read
// without the others: while the month runs, all change; what keeps lines wants whole months.
func productsToRead(
	f *fetch, of ledger.Basis, m billclient.Month, isShown bool, now time.Time,
) (products []string, ok bool) {
	known := f.snapshot.Months[m]
	book := *known.Book(of)
	switch {
	case m >= billclient.MonthOf(now) || f.options.Keeper != nil:
	case book.IsEmpty() || book.Lines == nil || isShown && !book.Lines.Summed || book.Lines.ReadAt.After(now):
	case of == ledger.Estimated && !f.snapshot.KnowsInstances(m, watchedDays(f, now)):
	case f.marks.isRecent(otherLinesMark(of, m), 24*time.Hour, now):
	default:
		refresh := f.options.Refresh
		oldest := laterOf(m.End(), now.Add(-wholeReads*refresh.DetailsMaxAge))
		return book.ProductsToRead(now.Add(-refresh.DetailsInterval), oldest)
	}
	return nil, false
}

// readProducts reads the lines of some products, and adds what is known of the others.
func readProducts(ctx context.Context, f *fetch, r bookRead, products []string) (*ledger.Ledger, error) {
	began, known := now(), f.snapshot.Months[r.month]
	book := known.Book(r.of)
	all := ledger.New(r.ledgerOptions(f))
	var days map[billclient.Day]ledger.Day // which only consumption has
	if r.of == ledger.Estimated {
		days = f.snapshot.Days
	}
	all.KeepProducts(book.Lines, days, products)
	for _, product := range products {
		l, err := readLines(ctx, f, r, product)
		if err != nil {
			return nil, err
		}
		if !l.ComesTo(product, book.Summary) {
			return nil, errOtherLines
		}
		all.Include(l, began)
	}
	return all, nil
}

// ledgerOptions returns how the lines are added up.
func (r bookRead) ledgerOptions(f *fetch) ledger.Options {
	o := r.options
	o.Views, o.Instances, o.ReadAt = metrics.LedgerViews(), f.options.Instances, now()
	o.FewLines = f.options.FewLines
	return o
}

// linesOf returns the lines of a product, and an error in place of one that is of another product. If the product is
// empty, it returns all lines.
func (r bookRead) linesOf(product string) iter.Seq2[billclient.Line, error] {
	if product == "" {
		return r.stream("")
	}
	return func(yield func(billclient.Line, error) bool) {
		for line, err := range r.stream(product) {
			if err == nil && line.ProductCode != product {
				err = errOtherLines
			}
			if !yield(line, err) {
				return
			}
		}
	}
}
